#!/usr/bin/env bash
# Runs shellcheck over every Bash script of the tree. Exit status 77: shellcheck is not installed.

set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v shellcheck >/dev/null; then
  echo 'Skipped: shellcheck is not installed'
  exit 77
fi
mapfile -t scripts < <(find .ci deploy tests adapters -name '*.sh' -o -path .ci/run)
shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
