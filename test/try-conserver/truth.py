"""What truly happened to each vCon that was pushed, from what links and storages wrote down of themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from server import Stand

OF_THE_SERVER = "?"
"""The class of an error that nothing of ours has seen."""

SERVER_ERRORS = {"missing": "KeyError", "not importable": "subprocess.CalledProcessError"}


@dataclass
class Run:
    """One run, as somebody knows it: the truth, or a witness. Names of steps without their chain's."""

    chain: str
    vcon: Any
    links: list[tuple[int, str, str, str | None]] = field(default_factory=list)
    """Index, name, outcome (success, halt, error, unknown), class of the error."""
    after: Any = None
    """The uuid in the end, of a run that is complete or halted."""
    storages: list[tuple[str, str, str | None]] = field(default_factory=list)
    outcome: str = "unknown"
    """complete, halted, error; skipped (no run at all); unknown: its process was killed."""
    error: str | None = None
    pid: int | None = None
    ends_worker: bool = False
    """Whether a link raised what no server catches."""
    is_gapped: bool = False
    """Whether a witness says that facts of it are lost."""
    forwarded: Any = None
    """The uuid that was on its way to the egress lists."""

    def said(self) -> tuple:
        return (self.chain, self.vcon, tuple(self.links), self.after, tuple(sorted(self.storages)), self.outcome, self.error)


def true_runs(stand: Stand) -> list[Run]:
    """Every run that had to take place, in no particular order."""
    by_step: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    hooks: dict[Any, list[dict[str, Any]]] = {}
    for note in stand.notes():
        if "name" in note:
            by_step.setdefault((note["name"], note["vcon"]), []).append(note)
        elif note["what"] in ("skipped", "before_raises", "tracer_raises"):
            hooks.setdefault(note.get("vcon", note.get("before")), []).append(note)
    failed = _failed_by_the_server(stand)
    todo, runs = list(stand.pushed), []
    while todo:
        chain, vcon = todo.pop()
        run = _follow(stand, chain, vcon, by_step, hooks)
        if run.outcome == "unknown" and (chain, vcon) in failed:
            _failed(run, OF_THE_SERVER)
        runs.append(run)
        for target in stand.trial.chains[chain].get("egress", []):
            name = target.removesuffix("-in")
            if name not in stand.trial.chains:
                continue
            if run.outcome == "complete":
                todo.append((name, run.after))
            elif run.outcome in ("unknown", "error") and run.forwarded is not None:
                # Egress comes before storages: it may have been pushed before the worker was killed, or failed.
                first = f"{name}.{next(iter(stand.trial.chains[name]['links']))}"
                todo += [(name, run.forwarded)] if (first, run.forwarded) in by_step else []
    return runs


def _failed_by_the_server(stand: Stand) -> set[tuple[str, Any]]:
    """
    Runs that failed between the steps, where nothing of ours was there to see it: a worker that is told to end may find no
    thread for its storages, one whose Redis is gone cannot forward. The server's own log says so, and its DLQ.
    """
    found = {(chain, vcon) for chain in stand.trial.chains for vcon in stand.queued(f"DLQ:{chain}-in")}
    for line in (stand.folder / "server.log").read_text().splitlines():
        said = CRITICAL.search(line)
        if said:
            found |= {(chain, said[1]) for chain in stand.trial.chains}
    return found


CRITICAL = re.compile(r"Critical error processing vCon ([-0-9a-f]+)")


def _follow(stand: Stand, chain: str, vcon: Any, by_step: dict, hooks: dict) -> Run:
    settings = stand.trial.chains[chain]
    run = Run(chain, vcon)
    raises = (stand.trial.tracer or {}).get("raise_at") if (stand.trial.tracer or {}).get("dlq_vcon_on_error") else None
    for note in hooks.get(vcon, []):
        if note["what"] == "skipped":
            run.outcome, run.pid = "skipped", note["pid"]
            return run
        if note["what"] == "before_raises":
            return _failed(run, "tried.TriedError")
    current = vcon
    for index, link in enumerate(settings.get("order", settings.get("links", {}))):
        full = f"{chain}.{link}"
        if full in stand.trial.missing:
            return _failed(run, SERVER_ERRORS["missing"])
        if settings["links"][link].get("module", "tried_link") != "tried_link":
            run.links.append((index, link, "error", SERVER_ERRORS["not importable"]))
            return _failed(run, SERVER_ERRORS["not importable"])
        if raises == -1 and index == 0:
            run.links.append((index, link, "error", "tried.TriedError"))
            return _failed(run, "tried.TriedError")
        notes = by_step.get((full, current), [])
        ended = next((note for note in notes if note["what"] == "link_end"), None)
        run.pid = notes[0]["pid"] if notes else run.pid
        if ended is None:
            if notes:
                run.links.append((index, link, "unknown", None))
            return run
        if ended["outcome"] == "error":
            run.links.append((index, link, "error", ended["error"]))
            run.ends_worker = ended["error"] == "SystemExit"
            return _failed(run, ended["error"])
        if raises == index:
            run.links.append((index, link, "error", "tried.TriedError"))
            return _failed(run, "tried.TriedError")
        run.links.append((index, link, ended["outcome"], None))
        if ended["outcome"] == "halt":
            run.outcome, run.after = "halted", current
            return run
        current = ended["after"]
    run.forwarded = current
    for store in settings.get("storages", {}):
        notes = by_step.get((f"{chain}.{store}", current), [])
        run.pid = notes[0]["pid"] if notes else run.pid
        ended = next((note for note in notes if note["what"] == "storage_end"), None)
        if ended is not None:
            run.storages.append((store, ended["outcome"], ended.get("error")))
        elif notes:
            run.storages.append((store, "unknown", None))
    if len([store for store in run.storages if store[1] != "unknown"]) == len(settings.get("storages", {})):
        run.outcome, run.after = "complete", current
    return run


def _failed(run: Run, error: str) -> Run:
    run.outcome, run.error = "error", error
    return run
