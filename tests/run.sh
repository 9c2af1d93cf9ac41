#!/usr/bin/env bash
# Gets what the build needs, builds everything, runs the tests, and says what ran and what did not.
#
#   tests/run.sh [--asan] [--tsan] [--no-setup]
#
#   --asan      also build and run all tests with AddressSanitizer, UBSan and LeakSanitizer
#   --tsan      also run the tests of scheduler, caches and registry with ThreadSanitizer
#   --no-setup  do not run deploy/setup.sh first
#
# Works from a fresh clone on a fresh Debian 12, as root or with sudo; a second run compiles only
# what changed. The exit status is CTest's (of the first run that failed), and its closing lines
# come last.
#
# Environment: PRESET instead of release; FATHOM_DEPS_DIR and XDG_CACHE_HOME as in deploy/setup.sh.

set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
# shellcheck source=../deploy/lib/common.sh
. "$root/deploy/lib/common.sh"
# shellcheck source=../deploy/lib/packages.sh
. "$root/deploy/lib/packages.sh"
# shellcheck source=../deploy/lib/build.sh
. "$root/deploy/lib/build.sh"

preset=${PRESET:-release}
sanitizers=()
with_setup=1
exit_status=0
closing_lines=''

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --asan | --tsan) sanitizers+=("${1#--}") ;;
      --no-setup) with_setup=0 ;;
      -h | --help)
        print_help "$root/tests/run.sh"
        exit 0
        ;;
      *) die "unknown argument '$1'; see tests/run.sh --help" ;;
    esac
    shift
  done
}

use_compiler_cache() {
  export CCACHE_DIR="${CCACHE_DIR:-$FATHOM_CACHE_DIR/ccache}"
  mkdir -p "$CCACHE_DIR"
}

ctest_output() { say "$FATHOM_ROOT/build/$1/ctest_output.txt"; }

# Runs the tests of a preset. What CTest says goes to the screen and to a file, but for its closing
# lines (the verdict and the lists of tests that failed or did not run), which go to closing_lines.
run_ctest() {
  local output status=0
  output=$(ctest_output "$1")
  (cd "$FATHOM_ROOT" && ctest --preset "$1" --parallel "$(compile_jobs)" --no-tests=error) 2>&1 |
    tee "$output" | sed '/^[0-9]*% tests passed/,$d' || status=$?
  closing_lines=$(sed -n '/^[0-9]*% tests passed/,$p' "$output")
  ((exit_status)) || exit_status=$status
}

test_preset() {
  begin_step "Configure $1" 'half a minute'
  configure_preset "$1" -DBUILD_TESTING=ON
  end_step
  begin_step "Build $1 with $(compile_jobs) jobs" '10 to 25 min the first time'
  build_preset "$1"
  end_step
  begin_step "Test $1" 'under 5 min'
  run_ctest "$1"
  end_step
}

# The reasons tests gave for skipping themselves, with how often each was given.
print_skip_reasons() {
  local log="$FATHOM_ROOT/build/$1/Testing/Temporary/LastTest.log" reasons
  # GoogleTest says "FILE:LINE: Skipped" and the reason on the next line; scripts "Skipped: reason".
  reasons=$(awk '/: Skipped$/ { getline; print } sub(/^[Ss]kipped: /, "")' "$log" | sort | uniq -c)
  say "Skipped inside $1, with how often:"
  say "${reasons:-      nothing}"
}

print_summary() {
  local name
  printf '\nWhat ran, and how long it took:\n'
  printf '  %s\n' "${finished_steps[@]}"
  for name in "$@"; do print_skip_reasons "$name"; done
  for name in asan tsan; do
    [[ " $* " == *" $name "* ]] || say "Not run: the $name preset (tests/run.sh --$name)"
  done
}

main() {
  parse_arguments "$@"
  require_machine
  plan_steps $((with_setup + 3 * (1 + ${#sanitizers[@]})))
  use_compiler_cache
  if ((with_setup)); then
    begin_step 'Packages, LibTorch, tokenizer crate' '3 to 10 min the first time, then seconds'
    "$root/deploy/setup.sh" --for tests
    end_step
  fi
  local name
  for name in "${sanitizers[@]}" "$preset"; do test_preset "$name"; done
  print_summary "${sanitizers[@]}" "$preset"
  printf '\n%s\n' "$closing_lines"
  exit "$exit_status"
}

main "$@"
