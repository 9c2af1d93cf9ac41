"""Tests of ratios, tables and JSON."""

import json
import unittest

import report
from report import Result


def fanout(n, ms, peers, **more):
    return Result("fanout", {"tokens": 32, "tasks": 8, "skip_layers": n, "precision": "fp32"}, ms,
                  limit_ms=ms / 2, peers=peers, sequences=8, **more)


RESULTS = [fanout(0, 100.0, {"adapters": 200.0}),
           fanout(5, 50.0, {}, left_out={"adapters": "its outputs differ"}),
           fanout(11, 25.0, {"adapters": 50.0}, differences={"adapters": 2e-6})]
RUN = {"cpu": "A CPU", "flags": "avx2", "encoder": "bert", "threads": 2, "rounds": 5,
       "load_average_before": 0.25, "versions": {"adapters": "1"}}


def ratio_of(name):
    return {ratio.name: ratio.ratio for ratio in report.ratios(RESULTS)}[name]


class Ratios(unittest.TestCase):
    def test_a_peer_is_compared_in_its_own_case(self):
        self.assertEqual(ratio_of("32 tokens, 8 tasks, n = 0: adapters"), 2.0)
        self.assertEqual(ratio_of("32 tokens, 8 tasks, n = 11: adapters"), 2.0)

    def test_depths_are_compared_with_the_first(self):
        self.assertEqual(ratio_of("n = 5: Fathom at n = 0"), 2.0)
        self.assertEqual(ratio_of("n = 11: Fathom at n = 0"), 4.0)
        self.assertEqual(ratio_of("n = 11: adapters at n = 0"), 8.0)

    def test_a_peer_that_was_left_out_has_no_ratio(self):
        self.assertEqual(len(report.ratios(RESULTS)), 5)

    def test_one_depth_is_compared_with_nothing_but_peers(self):
        self.assertEqual([r.name for r in report.ratios(RESULTS[:1])],
                         ["32 tokens, 8 tasks, n = 0: adapters"])


class Tables(unittest.TestCase):
    def test_cases_are_told_apart(self):
        for parameters, words in [
                ({"tokens": 16, "tasks": 0}, "16 tokens, bare encoder"),
                ({"tokens": 16, "tasks": 1, "skip_layers": 0}, "16 tokens, 1 task, n = 0"),
                ({"texts": 64, "tasks": 8, "skip_layers": "random"},
                 "64 texts, 8 tasks, n at random")]:
            with self.subTest(parameters=parameters):
                self.assertEqual(report.describe(parameters), words)

    def test_table_shows_times_and_how_many_times_fathoms_they_are(self):
        table = report.timing_table(RESULTS).splitlines()
        self.assertEqual(table[0], "| case | Fathom ms | limit ms | adapters ms |")
        self.assertEqual(table[2],
                         "| 32 tokens, 8 tasks, n = 0 | 100.00 | 50.00 | 200.00 (2.00 ×) |")
        self.assertEqual(table[3], "| 32 tokens, 8 tasks, n = 5 | 50.00 | 25.00 | – |")

    def test_mixed_shows_sequences_a_second(self):
        result = Result("mixed", {"texts": 64, "tasks": 8, "precision": "fp32"}, 500.0, None,
                        {"openvino": 1000.0}, sequences=64)
        self.assertIn("| 500.00 |  | 1000.00 (2.00 ×) | 128.0 | 64.0 |",
                      report.timing_table([result]))

    def test_report_names_machine_reasons_and_differences(self):
        text = report.markdown(RUN, RESULTS, {"fanout": {"adapters": "a block"}}, ["A note."])
        for part in ("A CPU, flags avx2", "2 threads", "load average before: 0.2", "A note.",
                     "- adapters: a block", "- no time of adapters: its outputs differ",
                     "adapters 2.0e-06", "| fanout | fp32 | n = 5: Fathom at n = 0 | 2.00 |"):
            with self.subTest(part=part):
                self.assertIn(part, text)

    def test_repeat_says_what_the_cache_saved(self):
        layers = {"row_layers_run": 8.0, "row_layers_cached": 353.0}
        result = Result("repeat", RESULTS[2].parameters, 1.0, None, {}, row_layers=layers)
        self.assertEqual(report.cache_line([result]),
                         "- row-layers of Fathom: 8 run, 353 from the cache\n")
        self.assertEqual(report.cache_line(RESULTS), "")

    def test_precisions_stand_apart(self):
        other = Result("fanout", RESULTS[0].parameters | {"precision": "bf16"}, 10.0, None, {})
        self.assertEqual(list(report.groups([*RESULTS, other])),
                         [("fp32", "fanout"), ("bf16", "fanout")])


class Json(unittest.TestCase):
    def test_round_trip_keeps_what_readers_need(self):
        data = json.loads(json.dumps(report.to_json(RUN, RESULTS)))
        first = data[0]
        expected = {"workload": "fanout", "fathom_ms": 100.0, "limit_ms": 50.0,
                    "peers": {"adapters": 200.0}}
        self.assertEqual({key: first[key] for key in expected}, expected)
        self.assertEqual(first["parameters"]["skip_layers"], 0)
        self.assertEqual(first["fathom_per_second"], 80.0)
        self.assertEqual(first["ratios"], {"adapters": 2.0})
        self.assertEqual(first["run"]["threads"], 2)


if __name__ == "__main__":
    unittest.main()
