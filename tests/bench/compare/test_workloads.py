"""Tests of the jobs, of the batches that peers make of them, and of the rounds."""

import unittest

import machine
import rounds
import workloads
from peers import peer
from workers import WorkerError, without_threads

ENCODER = workloads.Encoder(layers=12, vocabulary=30522, max_tokens=512)


class Jobs(unittest.TestCase):
    def test_depths_fit_the_encoder(self):
        self.assertEqual(workloads.depths(12), [0, 5, 11])
        self.assertEqual(workloads.depths(6), [0, 2, 5])

    def test_every_workload_is_the_same_each_time(self):
        for make in (workloads.fanout, workloads.repeat, workloads.lone):
            self.assertEqual(make(ENCODER), make(ENCODER))
        self.assertEqual(workloads.mixed(ENCODER, [5, 9]), workloads.mixed(ENCODER, [5, 9]))

    def test_fanout_asks_the_peer_for_the_same_tasks_at_the_same_depth(self):
        for case in workloads.fanout(ENCODER).cases:
            job = case.peers["adapters"][0]
            self.assertTrue(job.parallel)
            self.assertEqual(job.texts, case.fathom.texts)
            self.assertEqual(len(job.texts[0]["tasks"]), 8)

    def test_repeat_is_checked_at_its_own_depth(self):
        case = workloads.repeat(ENCODER).cases[0]
        depth = lambda job: job.texts[0]["tasks"][0]["skip_layers"]  # noqa: E731
        self.assertTrue(case.fathom.keep_taps)
        self.assertEqual(depth(case.peers["adapters"][0]), 0)
        self.assertEqual(depth(case.fathom), depth(case.peer_check))

    def test_lone_leaves_out_what_is_too_long(self):
        short = workloads.Encoder(layers=6, vocabulary=30522, max_tokens=64)
        self.assertEqual({c.parameters["tokens"] for c in workloads.lone(short).cases}, {16, 32})

    def test_mixed_draws_from_the_lengths(self):
        case = workloads.mixed(ENCODER, [7, 700]).cases[0]
        self.assertEqual({len(text["ids"]) for text in case.fathom.texts}, {7, 512})
        self.assertEqual({text["tasks"][0]["skip_layers"] for text in case.fathom_check.texts}, {0})

    def test_committed_lengths_are_those_of_sentences(self):
        lengths = workloads.read_lengths()
        self.assertEqual(len(lengths), 128)
        self.assertAlmostEqual(sum(lengths) / len(lengths), 25, delta=1)


def job(batch=0):
    rows = [([1, 2, 3], "b"), ([4], "a"), ([5, 6], "b"), ([7, 8, 9, 10], "b")]
    return {"batch": batch, "texts": [workloads.text(ids, [(name, 0)]) for ids, name in rows]}


class Batches(unittest.TestCase):
    def test_one_a_task_sorted_by_length_and_padded(self):
        first, second = peer.make_batches(job())
        self.assertEqual((first.task, first.ids, first.padded), ("a", [[4]], False))
        self.assertEqual(second.ids, [[5, 6, 0, 0], [1, 2, 3, 0], [7, 8, 9, 10]])
        self.assertEqual(second.mask, [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
        self.assertTrue(second.padded)

    def test_long_batches_are_split(self):
        self.assertEqual([len(b.ids) for b in peer.make_batches(job(batch=2))], [1, 2, 1])

    def test_results_come_back_in_the_order_of_the_job(self):
        for size in (0, 1, 2):
            batches = peer.make_batches(job(size))
            results = [[[row[0]] for row in batch.ids] for batch in batches]
            self.assertEqual(peer.scatter(job(size), batches, results),
                             [[[1.0]], [[4.0]], [[5.0]], [[7.0]]])

    def test_depths_are_batches_of_their_own(self):
        text = workloads.text([1], [("a", 0), ("a", 3)])
        batches = peer.make_batches({"texts": [text]})
        self.assertEqual([(batch.skip_layers, batch.places) for batch in batches],
                         [(0, [(0, 0)]), (3, [(0, 1)])])


class Fake:
    """A worker with one output and times that it is given."""

    def __init__(self, output, ms=(1.0,), fails_at=None):
        self.output, self.ms, self.fails_at, self.asked = output, list(ms), fails_at, 0

    def ask(self, request):
        if "limit" in request:
            return {"limit_ms": 0.5}
        if "rates" in request:
            return {}
        self.asked += 1
        if self.asked == self.fails_at:
            raise WorkerError("it fell over")
        return {"ms": self.ms, "logits": [[self.output]], "row_layers_run": 1.0,
                "row_layers_cached": 0.0}


class Rounds(unittest.TestCase):
    def setUp(self):
        pause, rounds.PAUSE_SECONDS = rounds.PAUSE_SECONDS, 0
        self.addCleanup(setattr, rounds, "PAUSE_SECONDS", pause)

    def run_case(self, peers, precision="fp32", missing=None, jobs=1, limit=True):
        one = workloads.Job([workloads.text([1], [("a", 0)])])
        case = workloads.Case({}, one, {"p": [one] * jobs}, has_limit=limit)
        workload = workloads.Workload("w", [case])
        return rounds.run_workload(workload, Fake([1.0, -2.0], [3.0, 1.0, 8.0]), peers,
                                   missing or {}, precision, 2)[0]

    def test_medians_and_limit(self):
        result = self.run_case({"p": Fake([1.0, -2.0005], [6.0])})
        self.assertEqual((result.fathom_ms, result.limit_ms), (3.0, 0.5))
        self.assertEqual(result.peers, {"p": 6.0})
        self.assertAlmostEqual(result.differences["p"], 5e-4)

    def test_no_limit_is_asked_in_bf16_or_where_there_is_none(self):
        self.assertIsNone(self.run_case({}, precision="bf16").limit_ms)
        self.assertIsNone(self.run_case({}, limit=False).limit_ms)

    def test_outputs_that_differ_give_no_time_but_a_reason(self):
        for output, precision in [([1.0, -2.002], "fp32"), ([1.0], "fp32"), ([1.2, -2.0], "bf16"),
                                  ([1.0, float("nan")], "fp32")]:
            with self.subTest(output=output):
                result = self.run_case({"p": Fake(output)}, precision)
                self.assertEqual(result.peers, {})
                self.assertIn("differ", result.left_out["p"])

    def test_bf16_is_allowed_more(self):
        self.assertEqual(self.run_case({"p": Fake([1.05, -2.0])}, "bf16").left_out, {})

    def test_a_peer_that_fails_later_has_no_time(self):
        result = self.run_case({"p": Fake([1.0, -2.0], fails_at=3)})
        self.assertEqual((result.peers, result.left_out), ({}, {"p": "it fell over"}))

    def test_a_peer_that_is_missing_says_why(self):
        self.assertEqual(self.run_case({}, missing={"p": "no bf16"}).left_out, {"p": "no bf16"})

    def test_the_fastest_job_of_a_peer_counts(self):
        slow_first = Fake([1.0, -2.0])
        times = iter([[1.0], [1.0], [9.0], [4.0], [9.0], [4.0]])
        slow_first.ask = lambda request: {"ms": next(times), "logits": [[[1.0, -2.0]]]}
        self.assertEqual(self.run_case({"p": slow_first}, jobs=2).peers, {"p": 4.0})


class Environment(unittest.TestCase):
    def test_what_the_shell_says_of_threads_reaches_nobody(self):
        shell = {"OMP_WAIT_POLICY": "passive", "PATH": "p"}
        self.assertEqual(without_threads(shell), {"PATH": "p"})


class Machine(unittest.TestCase):
    def test_model_and_the_flags_that_matter(self):
        text = ("processor\t: 0\nmodel name\t: A: fast CPU\nflags\t\t: fpu sse avx2 amx_bf16 fma\n"
                "processor\t: 1\nmodel name\t: other\nflags\t\t: avx\n")
        self.assertEqual(machine.cpu_info(text), ("A: fast CPU", ["avx2", "amx_bf16", "fma"]))
        self.assertEqual(machine.cpu_info(""), ("unknown CPU", []))

    def test_a_busy_machine_is_told(self):
        self.assertEqual(machine.load_notes(0.3), [])
        self.assertIn("load average 4.2 before", machine.load_notes(4.21)[0])

    def test_bf16(self):
        self.assertTrue(machine.has_bf16(["amx_bf16"]))
        self.assertFalse(machine.has_bf16(["avx2", "avx512f"]))


if __name__ == "__main__":
    unittest.main()
