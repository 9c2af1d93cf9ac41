#!/usr/bin/env bash
# From a bare Debian 12 machine to one text answered by eight tasks at several skip depths.
#
#   deploy/quickstart.sh [--stop-after] [--text TEXT]
#
#   --text TEXT    the text of the demonstration, instead of the built-in one
#   --stop-after   stop the server at the end; else it goes on running when this is a terminal
#
# Gets what the build needs (deploy/setup.sh --check shows what), compiles the server and the
# client, starts the server on free ports of this machine with a small encoder and the adapters in
# adapters/starter/, and asks it. The first run takes 5 to 10 minutes on two cores, a second one
# seconds. Runs as root or with sudo for the Debian packages.
#
# Environment: FATHOM_DEPS_DIR and XDG_CACHE_HOME as in deploy/setup.sh.

set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=lib/common.sh
. "$here/lib/common.sh"
# shellcheck source=lib/packages.sh
. "$here/lib/packages.sh"
# shellcheck source=lib/build.sh
. "$here/lib/build.sh"
# shellcheck source=lib/server.sh
. "$here/lib/server.sh"

BINARIES="$FATHOM_ROOT/build/release/bin"
stop_after=0
screen_arguments=()

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --stop-after) stop_after=1 ;;
      --text)
        (($# > 1)) || die "--text needs a text"
        screen_arguments+=(--text "$2")
        shift
        ;;
      -h | --help)
        print_help "$here/quickstart.sh"
        exit 0
        ;;
      *) die "unknown argument '$1'; see deploy/quickstart.sh --help" ;;
    esac
    shift
  done
  [[ -t 0 && -t 1 ]] || stop_after=1
}

# A task is a folder with an adapter in it, or with numbered versions of one.
starter_tasks() {
  (cd "$FATHOM_ROOT/adapters/starter" 2>/dev/null &&
    find . -mindepth 2 -maxdepth 3 -name adapter_config.json | cut -d/ -f2 | sort -u)
}

# The starter adapters are what the demonstration is about.
require_adapters() {
  [[ -n $(starter_tasks) ]] ||
    die "no adapters in adapters/starter/; this clone is not complete"
}

set_up() {
  begin_step 'Packages, LibTorch, encoder, tokenizer crate' '3 to 6 min the first time'
  "$here/setup.sh" --for quickstart
  end_step
}

# An existing build folder keeps its own choice about tests.
compile() {
  local arguments=() log="$FATHOM_ROOT/build/release/quickstart_configure.log"
  begin_step 'Configure the build' '10 s'
  mkdir -p "$FATHOM_ROOT/build/release"
  [[ -f $FATHOM_ROOT/build/release/CMakeCache.txt ]] || arguments=(-DBUILD_TESTING=OFF)
  configure_preset release "${arguments[@]}" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    die "CMake could not configure; its whole output is in $log"
  }
  end_step
  begin_step 'Compile the server and the client' '4 to 8 min the first time'
  build_preset release fathom-server fathom
  end_step
}

serve() {
  begin_step 'Start the server' '3 s'
  stop_earlier_server
  start_server "$BINARIES/fathom-server" \
    --encoder "$FATHOM_DEPS_DIR/encoders/minilm" --adapters "$FATHOM_ROOT/adapters/starter"
  note "process $server_pid answers on $server_address, metrics on http://$metrics_address/metrics"
  end_step
}

show() {
  begin_step 'One text, eight tasks, several depths' '1 s'
  "$SYSTEM_PYTHON" "$here/quickstart_screen.py" --client "$BINARIES/fathom" \
    --server "$server_address" "${screen_arguments[@]}"
  end_step
}

print_commands() {
  local task encoder=${FATHOM_DEPS_DIR#"$FATHOM_ROOT/"}/encoders/minilm
  task=$(starter_tasks | grep --max-count=1 sentiment || starter_tasks | sed -n 1p)
  cat <<END

To go on (copy a line):
  build/release/bin/fathom predict --address $server_address --task $task --skip-layers 4 "What a day"
  cmake --build build/release --target fathom-train && build/release/bin/fathom-train \\
    --encoder $encoder --method robust --learning-rate 5e-4 \\
    --train YOUR_TRAIN.tsv --dev YOUR_DEV.tsv --output my-adapter
  grpcurl -plaintext -d '{"inputs": [{"text": "What a day"}], "tasks": [{"name": "$task"}]}' \\
    $server_address fathom.v1.InferenceService/Predict
END
}

# Stops the server, or says how to.
finish() {
  if ((stop_after)); then
    stop_server "$server_pid"
    say "The server is stopped. On a terminal, without --stop-after, it would go on running."
  else
    say "The server goes on running as process $server_pid; its log is in $server_log"
    say "Stop it with: kill $server_pid"
  fi
  trap - EXIT
}

main() {
  parse_arguments "$@"
  say 'Fathom quick start'
  require_machine
  note "$(nproc) cores and $(memory_mib) MiB of memory: $(compile_jobs) compilations at once"
  require_adapters
  plan_steps 5
  set_up
  compile
  serve
  show
  print_commands
  finish
}

main "$@"
