#!/usr/bin/env bash
# Makes the paper's figures and tables again, in order; each goes on where it was cut.
#
#   adapters/experiments/all.sh --glue DIR --bert-base DIR --minilm DIR [--threads N]
#
#   --glue DIR        folder with CoLA, RTE, MRPC, SST-2 and STS-B, each with train.tsv and dev.tsv
#   --bert-base DIR   Hugging Face folder, for speeds and Figure 2
#   --minilm DIR      Hugging Face folder, for the other scores
#   --threads N       of every program (default: all cores)
#   --quick           leave out what needs hours on BERT-base: Figure 2 and the time to a score
#
# Times need a machine on which nothing else runs. Finished runs lie in ~/.cache/fathom/experiments
# and are not run again; results in adapters/experiments/results.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

glue='' bert_base='' minilm='' quick=''
threads=0
while (($# > 0)); do
  case $1 in
    --glue) glue=$2 && shift 2 ;;
    --bert-base) bert_base=$2 && shift 2 ;;
    --minilm) minilm=$2 && shift 2 ;;
    --threads) threads=$2 && shift 2 ;;
    --quick) quick=1 && shift ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" && exit 0 ;;
    *) echo "unknown argument '$1'; see $0 --help" >&2 && exit 2 ;;
  esac
done
for folder in "$glue" "$bert_base" "$minilm"; do
  [[ -d $folder ]] || { echo "'$folder' is no folder; see $0 --help" >&2 && exit 2; }
done

number=0
failed=()
# run EXPECTED COMMAND…: an experiment that fails does not keep the next from running.
run() {
  local expected=$1 name=$2
  shift 2
  number=$((number + 1))
  printf '\n[%d] %s (expected with 2 cores: %s)\n' "$number" "$name" "$expected"
  "$here/$name" "$@" --threads "$threads" || failed+=("$name")
}

small=(--encoder "$minilm" --glue "$glue" --rows 4000)
large=(--encoder "$bert_base" --glue "$glue")
run "5 min" multi_task.py --encoder "$bert_base"
run "20 min" table1.py "${large[@]}"
run "90 min" step_times.py "${large[@]}" --peer
run "2 h" reference.py --encoder "$minilm" --glue "$glue"
run "90 min" drop_order.py "${small[@]}"
run "60 min" dropout.py "${small[@]}"
run "40 min" sharing.py "${small[@]}"
run "60 min" fusion.py "${small[@]}"
run "20 min" too_slow.py "${small[@]}"
if [[ -z $quick ]]; then
  run "5 h" time_to_score.py "${large[@]}"
  run "10 h" figure2.py "${large[@]}"
fi
((${#failed[@]} == 0)) || { echo "failed: ${failed[*]}" >&2 && exit 1; }
