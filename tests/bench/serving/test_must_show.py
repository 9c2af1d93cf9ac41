"""Tests of what is made of measurements: no server, no times."""

import tempfile
import unittest
from pathlib import Path

import changes
import pressure
import speed


def load(**more):
    base = {"seconds": 10.0, "calls": 0, "unsent": 0, "latency": {}, "reasons": {},
            "without_reason": 0, "n": {}, "brownout_share": 0.0, "relative_quality_mean": None}
    return {**base, **more}


def ok(count, p99_ms=10.0):
    return {"OK": {"count": count, "p99_ms": p99_ms}}


class Overload(unittest.TestCase):
    def row(self, **more):
        heavy = load(calls=1100, latency={**ok(100, 15.0), "RESOURCE_EXHAUSTED": {"count": 1000}},
                     reasons={"RESOURCE_EXHAUSTED": {"QUEUE_FULL": 1000}})
        return pressure.overload_row(load(calls=70, latency=ok(70)), {**heavy, **more})

    def test_is_met_when_all_are_answered_or_refused_with_a_reason(self):
        row = self.row()
        self.assertTrue(row.met)
        self.assertIn("1.50 × (15 and 10 ms), 0 lost", row.measured)
        self.assertIn("1000 RESOURCE_EXHAUSTED QUEUE_FULL", row.measured)

    def test_is_not_met_by_what_is_lost_slow_or_unexplained(self):
        self.assertFalse(self.row(calls=1101).met)
        self.assertFalse(self.row(unsent=1).met)
        self.assertFalse(self.row(without_reason=1).met)
        self.assertFalse(self.row(calls=100, latency=ok(100, 21.0)).met)


class BrownOut(unittest.TestCase):
    def test_compares_what_is_accepted_and_looks_at_one_task(self):
        fixed, browned = load(latency=ok(100)), load(latency=ok(140), brownout_share=0.5)
        self.assertTrue(pressure.brownout_row(fixed, browned, load(n={"a": {"0": 5}})).met)
        self.assertFalse(pressure.brownout_row(fixed, browned, load(n={"a": {"0": 5, "1": 1}})).met)
        self.assertFalse(pressure.brownout_row(fixed, fixed, load(n={"a": {"0": 5}})).met)


class Budget(unittest.TestCase):
    def row(self, **budget):
        return pressure.budget_row(load(n={"a": {"3": 2, "0": 1}}, budget=budget))

    def test_counts_of_those_that_the_server_promised(self):
        row = self.row(asked=200, said_met=100, kept=96)
        self.assertTrue(row.met)
        self.assertIn("96.0 % of 100", row.measured)
        self.assertIn("n = 0, 3", row.measured)
        self.assertFalse(self.row(asked=200, said_met=100, kept=94).met)
        self.assertFalse(self.row(asked=200, said_met=0, kept=0).met)


class Reload(unittest.TestCase):
    VERSIONS = [[[1.0, 0.0], [2.0, 0.0]], [[5.0, 0.0], [6.0, 0.0]]]

    @staticmethod
    def call(*logits):
        return {"code": "OK", "results": [{"id": str(i), "tasks": [{"logits": [value, 0.0]}]}
                                          for i, value in enumerate(logits)]}

    def test_every_call_is_of_one_version(self):
        row = changes.reload_row([self.call(1.0, 2.0), self.call(5.0, 6.0004)], self.VERSIONS)
        self.assertTrue(row.met)
        self.assertIn("1 and 1 calls", row.measured)

    def test_a_call_of_two_versions_is_mixed(self):
        calls = [self.call(1.0, 2.0), self.call(5.0, 6.0)]
        self.assertFalse(changes.reload_row([*calls, self.call(1.0, 6.0)], self.VERSIONS).met)
        self.assertFalse(changes.reload_row([*calls, {"code": "NOT_FOUND"}], self.VERSIONS).met)
        broken = {"code": "OK", "results": [{"id": "0", "tasks": [{"error": "gone"}]}]}
        row = changes.reload_row([*calls, broken], self.VERSIONS)
        self.assertIn("1 failed, 0 mixed", row.measured)
        self.assertFalse(changes.reload_row(calls[:1], self.VERSIONS).met)  # nothing was reloaded

    def test_folders_are_exchanged_in_one_step(self):
        with tempfile.TemporaryDirectory() as name:
            one, other = Path(name) / "one", Path(name) / "other"
            for folder in (one, other):
                folder.mkdir()
                (folder / folder.name).touch()
            changes.exchange(one, other)
            self.assertTrue((one / "other").exists())
            self.assertTrue((other / "one").exists())


class Sigterm(unittest.TestCase):
    OK = {"code": "OK", "sent": 1.0}
    DRAINING = {"code": "UNAVAILABLE", "reason": "DRAINING", "message": "draining", "sent": 3.0}
    CUT = {"code": "UNAVAILABLE", "reason": "", "message": "Socket closed"}

    def test_what_was_sent_before_the_signal_is_answered(self):
        late = {**self.CUT, "sent": 2.5}
        row = changes.sigterm_row([self.OK, self.DRAINING, late], 2.0, 0)
        self.assertTrue(row.met)
        self.assertIn("0 unanswered, 1 answered", row.measured)
        self.assertFalse(changes.sigterm_row([self.OK, {**self.CUT, "sent": 1.5}], 2.0, 0).met)
        self.assertFalse(changes.sigterm_row([self.OK], 2.0, 1).met)
        self.assertFalse(changes.sigterm_row([], 2.0, 0).met)


class Speed(unittest.TestCase):
    def test_reads_the_case_without_skipped_layers(self):
        bench = [{"parameters": {"skip_layers": n}, "ms_median": ms} for n, ms in ((0, 20.0), (3, 10.0))]
        self.assertEqual(speed.calls_per_second(bench), 50.0)


if __name__ == "__main__":
    unittest.main()
