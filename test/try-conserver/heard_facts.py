"""What the facts say of each run: docs/facts.md, read in the shortest way."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from truth import Run

Fact = dict[str, Any]


def check_sequence(facts: list[Fact]) -> tuple[list[str], list[str]]:
    """What is wrong with the numbers: facts that never came. And what is not: that some came again."""
    wrong, notes = [], []
    processes: dict[tuple, list[int]] = defaultdict(list)
    for fact in facts:
        processes[fact["host"], fact["pid"], fact["boot"]].append(fact["seq"])
    for (_, pid, _), numbers in processes.items():
        holes = set(range(1, max(numbers) + 1)) - set(numbers)
        if holes:
            wrong.append(f"process {pid} lacks {len(holes)} of {max(numbers)} facts")
        if (twice := len(numbers) - len(set(numbers))) > 0:
            notes.append(f"process {pid} sent {twice} facts again, of a batch that broke")
    return wrong, notes


def runs_of(facts: list[Fact]) -> list[Run]:
    seen, runs, parents = set(), defaultdict(list), {}
    for fact in sorted(facts, key=lambda fact: (fact["pid"], fact["boot"], fact["seq"])):
        process = (fact["host"], fact["pid"], fact["boot"])
        if (*process, fact["seq"]) in seen:
            continue
        seen.add((*process, fact["seq"]))
        if "run" in fact:
            runs[*process, fact["run"]].append(fact)
            if fact["kind"] == "span_start" and fact["stage"] == "chain":
                parents[*process, fact["span"]] = fact["run"]
        elif fact["kind"] not in ("attach", "alive", "gap", "detach", "returned"):
            _place_without_run(process, fact, runs)
    return [_run(told, key[1]) for key, told in runs.items()]


def _place_without_run(process: tuple, fact: Fact, runs: dict) -> None:
    """The one run that was under way when the file was loaded by its first call as a tracer: it has no number."""
    if fact["kind"] == "span_end" and fact["stage"] == "chain":
        # The collector's, or the healed end of a failed run.
        return
    runs[*process, f"thread {fact['thread']}"].append(fact)


def _run(told: list[Fact], pid: int) -> Run:
    start = _first(told, "run_start")
    end = _first(told, "run_end")
    call = _first(told, "tracer")
    chain = (start or end or call or told[0]).get("chain")
    run = Run(str(chain), (start or call or {}).get("vcon", (call or {}).get("out")), pid=pid)
    if start is not None and not start["proceed"]:
        run.outcome, run.error = ("error", end["error"]) if end and "error" in end else ("skipped", None)
        return run
    names = (start or call or {}).get("links", [])
    for index in range(len(names)):
        outcome = _link(told, index, end)
        if outcome is not None:
            run.links.append((index, _short(names[index]), *outcome))
    run.storages = list(_storages(told))
    if end is None:
        return run
    if "error" in end or "raised" in end:
        run.outcome, run.error = "error", end.get("error") or end.get("raised")
        return run
    run.after = end["vcon"]
    run.outcome = "halted" if run.links and run.links[-1][2] == "halt" else "complete"
    return run


def _link(told: list[Fact], index: int, end: Fact | None) -> tuple[str, str | None] | None:
    begun = [f for f in told if f["kind"] == "span_start" and f["stage"] == "link" and f.get("index") == index]
    ended = [f for f in told if f["kind"] == "span_end" and f["stage"] == "link" and f.get("index") == index]
    after = [f for f in told if f["kind"] == "after_link" and f.get("index") == index]
    call = [f for f in told if f["kind"] == "tracer" and f["index"] == index - 1 and index == 0]
    called = next((f for f in told if f["kind"] == "tracer" and f["index"] == index), None)
    if end is not None and end.get("index") == index and not ended:
        return "error", end["error"]
    if not (begun or ended or after or call or called):
        return None
    failed = next((f for f in ended + after if f.get("status", "").lower() == "error"), None)
    if failed is not None:
        return "error", failed.get("error")
    if not after and called is not None:
        return "halt" if called.get("halted") else "success", None
    if not after:
        return ("error", end["raised"]) if end is not None and "raised" in end else ("unknown", None)
    if after[-1].get("halted"):
        return "halt", None
    return "success", None


def _storages(told: list[Fact]):
    for fact in told:
        if fact["kind"] == "span_end" and fact["stage"] == "storage":
            failed = fact["status"] == "ERROR"
            yield _short(fact["name"]), "error" if failed else "success", fact.get("error")
        elif fact["kind"] == "storage_return":
            yield _short(fact["storage"]), "error" if "error" in fact else "success", fact.get("error")
    ended = {f.get("name", f.get("storage")) for f in told if f["kind"] in ("span_end", "storage_return")}
    for fact in told:
        is_storage = fact["kind"] == "storage_call" or (fact["kind"] == "span_start" and fact["stage"] == "storage")
        if is_storage and (name := fact.get("name", fact.get("storage"))) not in ended:
            yield _short(name), "unknown", None


def _first(told: list[Fact], kind: str) -> Fact | None:
    return next((fact for fact in told if fact["kind"] == kind), None)


def _short(name: str) -> str:
    return name.partition(".")[2] or name
