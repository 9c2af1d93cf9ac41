#!/usr/bin/env python3
"""Checks that the files which describe the image and what runs beside it name what is there. No
network, no images.

    test_image_files.py
"""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = (DEPLOY / "compose.yaml").read_text()
BUILT = ("build/", ".deps/")  # made by a build


def copied():
    """What the Dockerfile copies from the checkout, with arguments at their defaults."""
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.M))
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        for source in line.split()[:-1]:
            yield re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], source)


def let_through():
    """The paths that .dockerignore excepts from its `**`."""
    return re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M)


class Image(unittest.TestCase):
    def test_what_is_copied_is_there(self):
        sources = [source for source in copied() if not source.startswith(BUILT)]
        self.assertGreater(len(sources), 8)
        for source in sources:
            self.assertTrue((ROOT / source).exists(), source)

    def test_what_is_copied_is_sent_to_the_build(self):
        for source in copied():
            self.assertTrue(any(Path(source).is_relative_to(path) for path in let_through()), source)

    def test_variables_are_flags_of_the_server(self):
        flags = (ROOT / "server/flags.cc").read_text()
        names = re.findall(r"FATHOM_(\w+)=", DOCKERFILE)
        self.assertIn("ENCODER", names)
        for name in set(names) - {"ADDRESS"}:  # the client's
            self.assertIn(f'"--{name.lower().replace("_", "-")}"', flags)


class Compose(unittest.TestCase):
    def test_what_is_mounted_is_there(self):
        mounts = re.findall(r"^ +- (\./\S+?):", COMPOSE, re.M)
        self.assertEqual(len(mounts), 3)
        for mount in mounts:
            self.assertTrue((DEPLOY / mount).exists(), mount)

    def test_the_dashboard_is_where_grafana_looks_for_it(self):
        provider = (DEPLOY / "grafana/provisioning/dashboards/fathom.yaml").read_text()
        folder = re.search(r"path: (\S+)", provider)[1]
        self.assertIn(f":{folder}/fathom.json:ro", COMPOSE)
        self.assertIn(f"PATH: {folder}/fathom.json", COMPOSE)

    def test_ports_are_those_of_the_image(self):
        exposed = re.search(r"^EXPOSE (.+)$", DOCKERFILE, re.M)[1].split()
        self.assertEqual(exposed, ["8500", "9400"])
        self.assertIn('"127.0.0.1:8500:8500"', COMPOSE)
        scraped = DEPLOY / "prometheus/prometheus.yml"
        self.assertIn("fathom:9400", scraped.read_text())


if __name__ == "__main__":
    unittest.main()
