"""Tells vcon-otel what a vCon server's chains do: a tracer for the server's config.yml, in one file.

Put this file on the server's PYTHONPATH and name it under `tracers`:

    tracers:
      vcon_otel: { module: vcon_otel_forwarder, options: { mode: redis } }

Each call of `run` becomes a small record: uuids, names, ids, a hash; nothing of what a vCon contains.

mode: redis     (default) XADD to `stream` (vcon-otel:events), cut at about `maxlen` (1000000; 0: never) entries, with the
                server's own connection. Never raises: what fails is counted (`failures`) and logged once a minute.
mode: http      POST to `url` (http://127.0.0.1:4418/v1/bridge) with `token` (or $VCON_OTEL_TOKEN). Takes at most `timeout`
                (5) seconds with its `retries` (2). `wait: durable` returns when the record is on vcon-otel's disk,
                `wait: delivered` when its audit tracers have it; else ForwardingError, which sends the vCon to the
                DLQ if the options also have `dlq_vcon_on_error: true`.
hash_document   (true) adds the SHA-256 of the document as stored, if it has at most `max_hash_bytes` (4194304).
host            the worker's name, by default the host's.

Python 3.11 or later, standard library only. See docs/conserver.md of vcon-otel.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib
import json
import logging
import math
import os
import random
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

default_options: dict[str, Any] = {
    "mode": "redis",
    "stream": "vcon-otel:events",
    "maxlen": 1_000_000,
    "url": "http://127.0.0.1:4418/v1/bridge",
    "token": "",
    "timeout": 5,
    "retries": 2,
    "wait": "durable",
    "hash_document": True,
    "max_hash_bytes": 4 * 1024 * 1024,
    "host": "",
}

failures: Counter[str] = Counter()
"""What went wrong in this process: `records` not forwarded, `hashes` not made, `options` not understood."""


class ForwardingError(Exception):
    """A record did not reach vcon-otel, or not as far as `wait` asks. Says nothing of the vCon, the url or the token."""


def run(
    in_vcon_uuid: Any, out_vcon_uuid: Any, tracer_name: Any, links: Any, link_index: Any, opts: Any = None
) -> bool:
    """
    What the server calls. Answers whether the record was forwarded; raises ForwardingError instead with `mode: http`, or
    with a mode that is neither.
    """
    options, faults = _read_options(opts)
    mode = options["mode"]
    if faults and (mode == "http" or "mode" in faults):
        _trouble.count("options")
        raise ForwardingError(f"not valid in the forwarder's options: {', '.join(faults)}")
    try:
        if faults:
            _trouble.tell("options", ", ".join(faults))
        record = _record(in_vcon_uuid, out_vcon_uuid, tracer_name, links, link_index, options)
        if mode == "http":
            _post(record, options)
        else:
            _append(record, options)
        _trouble.over()
        return True
    except Exception as error:
        if mode == "redis":
            _trouble.tell("records", _kind(error))
            return False
        # Not logged here: the server logs what is raised.
        _trouble.count("records")
        if isinstance(error, ForwardingError):
            raise
        raise ForwardingError(f"the record was not sent ({_kind(error)})") from None


# --- options -------------------------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 3600


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _is_url(value: Any) -> bool:
    try:
        url = urlsplit(value)
        plain = value.isascii() and value.isprintable() and " " not in value and "@" not in url.netloc
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and plain
    except (ValueError, TypeError, AttributeError):
        return False


_VALID: dict[str, Callable[[Any], bool]] = {
    "mode": lambda value: isinstance(value, str) and value in ("redis", "http"),
    "stream": _is_text,
    "maxlen": _is_count,
    "url": _is_url,
    "token": _is_header,
    "timeout": _is_seconds,
    "retries": _is_count,
    "wait": lambda value: isinstance(value, str) and value in ("durable", "delivered"),
    "hash_document": lambda value: isinstance(value, bool),
    "max_hash_bytes": _is_count,
    "host": lambda value: isinstance(value, str) and len(value) <= 256,
}
_OF_THE_SERVER = ("dlq_vcon_on_error",)


def _read_options(opts: Any) -> tuple[dict[str, Any], list[str]]:
    """The options with their defaults, and the names of those that are not valid: for these the default stands."""
    options = dict(default_options)
    if opts is None:
        return options, []
    if not isinstance(opts, dict):
        return options, ["options"]
    faults = []
    for name, value in opts.items():
        if name in _OF_THE_SERVER or value is None:
            continue
        if name not in _VALID:
            faults.append(f"the key {name}" if isinstance(name, str) and name.isidentifier() else "a key")
        elif _VALID[name](value):
            options[name] = value
        else:
            faults.append(name)
    return options, faults


# --- the record ----------------------------------------------------------------------------------------------------

_MAX_NAME = 256


class _Worker:
    """This process, as its records name it: with a sequence that never repeats, even after a restart with the same pid."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.host = socket.gethostname()
        self._lock = threading.Lock()
        self._seq = time.time_ns() // 1000

    def next(self) -> tuple[int, int]:
        """The next number of the sequence and the time, in nanoseconds since the epoch."""
        with self._lock:
            self._seq += 1
            return self._seq, time.time_ns()


def _record(
    in_vcon_uuid: Any, out_vcon_uuid: Any, tracer_name: Any, links: Any, link_index: Any, options: dict[str, Any]
) -> str:
    digest = _document_hash(in_vcon_uuid, options) if options["hash_document"] else None
    worker = _this_worker()
    seq, now = worker.next()
    record = {
        "v": 1,
        "kind": "run",
        "tracer": str(tracer_name),
        # The server passes what is after the link first: that is for the receiver to put right.
        "in": _plain(in_vcon_uuid),
        "out": _plain(out_vcon_uuid),
        "links": [str(link) for link in links or ()],
        "index": int(link_index),
        "ts": str(now),
        **_span_context(),
        "worker": {"host": options["host"] or worker.host, "pid": worker.pid},
        "seq": seq,
    }
    if digest:
        record["vcon_sha256"] = digest
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """As it was passed, except what could be a document: a link may return anything."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str) and len(value) <= _MAX_NAME else None


def _this_worker() -> _Worker:
    global _worker
    # Besides _start_afresh: a fork that Python was not told of.
    if _worker.pid != os.getpid():
        _worker = _Worker()
    return _worker


# --- OpenTelemetry, where the server has it ------------------------------------------------------------------------


def _span_context() -> dict[str, str]:
    """Ids of the link's span and of the chain's. Hints: the server's current span can be that of an earlier, failed run."""
    try:
        current_span = _current_span_function()
        if current_span is None:
            return {}
        span = current_span()
        context = span.get_span_context()
        # Spans that the server's sampler leaves out never come: nobody is to wait for them.
        if not context.is_valid or not context.trace_flags & 1:
            return {}
        found = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    except Exception:
        return {}
    try:
        # Under any other span – the failed run's chain span above all – the parent is not this run's chain span.
        if span.name.startswith("link."):
            found.update(_chain_of(span))
    except Exception:
        pass
    return found


def _chain_of(link_span: Any) -> dict[str, str]:
    found = {}
    parent = link_span.parent
    if parent is not None and parent.is_valid:
        found["root_span_id"] = f"{parent.span_id:016x}"
    chain = (link_span.attributes or {}).get("chain_name")
    if _is_text(chain) and len(chain) <= _MAX_NAME:
        found["chain"] = chain
    return found


def _current_span_function() -> Callable[[], Any] | None:
    global _current_span
    if _current_span is _NOT_LOOKED_FOR:
        try:
            _current_span = importlib.import_module("opentelemetry.trace").get_current_span
        except Exception:
            _current_span = None
    return _current_span


# --- the server's Redis --------------------------------------------------------------------------------------------

_REDIS_MODULES = ("redis_mgr", "common.redis_mgr", "server.redis_mgr")


def _append(record: str, options: dict[str, Any]) -> None:
    limit = {"maxlen": options["maxlen"], "approximate": True} if options["maxlen"] else {}
    _redis().xadd(options["stream"], {"record": record}, **limit)


def _document_hash(vcon_uuid: Any, options: dict[str, Any]) -> str | None:
    """SHA-256 of the document's text as it is stored; none if it is missing, too large or cannot be read."""
    if not _is_text(vcon_uuid) or len(vcon_uuid) > _MAX_NAME:
        return None
    try:
        text = _stored_text(f"vcon:{vcon_uuid}", options["max_hash_bytes"])
        return None if text is None else hashlib.sha256(text).hexdigest()
    except Exception as error:
        _trouble.tell("hashes", _kind(error))
        return None


def _stored_text(key: str, limit: int) -> bytes | None:
    client = _reader_of(_redis())
    with client.pipeline(transaction=False) as pipeline:
        pipeline.type(key)
        pipeline.strlen(key)
        kind, length = pipeline.execute(raise_on_error=False)
    kind = kind.decode() if isinstance(kind, bytes) else kind
    if kind == "string":
        text = client.get(key) if length <= limit else None
    elif kind == "ReJSON-RL":
        text = client.execute_command("JSON.GET", key)
    elif kind == "none":
        return None
    else:
        raise TypeError("neither a string nor RedisJSON")
    if text is None:
        return None
    raw = text.encode() if isinstance(text, str) else bytes(memoryview(text))
    return raw if len(raw) <= limit else None


def _redis() -> Any:
    """The server's own client. Its module has had more than one place; the one that is loaded already comes first."""
    for name in sorted(_REDIS_MODULES, key=lambda module: module not in sys.modules):
        try:
            module = importlib.import_module(name)
            return module.get_client() if hasattr(module, "get_client") else module.redis
        except ImportError:
            continue
    raise LookupError("no redis_mgr")


def _reader_of(client: Any) -> Any:
    """
    A client of the same connections whose JSON.GET answers with text: the server's own answers with a parsed document
    once the server has used `client.json()`.
    """
    global _reader
    of, reader = _reader
    if of is not client:
        pool = getattr(client, "connection_pool", None)
        reader = client if pool is None else type(client)(connection_pool=pool)
        _reader = (client, reader)
    return reader


# --- HTTP ----------------------------------------------------------------------------------------------------------

_MAX_ANSWER = 64 * 1024
_GRACE = 1.0
_MAX_WAIT = 300  # seconds, of the receiver
_MAY_PASS = frozenset((408, 425, 429))
_STALE = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError, http.client.BadStatusLine)
_local = threading.local()


def _post(record: str, options: dict[str, Any]) -> None:
    deadline = time.monotonic() + options["timeout"]
    attempt = 0
    while True:
        attempt += 1
        pause = random.uniform(0.02, 0.1 * 2 ** min(attempt, 4))
        try:
            status, retry_after = _exchange(record.encode(), options, deadline)
        except (OSError, http.client.HTTPException) as error:
            problem = _kind(error)
        else:
            if 200 <= status < 300:
                return
            problem = f"status {status}"
            if status < 500 and status not in _MAY_PASS:
                raise ForwardingError(f"vcon-otel refused the record ({problem})")
            pause = max(pause, retry_after)
        if attempt > options["retries"] or time.monotonic() + pause >= deadline:
            raise ForwardingError(f"vcon-otel did not take the record ({problem}, attempts: {attempt})")
        time.sleep(pause)


def _exchange(body: bytes, options: dict[str, Any], deadline: float) -> tuple[int, float]:
    """One request: its status, and how many seconds the receiver wants to be left alone."""
    url = urlsplit(options["url"])
    connection = _connection(url)
    if connection.sock is not None:
        try:
            return _request(connection, url, body, options, deadline)
        except _STALE:
            # The receiver had closed a kept connection, perhaps after it took the record: it recognises a repeat.
            pass
    return _request(connection, url, body, options, deadline)


def _request(
    connection: http.client.HTTPConnection, url: SplitResult, body: bytes, options: dict[str, Any], deadline: float
) -> tuple[int, float]:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    # The receiver's own "not yet" is to be heard, rather than cut off.
    connection.timeout = left + _GRACE if options["wait"] == "delivered" else left
    try:
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request("POST", _target(url, options, left), body, _headers(options))
        response = connection.getresponse()
        if response.length is None or response.length > _MAX_ANSWER:
            connection.close()
        else:
            response.read()
        return response.status, _seconds(response.getheader("Retry-After"))
    except BaseException:
        connection.close()
        raise


def _target(url: SplitResult, options: dict[str, Any], left: float) -> str:
    wait = f"wait=delivered&timeout={min(max(1, int(left)), _MAX_WAIT)}" if options["wait"] == "delivered" else ""
    query = "&".join(part for part in (url.query, wait) if part)
    return (url.path or "/") + (f"?{query}" if query else "")


def _headers(options: dict[str, Any]) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "vcon-otel-forwarder/1"}
    token = options["token"] or os.environ.get("VCON_OTEL_TOKEN", "")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    """This thread's connection to the receiver, kept from one call to the next; never that of a parent process."""
    key = (os.getpid(), url.scheme, url.netloc)
    if getattr(_local, "key", None) != key:
        if hasattr(_local, "connection"):
            _local.connection.close()
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        _local.connection = kind(str(url.hostname), url.port)
        _local.key = key
    return _local.connection


def _seconds(retry_after: str | None) -> float:
    if retry_after is None:
        return 0.0
    try:
        return float(int(retry_after))
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0.0


# --- trouble -------------------------------------------------------------------------------------------------------

_LOG_EVERY = 60.0
_logger = logging.getLogger("vcon_otel_forwarder")
_TOLD = {
    "records": "records not forwarded",
    "hashes": "documents not hashed",
    "options": "calls with options that are not valid, in whose place the defaults stand",
}


class _Trouble:
    """Counts, and logs at most once a minute how often something went wrong, and the kind of the last error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._untold: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._quiet_until = -math.inf

    def count(self, what: str) -> None:
        with self._lock:
            failures[what] += 1

    def tell(self, what: str, reason: str) -> None:
        self.count(what)
        with self._lock:
            self._untold[what] += 1
            self._reasons[what] = reason
        self._log()

    def over(self) -> None:
        """Something went well: what is still untold need not wait for the next failure."""
        if self._untold:
            self._log()

    def _log(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._quiet_until or not self._untold:
                return
            self._quiet_until = now + _LOG_EVERY
            lines = [(_TOLD[what], count, self._reasons[what]) for what, count in self._untold.items()]
            self._untold.clear()
        for line in lines:
            _logger.warning("%s: %d (last: %s)", *line)


def _kind(error: BaseException) -> str:
    return type(error).__name__


# --- the process ---------------------------------------------------------------------------------------------------

_NOT_LOOKED_FOR: Any = object()
_current_span: Any = _NOT_LOOKED_FOR
_reader: tuple[Any, Any] = (None, None)
_worker = _Worker()
_trouble = _Trouble()


def _start_afresh() -> None:
    """In the child of a fork: a sequence of its own, and locks that no thread of the parent holds."""
    global _worker, _trouble
    _worker, _trouble = _Worker(), _Trouble()
    failures.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
