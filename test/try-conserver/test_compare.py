"""Tests that what is wrong is found: `python3 -m unittest` in this folder."""

from __future__ import annotations

import copy
import unittest
from typing import Any

from compare import Verdict, compare
from heard_facts import check_sequence, runs_of
from truth import Run


def a_run(**change: Any) -> Run:
    links = [(0, "a", "success", None), (1, "b", "halt", None)]
    return Run(**{"chain": "main", "vcon": "v", "links": links, "after": "v", "outcome": "halted", "pid": 7, **change})


def figures(verdict: Verdict) -> dict[str, int]:
    return {name: value for name, value in vars(verdict).items() if isinstance(value, int) and value}


class Comparing(unittest.TestCase):
    def seen(self, truth: list[Run], heard: list[Run], killed: set[int] | None = None) -> dict[str, int]:
        return figures(compare(copy.deepcopy(truth), heard, killed or set()))

    def test_what_is_the_same_is_right(self) -> None:
        self.assertEqual(self.seen([a_run(), a_run()], [a_run(), a_run()]), {"runs": 2, "right": 2})

    def test_what_did_not_happen_is_false(self) -> None:
        for change in ({"outcome": "complete"}, {"after": "w"}, {"links": [(0, "a", "error", "X")]}, {"storages": [("s", "success", None)]}):
            self.assertEqual(self.seen([a_run()], [a_run(**change)]), {"runs": 1, "false": 1})

    def test_what_is_missing_tears_a_run(self) -> None:
        unknown = a_run(outcome="unknown", after=None)
        self.assertEqual(self.seen([a_run()], [unknown]), {"runs": 1, "torn": 1})
        self.assertEqual(self.seen([a_run()], [unknown], {7}), {"runs": 1, "unknown": 1})

    def test_what_was_not_heard_is_lost_but_of_a_killed_worker(self) -> None:
        self.assertEqual(self.seen([a_run()], []), {"runs": 1, "lost": 1})
        self.assertEqual(self.seen([a_run()], [], {7}), {"runs": 1, "no_trace": 1})

    def test_where_spans_or_facts_may_be_lost_nothing_may_be_false_all_the_same(self) -> None:
        def seen(*heard: Run) -> tuple[int, int, int, int]:
            verdict = compare([a_run()], list(heard), set(), lossy=True)
            return (verdict.unknown, verdict.no_trace, verdict.torn, verdict.false)

        incomplete = {"links": [(0, "a", "success", None)]}
        self.assertEqual(seen(), (0, 1, 0, 0))
        self.assertEqual(seen(a_run(outcome="unknown", after=None)), (1, 0, 0, 0))
        self.assertEqual(seen(a_run(**incomplete, is_gapped=True)), (1, 0, 0, 0))
        self.assertEqual(seen(a_run(**incomplete)), (0, 0, 1, 0))
        self.assertEqual(seen(a_run(outcome="complete", is_gapped=True)), (0, 0, 0, 1))

    def test_what_nobody_ran_is_there_once_too_often(self) -> None:
        self.assertEqual(self.seen([a_run()], [a_run(), a_run()]), {"runs": 1, "right": 1, "twice": 1})


class Facts(unittest.TestCase):
    def facts(self) -> list[dict[str, Any]]:
        common = {"host": "h", "pid": 7, "boot": "1", "thread": 1, "run": 1}
        kinds: list[dict[str, Any]] = [
            {"kind": "run_start", "vcon": "v", "chain": "main", "links": ["main.a", "main.b"], "proceed": True},
            {"kind": "after_link", "index": 0, "status": "success", "halted": False},
            {"kind": "after_link", "index": 1, "status": "success", "halted": True},
            {"kind": "run_end", "vcon": "v", "chain": "main"},
        ]
        return [{**common, **kind, "seq": number} for number, kind in enumerate(kinds, 1)]

    def test_make_a_run_in_whatever_order_they_come_and_however_often(self) -> None:
        facts = self.facts()
        for given in (facts, facts[::-1], facts + facts):
            self.assertEqual([run.said() for run in runs_of(given)], [a_run().said()])

    def test_that_are_missing_or_doubled_are_named(self) -> None:
        facts = self.facts()
        self.assertEqual(check_sequence(facts), ([], []))
        self.assertEqual(check_sequence(facts[:1] + facts[2:]), (["process 7 lacks 1 of 4 facts"], []))
        self.assertEqual(check_sequence(facts + facts[:1]), ([], ["process 7 sent 1 facts again, of a batch that broke"]))


if __name__ == "__main__":
    unittest.main()
