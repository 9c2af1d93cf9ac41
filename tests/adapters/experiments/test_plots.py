"""Runs the plots on small profiles. Pictures are drawn where matplotlib is; what is said without it
is tested everywhere.

    test_plots.py
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[3] / "adapters" / "experiments"
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None

PROFILE = {"tasks": {"film": {
    "metric": "accuracy", "samples": 24, "majority_baseline": 0.5,
    "points": [{"skip_layers": n, "score": 0.9 - 0.1 * n, "half_width": 0.02, "ms_one_task": 2.0,
                "ms_eight_tasks": 9.0 - n} for n in range(4)],
    "profile_steps": [0.1, 0.1, 0.1]}}}
FUSION = {"tasks": {"film": {"fusion_attention": {"a": [0.75, 0.5, None], "b": [0.25, 0.5, 1.0]}}}}


class PlotsTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.picture = Path(self.folder.name) / "plot.svg"

    def write(self, name, content):
        path = Path(self.folder.name) / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_script(self, script, *files, path=None):
        environment = dict(os.environ, PYTHONPATH=str(path or ""))
        return subprocess.run(
            [sys.executable, "-B", SCRIPTS / script, *files, "--output", self.picture],
            capture_output=True, text=True, env=environment)

    @unittest.skipUnless(HAS_MATPLOTLIB, "no matplotlib")
    def test_the_curve_and_its_times_are_drawn(self):
        ran = self.run_script("plot_depth.py", self.write("p.json", PROFILE))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("<svg", self.picture.read_text())

    @unittest.skipUnless(HAS_MATPLOTLIB, "no matplotlib")
    def test_steps_and_attention_are_drawn_from_two_files(self):
        ran = self.run_script("plot_importance.py", self.write("p.json", PROFILE),
                              self.write("f.json", FUSION))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("<svg", self.picture.read_text())

    def test_says_what_to_do_without_matplotlib(self):
        self.write("matplotlib.py", "raise ImportError('not here')")
        for script in ("plot_depth.py", "plot_importance.py"):
            ran = self.run_script(script, self.write("p.json", PROFILE), path=self.folder.name)
            self.assertEqual(ran.returncode, 1)
            self.assertIn("pip install matplotlib", ran.stderr)

    def test_names_a_file_that_is_no_profile(self):
        for content in ("{", "[]", '{"other": 1}'):
            ran = self.run_script("plot_depth.py", self.write("p.json", content))
            self.assertNotEqual(ran.returncode, 0)
            self.assertIn("p.json is no profile", ran.stderr)

    def test_says_what_is_missing(self):
        ran = self.run_script("plot_depth.py", self.write("f.json", FUSION))
        self.assertIn("no file holds the points", ran.stderr)


if __name__ == "__main__":
    unittest.main()
