#!/usr/bin/env bash
# Trains the eight adapters of adapters/starter/ from the data that fetch_data.py beside this file
# downloads. One command a task; what it prints at the end is the task's depth profile.
#
#   adapters/starter_data/train.sh [TASK…]      default: all eight
#
# ENCODER (default .deps/encoders/minilm), DATA (data/starter), OUTPUT (adapters/starter) and
# FATHOM_TRAIN (build/release/bin/fathom-train) may be set. A task that was interrupted goes on
# where it stopped; one that is finished is left alone. One thread a task: two runs of this script
# with other tasks, side by side, take half the time of one with two threads.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

encoder=${ENCODER:-.deps/encoders/minilm}
data=${DATA:-data/starter}
output=${OUTPUT:-adapters/starter}
train=${FATHOM_TRAIN:-build/release/bin/fathom-train}

# The metric says what the task's accuracy would hide: most messages are not spam.
metric_of() {
  case $1 in
    sms-spam) echo f1 ;;
    sentiment-strength) echo pearson ;;
    *) echo accuracy ;;
  esac
}

# 5e-4 was chosen once, on sentiment-product, among 1e-4, 3e-4, 5e-4 and 1e-3: README.md.
train_task() {
  local task=$1
  local command=("$train" --encoder "$encoder"
    --train "$data/$task/train.tsv" --dev "$data/$task/dev.tsv"
    --method robust --architecture pfeiffer --reduction-factor 16
    --learning-rate 5e-4 --batch-size 32 --epochs 6 --seed 1
    --metric "$(metric_of "$task")" --weight-dtype fp16 --threads 1 --output "$output/$task")
  if [[ -e $output/$task.checkpoint ]]; then command+=(--resume); fi
  printf '%q ' "${command[@]}"
  echo
  "${command[@]}"
}

tasks=("$@")
if [[ $# -eq 0 ]]; then
  tasks=(sentiment-movie sentiment-product sentiment-strength sms-spam review-or-plot topic
    package-area text-source)
fi
for task in "${tasks[@]}"; do
  if [[ -e $output/$task/adapter_config.json ]]; then
    echo "$task is trained already: $output/$task"
    continue
  fi
  train_task "$task"
done
