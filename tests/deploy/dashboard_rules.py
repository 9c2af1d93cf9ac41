#!/usr/bin/env python3
"""Prints a dashboard's expressions as Prometheus recording rules, for promtool to check. Exit status
1 if the dashboard has no eight panels, or one names a variable that the dashboard has not.

    dashboard_rules.py DASHBOARD.json
"""

import json
import re
import sys

PANELS = 8
# What Grafana puts in place of its variables, as far as PromQL must parse it.
VALUES = {"__rate_interval": "1m", "instance": ".*", "task": ".*", "objective": "0.1"}
VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        dashboard = json.load(file)
    panels = dashboard["panels"]
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    if len(panels) != PANELS:
        sys.exit(f"{len(panels)} panels; there must be {PANELS}")
    rules = []
    for panel in panels:
        for target in panel["targets"]:
            expression = target["expr"]
            used = set(VARIABLE.findall(expression)) - {"__rate_interval"}
            if used - variables:
                sys.exit(f"panel {panel['title']!r} names unknown variables: {used - variables}")
            expression = VARIABLE.sub(lambda match: VALUES[match[1]], expression)
            rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": expression})
    print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}, indent=1))


if __name__ == "__main__":
    main()
