"""What the experiments share, without matplotlib, peers or a built program.

    test_library.py
"""

import argparse
import json
import random
import sys
import tempfile
import unittest
from pathlib import Path

EXPERIMENTS = Path(__file__).resolve().parents[3] / "adapters" / "experiments"
sys.path.insert(0, str(EXPERIMENTS))

from lib import command, fathom, glue, logs, machine, scores, tables, timing  # noqa: E402
from lib.runs import Cache, Run, RunFailed  # noqa: E402
from lib.training import Training, slug  # noqa: E402


def step(number, n, seconds):
    return json.dumps({"step": number, "n": n, "loss": 1.0, "learning_rate": 1.0,
                       "seconds": seconds})


def dev(number, score, seconds):
    return json.dumps({"step": number, "dev": {"0": score}, "score": score, "best": True,
                       "seconds": seconds})


class LogsTest(unittest.TestCase):

    def test_a_resumed_run_drops_what_came_twice_and_goes_on_in_time(self):
        entries = logs.parse([step(1, 0, 1), step(2, 0, 2), step(3, 0, 3), step(2, 0, 0.5),
                              step(3, 0, 1.5)])
        self.assertEqual([(e["step"], e["seconds"]) for e in entries], [(1, 1), (2, 1.5), (3, 2.5)])

    def test_a_cut_line_is_left_out(self):
        self.assertEqual(len(logs.parse([step(1, 0, 1), '{"step": 2, "n"'])), 1)

    def test_a_step_after_an_evaluation_is_not_timed(self):
        entries = logs.parse([step(1, 0, 5), step(2, 3, 6), dev(2, 0.5, 9), step(3, 3, 12),
                              step(4, 3, 14)])
        self.assertEqual(logs.step_seconds(entries), {3: [1, 2]})
        self.assertEqual(logs.median_step_ms(entries), {3: 1500})
        self.assertEqual(logs.seconds_to_first_step(entries), 5)

    def test_time_to_score_is_that_of_the_first_evaluation_that_reaches_it(self):
        entries = logs.parse([dev(1, 0.5, 1), dev(2, 0.8, 2), dev(3, 0.7, 3)])
        self.assertEqual(logs.time_to_score(entries, 0.6), 2)
        self.assertIsNone(logs.time_to_score(entries, 0.9))


class ScoresTest(unittest.TestCase):

    def test_no_retention_at_chance(self):
        self.assertIsNone(scores.retention({0: 0.52, 1: 0.5}, 0.5, "accuracy"))
        self.assertIsNone(scores.retention({0: 0.1, 1: 0.1}, 0.0, "matthews"))
        self.assertEqual(scores.retention({0: 0.8, 1: 0.4}, 0.5, "accuracy"), {0: 1.0, 1: 0.5})

    def test_mean_and_deviation_over_seeds(self):
        self.assertEqual(scores.over_seeds([{0: 1.0, 1: 2.0}, {0: 3.0}]), {0: (2.0, 2 ** 0.5)})
        self.assertEqual(scores.over_seeds([{0: 1.0}]), {0: (1.0, None)})

    def test_selection_depths_are_those_of_fathom_train(self):
        self.assertEqual(scores.selection_depths("robust", 12), [0, 3, 6, 9])
        self.assertEqual(scores.selection_depths("robust", 6), [0, 1, 3, 4])
        self.assertEqual(scores.selection_depths("specialized", 12, 5), [5])


class TimingTest(unittest.TestCase):

    def test_a_depth_that_was_not_drawn_lies_between_its_neighbours(self):
        self.assertEqual(timing.fill_missing({0: 30.0, 1: 25.0, 3: 15.0}, 4),
                         {0: 30.0, 1: 25.0, 2: 20.0, 3: 15.0})

    def test_beyond_the_drawn_depths_the_mean_slope_goes_on(self):
        """The lowest n cost the most: to leave them out would flatter."""
        self.assertEqual(timing.fill_missing({1: 20.0, 3: 10.0}, 7),
                         {0: 25.0, 1: 20.0, 2: 15.0, 3: 10.0, 4: 5.0, 5: 0.0, 6: 0.0})
        self.assertEqual(timing.fill_missing({2: 7.0}, 3), {0: 7.0, 1: 7.0, 2: 7.0})


class GlueTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "MRPC").mkdir()
        rows = [f"text \x0b {i}\t{i % 3 // 2}" for i in range(9)]
        for name in ("train", "dev"):
            file = self.root / "MRPC" / f"{name}.tsv"
            file.write_text("\n".join(["sentence\tlabel", *rows]) + "\n")

    def test_a_subset_is_the_first_rows_of_a_seeded_shuffle(self):
        split = glue.find(self.root, "MRPC", self.root / "cache", rows=4)
        expected = [f"text \x0b {i}" for i in range(9)]
        random.Random(glue.SUBSET_SEED).shuffle(expected)
        self.assertEqual([row["sentence"] for row in glue.read_rows(split.train)], expected[:4])
        self.assertIn("4 of 9 rows", split.describe())
        self.assertIn("MSR", split.describe())

    def test_the_whole_file_is_the_users(self):
        split = glue.find(self.root, "MRPC", self.root / "cache", rows=9)
        self.assertEqual(split.train, self.root / "MRPC" / "train.tsv")
        self.assertAlmostEqual(glue.majority_baseline(split), 6 / 9)

    def test_a_missing_file_is_named(self):
        with self.assertRaisesRegex(SystemExit, "RTE/train.tsv"):
            glue.find(self.root, "RTE", self.root)


class CacheTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Cache(Path(folder.name))

    def make(self, settings, script="echo x >> times"):
        return Run("one", settings, lambda folder: ["sh", "-c", f'cd "{folder}" && {script}'],
                   lambda folder: {"times": (folder / "times").read_text().count("x")})

    def test_a_finished_run_is_not_run_again_unless_its_settings_differ(self):
        self.assertEqual(self.cache.run(self.make({"a": 1}))["times"], 1)
        self.assertEqual(self.cache.run(self.make({"a": 1}))["times"], 1)
        self.assertEqual(self.cache.run(self.make({"a": 2}))["times"], 1)
        self.assertNotEqual(self.cache.folder(self.make({"a": 1})),
                            self.cache.folder(self.make({"a": 2})))

    def test_a_failed_run_shows_its_output_and_is_run_again(self):
        with self.assertRaisesRegex(RunFailed, "no luck"):
            self.cache.run(self.make({}, "echo no luck; exit 3"))
        result = self.cache.run(self.make({}))
        self.assertEqual((result["times"], result["attempts"]), (1, 2))


    def test_a_run_that_was_cut_is_executed_again_in_its_folder(self):
        run = self.make({}, "echo x >> times; exit 130")
        with self.assertRaises(KeyboardInterrupt):
            self.cache.run(run)
        self.assertIsNone(self.cache.finished(run))
        result = self.cache.run(self.make({}))
        self.assertEqual((result["times"], result["attempts"]), (2, 2))


class TrainingTest(unittest.TestCase):

    def make(self, **fields):
        split = glue.Split(glue.TASKS["RTE"], Path("t"), Path("d"), 10, 5, 10, 5)
        return Training(Path("encoders/minilm"), split, **fields)

    def test_settings_are_what_changes_the_weights(self):
        usual = self.make().settings("p")
        self.assertEqual(usual, self.make(threads=3).settings("p"))
        self.assertNotEqual(usual, self.make(seed=2).settings("p"))
        self.assertNotEqual(usual, self.make(dropout="off").settings("p"))
        self.assertEqual(usual["encoder"], "minilm")
        self.assertEqual(self.make(threads=3, timed=True).settings("p")["threads"], 3)

    def test_names_of_tasks_fit_adapters(self):
        self.assertEqual(slug("texts of 128 tokens"), "texts-of-128-tokens")


class ProgramTest(unittest.TestCase):

    def test_choices_are_read_from_help(self):
        text = "  --method full|robust   how\n  --encoder-dropout branch|off|RATE\n"
        self.assertEqual(fathom.choices(text, "--method"), ["full", "robust"])
        self.assertEqual(fathom.choices(text, "--encoder-dropout"), ["branch", "off", "RATE"])
        self.assertEqual(fathom.choices(text, "--none"), [])


class CommandTest(unittest.TestCase):

    def test_a_report_names_every_folder_without_its_path(self):
        self.assertEqual(
            command.command_line(["/here/fusion.py", "--adapters", "/a/topic,/b/spam/,",
                                  "--encoder", "/c/minilm", "--glue=/d", "--epochs", "4"]),
            "fusion.py --adapters TOPIC,SPAM,DIR --encoder MINILM --glue=DIR --epochs 4")

    def test_names_that_are_not_known_are_refused(self):
        parse = command.some_of(("standard", "robust"))
        self.assertEqual(parse("robust, standard"), ["robust", "standard"])
        for text in ("", "robust,full"):
            with self.assertRaises(argparse.ArgumentTypeError):
                parse(text)

    def test_numbers_by_task(self):
        self.assertEqual(command.by_task("SST-2=6000, RTE=20"), {"SST-2": 6000, "RTE": 20})
        for text in ("SST-2", "SST-2=x", "RTE=0"):
            with self.assertRaises(argparse.ArgumentTypeError):
                command.by_task(text)


class TablesTest(unittest.TestCase):

    def test_cells(self):
        self.assertEqual(tables.points(0.5, 0.012), "50.0 ± 1.2")
        self.assertEqual(tables.duration(3725), "1 h 02 min")
        self.assertEqual(tables.markdown(["a", "b"], [["1", "2"]]),
                         "| a | b |\n|---|---|\n| 1 | 2 |\n")

    def test_cpu_flags(self):
        model, flags = machine.cpu_info("model name : X\nflags : sse avx2 amx_bf16\nflags : none\n")
        self.assertEqual((model, flags), ("X", ["avx2", "amx_bf16"]))
        self.assertTrue(machine.has_bf16({"flags": flags}))


if __name__ == "__main__":
    unittest.main()
