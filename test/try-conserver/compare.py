"""What a witness said, held against the truth, run by run."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from truth import OF_THE_SERVER, Run


@dataclass
class Verdict:
    runs: int = 0
    right: int = 0
    unknown: int = 0
    """
    Runs whose worker was killed or ended itself, or of which spans or facts were lost: everything that was said is true, and
    their end is said to be unknown, or that facts are missing.
    """
    no_trace: int = 0
    """vCons of which nothing was said: of killed workers, taken from a list and then not even begun, or without their spans."""
    lost: int = 0
    false: int = 0
    torn: int = 0
    """Runs of which less was said than happened, although their process lived."""
    twice: int = 0
    details: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def is_good(self) -> bool:
        return self.lost == self.false == self.torn == self.twice == 0


def compare(truth: list[Run], heard: list[Run], killed: set[int], lossy: bool = False) -> Verdict:
    """@param lossy: whether what is said may have been lost on the way, as spans are; a false statement it never may be"""
    verdict = Verdict(runs=len(truth))
    left = Counter(run.said() for run in heard)
    open_truth: list[Run] = []
    for run in truth:
        if left[run.said()] > 0:
            left[run.said()] -= 1
            verdict.right += 1
        else:
            open_truth.append(run)
    matched = Counter(run.said() for run in truth)
    rest: dict[tuple, list[Run]] = defaultdict(list)
    for run in heard:
        if matched[run.said()] > 0:
            matched[run.said()] -= 1
        else:
            rest[run.chain, run.vcon].append(run)
    for run in open_truth:
        candidates = rest[run.chain, run.vcon]
        said = candidates.pop(0) if candidates else None
        _judge(verdict, run, said, killed, lossy)
    for candidates in rest.values():
        for said in candidates:
            # The worker was killed between taking the vCon and its first step.
            if (said.pid in killed or (said.pid is None and killed)) and said.outcome == "unknown" and not said.links:
                verdict.unknown += 1
            else:
                verdict.twice += 1
                verdict.details.append(f"nobody's run: {said.said()}")
    return verdict


def of_events(truth: list[Run], with_errors: bool) -> list[Run]:
    """The truth as far as it makes events: none for a vCon that was skipped, and no classes of errors in older logs."""
    runs = [copy.deepcopy(run) for run in truth if run.outcome != "skipped"]
    for run in runs:
        # What a link returned in a uuid's place is none: the run goes on under the one it has.
        run.after = run.after if isinstance(run.after, str) or run.after is None else run.vcon
    for run in [] if with_errors else runs:
        run.error = None
        run.links = [(*link[:3], None) for link in run.links]
        run.storages = [(*store[:2], None) for store in run.storages]
    return runs


def _judge(verdict: Verdict, true: Run, said: Run | None, killed: set[int], lossy: bool) -> None:
    died = lossy or true.pid in killed or (true.pid is None and bool(killed))
    if said is None:
        if died or (true.outcome == "unknown" and not true.links and not true.storages):
            verdict.no_trace += 1
        else:
            verdict.lost += 1
            verdict.details.append(f"not heard: {true.said()}")
        return
    if true.error == OF_THE_SERVER and said.outcome == "error":
        # Which link it was that the server, or its Redis, failed under is not known to the truth.
        links = {link[0]: link for link in said.links}
        true.error = said.error
        true.links = [links.get(link[0], link) if link[2] == "unknown" else link for link in true.links]
        if true.said() == said.said():
            verdict.right += 1
            return
    if _contradicts(true, said):
        verdict.false += 1
        verdict.details.append(f"false: {said.said()}\n    true: {true.said()}")
    elif (lossy and said.is_gapped) or said.outcome == "unknown" and (said.pid in killed or died or true.ends_worker):
        verdict.unknown += 1
    else:
        verdict.torn += 1
        verdict.details.append(f"torn: {said.said()}\n    true: {true.said()}")


def _contradicts(true: Run, said: Run) -> bool:
    """Whether anything was said that did not happen. What was not said is no contradiction."""
    links = {link[0]: link[1:] for link in true.links}
    for index, *step in said.links:
        if step[1] != "unknown" and links.get(index) != tuple(step):
            return True
    for store in said.storages:
        if store[1] != "unknown" and store not in true.storages:
            return True
    return said.outcome not in ("unknown", true.outcome) or (said.outcome != "unknown" and said.after != true.after)
