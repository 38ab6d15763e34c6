"""Keeps what a row heard and what is true, so that a test can hear it again without a server."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from truth import Run


def record(place: Path, facts: list[dict[str, Any]], truth: list[Run]) -> None:
    """Two files beside each other: the facts as they travelled, but for the name of this machine, and the runs."""
    place.parent.mkdir(parents=True, exist_ok=True)
    told = [{**fact, "host": "worker.test"} for fact in facts]
    runs = [dict(zip(FIELDS, run.said())) for run in truth]
    for what, lines in (("facts", told), ("truth", runs)):
        text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
        Path(f"{place}.{what}.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


FIELDS = ("chain", "vcon", "links", "after", "storages", "outcome", "error")
