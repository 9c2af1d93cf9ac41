#!/usr/bin/env bash
# Downloads and unpacks small wheels from a folder as deploy/setup.sh does from a registry, cutting
# and breaking them on the way.

# shellcheck disable=SC2317  # the cases are called by name

set -euo pipefail
root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../..
# shellcheck source=../../deploy/lib/common.sh
. "$root/deploy/lib/common.sh"
# shellcheck source=../../deploy/lib/wheels.sh
. "$root/deploy/lib/wheels.sh"
# shellcheck source=../../deploy/lib/unpack.sh
. "$root/deploy/lib/unpack.sh"

if ! { command -v curl unzip && "$SYSTEM_PYTHON" -m pip --version; } >/dev/null 2>&1; then
  echo 'Skipped: curl, unzip or python3-pip is not installed'
  exit 77
fi

WHEEL=googleapis-common-protos

# make_wheel VERSION CONTENT: a wheel that pip accepts, in the folder it looks into.
make_wheel() {
  "$SYSTEM_PYTHON" - "$registry/googleapis_common_protos-$1-py3-none-any.whl" "$1" "$2" <<'END'
import sys, zipfile
path, version, content = sys.argv[1:]
info = f"googleapis_common_protos-{version}.dist-info"
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr("google/rpc/status.proto", content)
    wheel.writestr(f"{info}/METADATA",
                   f"Metadata-Version: 2.1\nName: googleapis-common-protos\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
END
}

made_wheel() { echo "$registry/googleapis_common_protos-$1-py3-none-any.whl"; }

pin() { printf 'pip 25.3 none\n%s %s %s\n' "$WHEEL" "$1" "$2" >"$FATHOM_PINS"; }

pin_made() { pin "$1" "$(sha256sum "$(made_wheel "$1")" | cut -d' ' -f1)"; }

# An empty world: a registry with one wheel, its pin, and folders with nothing in them. The empty
# folder of the pinned pip makes Debian's own answer.
start_world() {
  world=$(mktemp -d)
  trap 'rm -rf "$world"' EXIT
  registry="$world/registry"
  FATHOM_CACHE_DIR="$world/cache"
  FATHOM_WHEELS_DIR="$world/cache/wheels"
  FATHOM_DEPS_DIR="$world/deps"
  FATHOM_PINS="$world/pins.txt"
  export PIP_NO_INDEX=1 PIP_FIND_LINKS="$registry" PIP_CONFIG_FILE=/dev/null
  mkdir -p "$registry" "$FATHOM_CACHE_DIR/pip-25.3"
  make_wheel 1.0 'first content'
  pin_made 1.0
}

unpacked() { cat "$FATHOM_DEPS_DIR/googleapis/google/rpc/status.proto"; }

# expect TEXT COMMAND…: the command holds.
expect() {
  local text=$1
  shift
  "$@" || die "expected: $text"
}

# refuses COMMAND…: the command ends with an error. Call it alone, not behind expect.
refuses() {
  local status=0
  set +e
  (
    set -e
    "$@"
  ) >"$world/output" 2>&1
  status=$?
  set -e
  ((status != 0)) || die "expected an error from: $*"
}

unpacks_what_is_pinned() {
  install_dependency googleapis
  expect 'the content' [ "$(unpacked)" = 'first content' ]
  expect 'a stamp that holds' is_unpacked googleapis
}

does_nothing_the_second_time() {
  install_dependency googleapis
  rm -rf "$registry" "$FATHOM_WHEELS_DIR"
  install_dependency googleapis
  expect 'no download' [ ! -e "$FATHOM_WHEELS_DIR" ]
}

goes_on_where_a_download_was_cut() {
  local part
  part="$(wheel_path "$WHEEL").part"
  mkdir -p "$FATHOM_WHEELS_DIR"
  head -c 100 "$(made_wheel 1.0)" >"$part"
  # Only the tail is right where it comes from now, so it cannot have begun anew.
  printf 'XXXX' | dd of="$(made_wheel 1.0)" conv=notrunc status=none
  resolve_url() { echo "file://$(made_wheel 1.0)"; }
  install_dependency googleapis
  expect 'the content' [ "$(unpacked)" = 'first content' ]
}

refuses_and_deletes_a_wrong_wheel() {
  pin 1.0 0000000000000000000000000000000000000000000000000000000000000000
  refuses install_dependency googleapis
  expect 'the file gone' [ -z "$(find "$FATHOM_WHEELS_DIR" -name '*.whl' -o -name '*.part')" ]
  expect 'nothing unpacked' [ ! -e "$FATHOM_DEPS_DIR/googleapis" ]
}

unpacks_again_when_the_pin_changes() {
  install_dependency googleapis
  make_wheel 2.0 'second content'
  pin_made 2.0
  refuses is_unpacked googleapis
  install_dependency googleapis
  expect 'the new content' [ "$(unpacked)" = 'second content' ]
}

leaves_nothing_half_unpacked() {
  unpack_googleapis() {
    touch "$1/half"
    kill -TERM "$BASHPID"
  }
  refuses install_dependency googleapis
  expect 'no folder' [ -z "$(find "$FATHOM_DEPS_DIR" -mindepth 1 -name 'googleapis*')" ]
}

run_all() {
  local case
  for case in unpacks_what_is_pinned does_nothing_the_second_time \
    goes_on_where_a_download_was_cut refuses_and_deletes_a_wrong_wheel \
    unpacks_again_when_the_pin_changes leaves_nothing_half_unpacked; do
    "${BASH_SOURCE[0]}" "$case" || die "$case failed"
    echo "ok: $case"
  done
}

# Each case is a process of its own: in a function called behind || or if, set -e has no effect.
if (($# == 1)); then
  start_world
  "$1"
else
  run_all
fi
