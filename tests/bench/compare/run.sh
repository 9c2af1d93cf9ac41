#!/usr/bin/env bash
# Times Fathom beside its peers on this machine: `adapters`, ONNX Runtime, OpenVINO, eager torch and
# CTranslate2, with the same encoder, texts, threads and precision, all in turn in one run.
#
#   tests/bench/compare/run.sh --output DIR [--encoder DIR] [--quick] [--glue DIR] [--threads N]
#                              [--only WORKLOAD…] [--precision fp32|bf16|all] [--worker FILE]
#
#   --output DIR      where results.md, results.json and the plots go
#   --encoder DIR     Hugging Face folder of a BERT encoder (default: encoders/bert-base here or in
#                     the folder of dependencies)
#   --quick           fewer rounds: within 10 minutes once the peers are installed
#   --glue DIR        take sentence lengths from DIR/SST-2/dev.tsv instead of the list kept here
#   --threads N       of every program (default 2)
#   --only WORKLOAD…  of fanout, repeat, lone and mixed
#   --precision P     fp32, bf16, or all that this CPU has (the default)
#   --worker FILE     a fathom-bench-worker that is built already
#
# The first run installs the peers (6 GB on the disk) into ~/.cache/fathom/compare-venv and exports
# the encoder for them (1.4 GB) into ~/.cache/fathom/compare. It can be interrupted and run again:
# it goes on where it was. A peer whose outputs do not agree with Fathom's gets no time, with the
# reason. Let nothing else run meanwhile: the table says how loaded the machine was.
#
# Environment: FATHOM_DEPS_DIR and XDG_CACHE_HOME as in deploy/setup.sh.

set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(readlink -f "$here/../../..")
# shellcheck source=../../../deploy/lib/common.sh
. "$root/deploy/lib/common.sh"
# shellcheck source=../../../deploy/lib/packages.sh
. "$root/deploy/lib/packages.sh"
# shellcheck source=../../../deploy/lib/build.sh
. "$root/deploy/lib/build.sh"

venv="$FATHOM_CACHE_DIR/compare-venv"
exports_cache="$FATHOM_CACHE_DIR/compare"
output='' encoder='' glue='' worker=''
threads=2
drive_options=()

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --quick)
        drive_options+=(--quick)
        shift
        ;;
      --only)
        drive_options+=("$1")
        shift
        while (($# > 0)) && [[ $1 != -* ]]; do
          drive_options+=("$1")
          shift
        done
        ;;
      -h | --help)
        print_help "$here/run.sh"
        exit 0
        ;;
      --output | --encoder | --glue | --threads | --precision | --worker)
        (($# > 1)) || die "$1 needs a value; see $0 --help"
        take_value "$1" "$2"
        shift 2
        ;;
      *) die "unknown argument '$1'; see $0 --help" ;;
    esac
  done
}

take_value() {
  case $1 in
    --output) output=$2 ;;
    --encoder) encoder=$2 ;;
    --glue) glue=$2 ;;
    --threads) threads=$2 ;;
    --precision) drive_options+=(--precision "$2") ;;
    --worker) worker=$2 ;;
  esac
}

# Everything that can be wrong is said before anything is installed.
check_arguments() {
  [[ -n $output ]] || die "no --output DIR; see $0 --help"
  [[ $threads =~ ^[1-9][0-9]*$ ]] || die "--threads is '$threads', not a number above 0"
  [[ -n $encoder ]] || encoder=$(find_encoder) ||
    die "no encoder found in $root/encoders/bert-base or $FATHOM_DEPS_DIR/encoders/bert-base;" \
      "name the Hugging Face folder of one with --encoder DIR"
  [[ -f $encoder/config.json ]] || die "--encoder $encoder has no config.json"
  [[ -z $glue || -f $glue/SST-2/dev.tsv ]] || die "--glue $glue has no SST-2/dev.tsv"
  [[ -z $worker || -x $worker ]] || die "--worker $worker is no program"
  [[ -z $glue ]] || drive_options+=(--glue "$(readlink -f "$glue")")
  encoder=$(readlink -f "$encoder")
  mkdir -p "$output" || die "cannot make $output"
  output=$(readlink -f "$output")
}

find_encoder() {
  local folder
  for folder in "$root/encoders/bert-base" "$FATHOM_DEPS_DIR/encoders/bert-base"; do
    if [[ -f $folder/config.json ]]; then
      printf '%s' "$folder"
      return
    fi
  done
  return 1
}

build_worker() {
  [[ -z $worker ]] || return 0
  [[ -f $root/build/release/build.ninja ]] || configure_preset release
  build_preset release fathom-bench-worker
  worker="$root/build/release/bin/fathom-bench-worker"
}

# The environment is complete when it was made from this very list.
install_peers() {
  local stamp="$venv/requirements.txt" free needed=9000
  cmp --silent "$here/requirements.txt" "$stamp" && return
  free=$(free_disk_mib "$venv")
  ((free >= needed)) || [[ -d $venv ]] ||
    die "$free MiB free for $venv; $needed MiB are needed for the peers"
  [[ -x $venv/bin/pip ]] || python3 -m venv "$venv" ||
    die "python3 cannot make a virtual environment; install the package python3-venv"
  install_torch
  "$venv/bin/pip" install --quiet --disable-pip-version-check \
    --requirement "$here/requirements.txt" ||
    die "pip could not install the peers; run this again to go on"
  cp "$here/requirements.txt" "$stamp"
}

# The CPU build is a tenth of the plain one's size, but most indexes have only that.
install_torch() {
  local version
  version=$(sed -n 's/^torch==//p' "$here/requirements.txt")
  "$venv/bin/pip" show --quiet torch 2>/dev/null && return
  "$venv/bin/pip" install --quiet --disable-pip-version-check "torch==$version+cpu" 2>/dev/null ||
    note "the package index has no CPU build of torch; installing the plain one (3 GB)"
}

export_encoder() {
  exports=$("$venv/bin/python" "$here/exports.py" --encoder "$encoder" --cache "$exports_cache")
}

parse_arguments "$@"
check_arguments
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error  # nothing is fetched from a hub
plan_steps 4
begin_step "Build fathom-bench-worker" "nothing to do, or some minutes"
build_worker
end_step
begin_step "Install the peers" "nothing to do, or 5 min"
with_lock "$venv.lock" install_peers
end_step
begin_step "Export the encoder for the peers" "some seconds, or 1 min"
export_encoder
end_step
begin_step "Compare" "9 min at most with --quick, 30 min without"
"$venv/bin/python" "$here/drive.py" --output "$output" --encoder "$encoder" --exports "$exports" \
  --worker "$worker" --threads "$threads" ${drive_options[@]+"${drive_options[@]}"}
end_step
