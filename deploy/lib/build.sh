# Compiling: the tokenizer crate in the background, and CMake presets.
# Needs common.sh and packages.sh.
# shellcheck shell=bash

TOKENIZER_CRATE="$FATHOM_ROOT/runtime/text/tokenizers_ffi"

# Debian's cargo needs Debian's rustc, also where an older Rust is first on PATH.
use_found_cargo() {
  FATHOM_CARGO=$(find_cargo) || die "no cargo new enough; run deploy/setup.sh"
  [[ $FATHOM_CARGO != /usr/bin/cargo ]] || export RUSTC=/usr/bin/rustc
}

# start_tokenizer_crate LOG: compiles in the background exactly as the CMake target
# tokenizers_ffi_build does, so that the build finds it done.
start_tokenizer_crate() {
  tokenizer_crate_log=$1
  use_found_cargo
  mkdir -p "$(dirname "$1")"
  (cd "$TOKENIZER_CRATE" && exec env -u RUSTFLAGS -u MAKEFLAGS -u MFLAGS \
    CARGO_TARGET_DIR="$FATHOM_DEPS_DIR/cargo" "$FATHOM_CARGO" build --locked --release) \
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
    -DCARGO="$FATHOM_CARGO" "$@")
}

# build_preset PRESET [TARGETS…]: everything the preset builds if none is named.
build_preset() {
  local preset=$1 targets=()
  shift
  (($# == 0)) || targets=(--target "$@")
  (cd "$FATHOM_ROOT" && cmake --build --preset "$preset" --parallel "$(compile_jobs)" \
    "${targets[@]}")
}
