"""
Links, storages, a tracer and hooks for a server that is tried: each writes down what it truly did, one line at a time, so
that nothing is lost when its process is killed.
"""

import gc
import hashlib
import json
import os
import sys
import threading
import time
import uuid

_files: dict = {}


def collect() -> None:
    while True:
        time.sleep(0.01)
        gc.collect()


match os.environ.get("TRIED_COLLECTIONS"):
    case "off":
        gc.disable()
    case "forced":
        threading.Thread(target=collect, daemon=True).start()


def note(what: str, **fields) -> None:
    """One write to a file of this process, which the kernel has when the call returns."""
    pid = os.getpid()
    if pid not in _files:
        path = os.path.join(os.environ["TRIED_TRUTH"], f"{pid}.jsonl")
        _files[pid] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    line = {"what": what, "pid": pid, "thread": threading.get_ident(), "ts": time.time_ns(), **fields}
    os.write(_files[pid], (json.dumps(line) + "\n").encode())


class TriedError(Exception):
    """With a telephone number in its message, which nobody may pass on."""

    def __init__(self) -> None:
        super().__init__("exploded for +15551234567")


def chance(vcon: str, name: str, of: int) -> int:
    """The same for the same vCon and step, whoever asks."""
    return int.from_bytes(hashlib.sha256(f"{vcon}/{name}".encode()).digest()[:4], "big") % of


def run_link(vcon: str, name: str, options: dict):
    """`act`: same, new, halt, raise, true, exit; or, by the vCon's uuid, one of several. `ms`: how long it takes."""
    act = options.get("act", "same")
    if act == "mixed":
        act = ("same", "same", "same", "same", "same", "new", "halt", "raise")[chance(vcon, name, 8)]
    if act == "mostly same, or exit":
        act = "exit" if chance(vcon, name, 12) == 0 else "same"
    note("link_start", name=name, vcon=vcon)
    time.sleep(options.get("ms", 0) / 1000)
    if act == "raise":
        note("link_end", name=name, vcon=vcon, outcome="error", error="tried.TriedError")
        raise TriedError
    if act == "exit":
        note("link_end", name=name, vcon=vcon, outcome="error", error="SystemExit")
        sys.exit(3)
    if act == "halt":
        note("link_end", name=name, vcon=vcon, outcome="halt")
        return None
    after = True if act == "true" else vcon
    if act == "new":
        after = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{vcon}/{name}"))
        import redis_mgr

        document = redis_mgr.get_key(f"vcon:{vcon}")
        if document:
            redis_mgr.set_key(f"vcon:{after}", {**document, "uuid": after})
    note("link_end", name=name, vcon=vcon, outcome="success", after=after)
    return after


def save(vcon: str, options: dict) -> None:
    name, act = options["name"], options.get("act", "same")
    if act == "mixed":
        act = "raise" if chance(vcon, name, 6) == 0 else "same"
    note("storage_start", name=name, vcon=vcon)
    time.sleep(options.get("ms", 0) / 1000)
    if act == "raise":
        note("storage_end", name=name, vcon=vcon, outcome="error", error="tried.TriedError")
        raise TriedError
    note("storage_end", name=name, vcon=vcon, outcome="success")


def trace(after, before, tracer, links, index, options) -> bool:
    """Writes down the call; `raise_at`: raises at this index."""
    note("call", after=after, before=before, links=links, index=index)
    if (options or {}).get("raise_at") == index:
        note("tracer_raises", index=index, before=before)
        raise TriedError
    return True

