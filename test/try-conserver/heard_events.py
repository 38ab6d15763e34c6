"""What vcon-otel's tracers heard of each run: its audit log."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from truth import Run


def repeats(lines: list[dict[str, Any]]) -> int:
    """Events that were written more than once."""
    return sum(count - 1 for count in Counter(line["metadata"]["event_id"] for line in lines).values())


def says_errors(lines: list[dict[str, Any]]) -> bool:
    """Whether this version's audit log has the class of an error."""
    return any("error_type" in line["metadata"] for line in lines)


def runs_of(lines: list[dict[str, Any]]) -> list[Run]:
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    seen: set[str] = set()
    for line in lines:
        if line["metadata"]["event_id"] not in seen:
            seen.add(line["metadata"]["event_id"])
            runs[line["metadata"]["run_id"]].append(line)
    return [_run(events) for events in runs.values()]


def _run(events: list[dict[str, Any]]) -> Run:
    first = events[0]
    run = Run(first["metadata"]["chain"], first["vcon_uuid"])
    for line in events:
        told = line["metadata"]
        error = told.get("error_type")
        run.is_gapped |= "facts" in told.get("inferred", [])
        match line["event"]:
            case "link_start":
                run.links.append((told["link_index"], _short(told["link"]), "unknown", None))
            case "link_complete":
                outcome = told.get("outcome", "success")
                run.links = _with(run.links, (told["link_index"], _short(told["link"]), outcome, None))
            case "link_error":
                run.links = _with(run.links, (told["link_index"], _short(told["link"]), "error", error))
            case "storage_start":
                run.storages.append((_short(told["storage"]), "unknown", None))
            case "storage_complete" | "storage_error" as event:
                name = _short(told["storage"])
                outcome = "success" if event == "storage_complete" else "error"
                run.storages = [store for store in run.storages if store[0] != name] + [(name, outcome, error)]
            case "chain_complete":
                run.outcome, run.after = told.get("outcome", "complete"), line["vcon_uuid"]
            case "chain_error":
                run.outcome, run.error = "error", error
    return run


def _with(links: list[tuple], link: tuple) -> list[tuple]:
    return sorted([other for other in links if other[0] != link[0]] + [link])


def _short(name: str) -> str:
    return name.partition(".")[2] or name
