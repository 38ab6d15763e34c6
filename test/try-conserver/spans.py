"""What the server's own exported spans look like: the picture in Jaeger or Tempo."""

from __future__ import annotations

from typing import Any

from truth import OF_THE_SERVER, Run


def picture(spans: list[dict[str, Any]], truth: list[Run]) -> dict[str, int]:
    """
    Of the chains' spans: how many there are and how many there should be, how many hang below another run's, and how many
    say something else than what happened.
    """
    chains = [span for span in spans if span["name"].startswith("vcon_processing.")]
    ids = {span["span"] for span in chains}
    due = [run for run in truth if run.outcome not in ("skipped", "unknown") and (run.links or run.storages or run.after)]
    outcomes = {(run.chain, run.vcon): run for run in truth}
    wrong = 0
    for span in chains:
        run = outcomes.get((span["attributes"]["chain_name"], span["attributes"]["vcon.uuid"]))
        if run is None or run.outcome == "unknown":
            continue
        failed = run.outcome == "error"
        marked = span["attributes"].get("vcon.chain.outcome")
        wrong += span["status"] != ("ERROR" if failed else "OK") or marked not in (None, run.outcome)
        wrong += failed and run.error != OF_THE_SERVER and span["attributes"].get("error.type") != run.error
    return {
        "due": len(due),
        "ended": len(chains),
        "below another run": sum(span["parent"] in ids for span in chains),
        "wrong": wrong,
        "marked": sum("vcon.chain.outcome" in span["attributes"] for span in chains),
    }
