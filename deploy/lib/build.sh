# Compiling: the tokenizer crate in the background, and CMake presets.
# Needs common.sh and packages.sh.
# shellcheck shell=bash

TOKENIZER_CRATE="$FATHOM_ROOT/runtime/text/tokenizers_ffi"

# Sets FATHOM_CARGO, and RUSTC to the compiler beside it: another one on PATH can be too old.
use_found_cargo() {
  FATHOM_CARGO=$(find_cargo) || die "no cargo new enough; run deploy/setup.sh"
  RUSTC="$(dirname "$FATHOM_CARGO")/rustc"
}

# Whether the crate's library is there and no older than its sources.
tokenizer_crate_built() {
  local library="$FATHOM_DEPS_DIR/cargo/release/libtokenizers_ffi.a"
  [[ -f $library && -z $(find "$TOKENIZER_CRATE" -type f -newer "$library") ]]
}

# start_tokenizer_crate LOG: compiles in the background exactly as the CMake target
# tokenizers_ffi_build does, so that the build finds it done.
start_tokenizer_crate() {
  tokenizer_crate_log=$1
  use_found_cargo
  mkdir -p "$(dirname "$1")"
  (cd "$TOKENIZER_CRATE" && exec env -u RUSTFLAGS -u MAKEFLAGS -u MFLAGS \
    RUSTC="$RUSTC" CARGO_TARGET_DIR="$FATHOM_DEPS_DIR/cargo" \
    "$FATHOM_CARGO" build --locked --release) \
    >"$1" 2>&1 </dev/null &
  tokenizer_crate_pid=$!
  # shellcheck disable=SC2064  # the process that runs now
  trap "kill $tokenizer_crate_pid 2>/dev/null || true" EXIT
}

wait_tokenizer_crate() {
  if ! wait "$tokenizer_crate_pid"; then
    tail -n 40 "$tokenizer_crate_log" >&2
    die "the tokenizer crate did not compile; its whole output is in $tokenizer_crate_log"
  fi
  trap - EXIT
}

# configure_preset PRESET [CMAKE ARGUMENTS…]
configure_preset() {
  local preset=$1
  shift
  use_found_cargo
  (cd "$FATHOM_ROOT" && cmake --preset "$preset" -DFATHOM_DEPS_DIR="$FATHOM_DEPS_DIR" \
    -DFATHOM_CARGO="$FATHOM_CARGO" "$@")
}

# build_preset PRESET [TARGETS…]: everything the preset builds if none is named.
build_preset() {
  local preset=$1 targets=()
  shift
  (($# == 0)) || targets=(--target "$@")
  (cd "$FATHOM_ROOT" && cmake --build --preset "$preset" --parallel "$(compile_jobs)" \
    "${targets[@]}")
}
