"""
Tries vcon-otel on a checkout of the real vCon server: `npm run try:conserver -- PATH`.

For each row of the table it starts a Redis, the server as it is with our file named in its configuration, and links and
storages that write down what truly happens; drives vCons through, does harm where the row says so, and holds what was heard
against the truth. Everything listens on the loopback interface only, and is ended with the row.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import heard_events
from adapter import Adapter
from compare import Verdict, compare, of_events
from environment import environment, interpreter
from heard_facts import check_sequence, runs_of
from recording import record
from scenarios import ROWS, Row
from server import Stand, main_of, stand
from spans import picture
from truth import Run, true_runs

COLUMNS = ("runs", "right", "unknown", "no_trace", "lost", "false", "torn", "twice")


def main() -> int:
    arguments = _arguments()
    checkout = arguments.checkout.resolve()
    main_of(checkout)
    python = arguments.environment or environment(checkout, interpreter(arguments.python, checkout), arguments.work)
    possible = [row for row in ROWS if not (row.heard_by_tracers_alone and arguments.facts_only)]
    rows = [row for row in possible if not arguments.row or any(part in row.name for part in arguments.row)]
    trials = arguments.work / "trials"
    shutil.rmtree(trials, ignore_errors=True)
    print(f"| {'what':34} | heard   | " + " | ".join(COLUMNS) + " | spans due, ended, below another, wrong | s |")
    good = True
    for place, row in enumerate(rows):
        good &= _try(row, checkout, python, trials / f"{place:02}", arguments)
    return 0 if good else 1


def _try(row: Row, checkout: Path, python: Path, folder: Path, arguments: argparse.Namespace) -> bool:
    began = time.monotonic()
    try:
        with stand(checkout, python, folder, row.trial) as tried:
            if not arguments.facts_only:
                config = tried.config if row.trial.spans_alone else None
                tried.adapter = Adapter(folder / "adapter", tried.redis.port, tried.http_port, config)
                tried.adapter.start()
            row.drive(tried, max(1, int(row.runs * arguments.scale)))
            tried.stop()
            truth, facts = true_runs(tried), tried.facts()
            if arguments.record:
                record(arguments.record / row.name.replace(",", "").replace(" ", "-"), facts, truth)
            verdict = compare(truth, runs_of(facts), tried.killed)
            wrong, notes = check_sequence(facts)
            verdict.notes += notes
            told = None if tried.adapter is None else _told(tried, truth)
            seen = picture(tried.exported(), truth)
    except Exception:
        traceback.print_exc()
        print(f"| {row.name:34} | could not be tried: {folder}/server.log", flush=True)
        return False
    good = verdict.is_good() and not wrong
    spans = f"{seen['due']}, {seen['ended']}, {seen['below another run']}, {seen['wrong']}" if seen["ended"] else "–"
    if row.spans:
        good &= seen["due"] == seen["ended"] and not seen["below another run"] and not seen["wrong"]
    took = f"{spans} | {time.monotonic() - began:.0f}"
    if row.heard_by_tracers_alone:
        good = True
    else:
        _print(row.name, "facts", verdict, took)
        _explain(verdict, wrong)
    if told is not None:
        _print(*(row.name, "tracers", told, took) if row.heard_by_tracers_alone else ("", "tracers", told, "|"))
        _explain(told, [])
        good &= told.is_good()
    return good


def _told(tried: Stand, truth: list[Run]) -> Verdict:
    """What vcon-otel's tracers heard, once it is sure of everything: of workers that were killed it is after some time."""
    lossy = tried.trial.may_lose
    tried.adapter.wait_until_quiet(300, 45 if tried.killed or lossy else 4)
    lines = tried.adapter.heard()
    due = of_events(truth, heard_events.says_errors(lines))
    verdict = compare(due, heard_events.runs_of(lines), tried.killed, lossy)
    repeats = heard_events.repeats(lines)
    if repeats:
        # At least once: an adapter that is killed says again what it had just said, under the same event id.
        verdict.notes.append(f"{repeats} lines of the audit log are there again, with the same event id")
    return verdict


def _print(row: str, witness: str, verdict: Verdict, rest: str) -> None:
    figures = " | ".join(f"{getattr(verdict, name):>{len(name)}}" for name in COLUMNS)
    print(f"| {row:34} | {witness:7} | {figures} | {rest} |", flush=True)


def _explain(verdict: Verdict, wrong: list[str]) -> None:
    for line in [*wrong, *verdict.details[:5]]:
        print("  !", line, flush=True)
    for note in verdict.notes:
        print("   ", note, flush=True)
    if len(verdict.details) > 5:
        print(f"  ! … {len(verdict.details) - 5} more", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="npm run try:conserver --", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of github.com/vcon-dev/vcon-server")
    parser.add_argument("--row", action="append", help="only rows whose name has this in it; may be repeated")
    parser.add_argument("--environment", type=Path, help="interpreter of an environment that has all the server needs")
    parser.add_argument("--python", help="interpreter for the server (3.12 or 3.13)")
    parser.add_argument("--facts-only", action="store_true", help="without vcon-otel: what is on the stream")
    parser.add_argument("--record", type=Path, help="folder for the facts and the truth of each row, for tests")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the runs of each row")
    default = Path(tempfile.gettempdir()) / "vcon-otel-try-conserver"
    parser.add_argument("--work", type=Path, default=default, help="folder for the environment and what was written down")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
