#!/usr/bin/env bash
# promtool on the rules, their unit tests, the scrape configuration, and every expression of the
# dashboard. Skipped (77) where promtool is absent.

set -euo pipefail
root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")

if ! command -v promtool >/dev/null; then
  echo "skipped: promtool is not installed (Debian package prometheus)"
  exit 77
fi

promtool check config "$root/deploy/prometheus/prometheus.yml"
promtool test rules "$root/deploy/prometheus/alerts_test.yml"

rules=$(mktemp --suffix=.yml)
trap 'rm -f "$rules"' EXIT
python3 "$root/tests/deploy/dashboard_rules.py" "$root/deploy/grafana/fathom.json" >"$rules"
promtool check rules "$rules"
