#!/usr/bin/env bash
# Gets everything that Fathom's build needs, and says what and why.
#
#   deploy/setup.sh [--check] [--for quickstart|tests|all] [--with-cuda] [--no-crate]
#
#   --check       only look: print what is there and what is missing; exit status 1 if anything is
#   --for GROUP   quickstart: build and run the server
#                 tests:      build and run the tests too (the default)
#                 all:        clang for the fuzz targets, formatting and linting too
#   --with-cuda   keep LibTorch's CUDA libraries (540 MB more on the disk)
#   --no-crate    leave the tokenizer crate to the build
#
# Installs Debian packages (as root, or with sudo). Downloads the wheels in deploy/pins.txt into
# ~/.cache/fathom and unpacks what the build uses of them into .deps/; nothing is installed into
# Python. Compiles the tokenizer crate into .deps/cargo meanwhile. It can be interrupted and run
# again: it goes on where it was, and has nothing to do in a few seconds when all is there.
#
# Environment: FATHOM_DEPS_DIR instead of .deps, XDG_CACHE_HOME instead of ~/.cache.

set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=lib/common.sh
. "$here/lib/common.sh"
# shellcheck source=lib/packages.sh
. "$here/lib/packages.sh"
# shellcheck source=lib/wheels.sh
. "$here/lib/wheels.sh"
# shellcheck source=lib/unpack.sh
. "$here/lib/unpack.sh"
# shellcheck source=lib/build.sh
. "$here/lib/build.sh"

group=tests
only_check=0
with_crate=1
DEPENDENCIES=(libtorch googleapis encoders/minilm)

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --check) only_check=1 ;;
      --for)
        group=${2:-}
        shift
        ;;
      --with-cuda) export FATHOM_WITH_CUDA=1 ;;
      --no-crate) with_crate=0 ;;
      -h | --help)
        print_help "$here/setup.sh"
        exit 0
        ;;
      *) die "unknown argument '$1'; see deploy/setup.sh --help" ;;
    esac
    shift
  done
  [[ $group =~ ^(quickstart|tests|all)$ ]] ||
    die "--for is '$group'; it can be quickstart, tests or all"
}

# check_line NAME WHY IS_THERE(0|1)
check_line() {
  local state='missing'
  (($3)) && state='ok'
  printf '  %-8s %-24s %s\n' "$state" "$1" "$2"
  (($3)) || anything_missing=1
}

check_packages() {
  local name why there missing
  missing=$(missing_packages "$group" | cut -d'|' -f1)
  while IFS='|' read -r name why; do
    there=1
    grep -qx -- "$name" <<<"$missing" && there=0
    check_line "$name" "$why" "$there"
  done < <(package_rows "$group")
}

check_dependencies() {
  local name there
  for name in "${DEPENDENCIES[@]}"; do
    is_unpacked "$name" && there=1 || there=0
    check_line "$name" "from $(wheels_of "$name" | tr '\n' ' ')" "$there"
  done
  tokenizer_crate_built && there=1 || there=0
  ((with_crate == 0)) || check_line tokenizers_ffi 'the tokenizer crate, compiled' "$there"
}

check_everything() {
  anything_missing=0
  say "Debian packages for $group:"
  check_packages
  say "In $FATHOM_DEPS_DIR:"
  check_dependencies
  ((anything_missing == 0)) || say "Something is missing; deploy/setup.sh --for $group gets it."
  return "$anything_missing"
}

set_up() {
  local name
  install_packages "$group"
  ((with_crate == 0)) || start_tokenizer_crate "$FATHOM_DEPS_DIR/tokenizer_crate.log"
  for name in "${DEPENDENCIES[@]}"; do install_dependency "$name"; done
  ((with_crate == 0)) && return
  note "waiting for the tokenizer crate"
  wait_tokenizer_crate
}

parse_arguments "$@"
if ((only_check)); then
  check_everything
else
  say "Setting up Fathom's build for $group:"
  set_up
  note "ready after $(format_seconds "$SECONDS")"
fi
