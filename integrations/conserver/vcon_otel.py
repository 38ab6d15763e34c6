"""Tells vcon-otel what happens inside a vCon server: one file, named twice in the server's config.yml.

    imports:
      vcon_otel: { module: vcon_otel, pip_name: /not/from/the/internet }
    tracers:
      vcon_otel: { module: vcon_otel, pip_name: /not/from/the/internet, options: { mode: redis } }

Put it beside the server's main.py (or anywhere on its PYTHONPATH). Named under `imports`, it listens from before the first
vCon on: it adds a span processor to the server's own OpenTelemetry, wraps the hooks `hook.before_processing`,
`hook.after_processing` and `after_link_hook.after_link`, and sends what it hears as facts. Named under `tracers`, it is
also called at each link, and takes its options from there. It never changes what the server does, with one exception that
has to be asked for: `wait` together with `dlq_vcon_on_error`.

A fact is one JSON object, in Redis one stream entry with the field `record`, over HTTP one element of a posted array:

    {"v":2, "kind":…, "host":…, "pid":…, "boot":…, "seq":…, "ts":…, "thread":…, "run":…, …}

kinds       attach (once a process), run_start, span_start, span_end, after_link, tracer, run_end; from beyond the official
            hooks egress, dlq, returned, storage_call, storage_return, halt; of the sender alive, gap, detach
boot, ts    nanoseconds since the epoch, as text; (host, pid, boot, seq) names a fact, and seq has no hole but for what is
            lost for good: what is sent twice is recognised by it
run         the number of the run in its process, from 1; absent where it is not known
absent      is what is not known or does not apply: nothing is null. Nothing of what a vCon contains is ever in a fact

Each kind's fields, and what may be concluded from them, are in docs/facts.md of vcon-otel.

mode            redis (default): XADD to `stream` (vcon-otel:events), cut at about `maxlen` (1000000; 0: never) facts, over a
                connection of its own to the server's Redis, or to `redis_url`. http: POST to `url`
                (http://127.0.0.1:4418/v1/bridge) with `token` (or $VCON_OTEL_TOKEN).
wait            none: `run` only queues. durable, delivered (mode: http): `run` returns when its fact and all before it are
                on vcon-otel's disk, or its audit tracers have heard it; at most `timeout` (5) seconds and `retries` (2)
                later it raises ForwardingError, which sends the vCon to the DLQ if the options also have
                `dlq_vcon_on_error: true`. auto (default): durable with that, none without.
extras          (true) also hears, each only where this server's code is found as expected, what no official hook tells:
                halts and the uuid a link returned, egress, DLQ, and storages where there are no spans.
heal            (true) ends the span of a failed chain, which the server leaves open and current, marks halts and final
                uuids on chain spans, and has the server's last spans exported when a worker ends. Telemetry only.
own_provider    auto, true or false: a TracerProvider for a process that has none, to hear spans. auto: only where the
                extras cannot stand in for spans. Its price: the server then writes `context:*` keys for egress lists.
hash_document   auto, true or false: the SHA-256 of the document at each link, up to `max_hash_bytes` (4194304). It costs
                a read of the document at each link. auto: only where this file is not named under `imports`.
queue, flush    at most `queue` (100000) facts wait to be sent, and `flush` (5) seconds when the process ends.
host            the worker's name, by default the host's.

Python 3.11 or later, standard library only. See docs/conserver.md of vcon-otel.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import itertools
import json
import logging
import math
import multiprocessing
import os
import platform
import random
import socket
import ssl
import sys
import threading
import time
import types
from collections import Counter, deque
from collections.abc import Callable, Collection
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

VERSION = "2.0"

default_options: dict[str, Any] = {
    "mode": "redis",
    "stream": "vcon-otel:events",
    "maxlen": 1_000_000,
    "redis_url": "",
    "url": "http://127.0.0.1:4418/v1/bridge",
    "token": "",
    "timeout": 5,
    "retries": 2,
    "wait": "auto",
    "extras": True,
    "heal": True,
    "own_provider": "auto",
    "hash_document": "auto",
    "max_hash_bytes": 4 * 1024 * 1024,
    "queue": 100_000,
    "flush": 5,
    "host": "",
}


class ForwardingError(Exception):
    """A fact did not reach vcon-otel, or not as far as `wait` asks. Says nothing of the vCon, the url or the token."""


def run(
    in_vcon_uuid: Any, out_vcon_uuid: Any, tracer_name: Any, links: Any, link_index: Any, opts: Any = None
) -> bool:
    """
    What the server calls at each link. Answers whether the fact was queued, or with `wait` that it arrived as far as that
    asks; raises ForwardingError instead with `wait`, with a mode that is none, and with faults in the options over HTTP.
    """
    if _listener is None:
        raise ForwardingError("vcon-otel's file could not be set up in this process")
    return _listener.called(in_vcon_uuid, out_vcon_uuid, tracer_name, links, link_index, opts)


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


def _is_redis_url(value: Any) -> bool:
    try:
        return value == "" or urlsplit(value).scheme in ("redis", "rediss", "unix")
    except (ValueError, TypeError, AttributeError):
        return False


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is known or (isinstance(value, str) and value == known) for known in values)


_VALID: dict[str, Callable[[Any], bool]] = {
    "mode": _one_of("redis", "http"),
    "stream": _is_text,
    "maxlen": _is_count,
    "redis_url": _is_redis_url,
    "url": _is_url,
    "token": _is_header,
    "timeout": _is_seconds,
    "retries": _is_count,
    "wait": _one_of("auto", "none", "durable", "delivered"),
    "extras": _one_of(True, False),
    "heal": _one_of(True, False),
    "own_provider": _one_of("auto", True, False),
    "hash_document": _one_of("auto", True, False),
    "max_hash_bytes": _is_count,
    "queue": _is_count,
    "flush": _is_seconds,
    "host": lambda value: isinstance(value, str) and len(value) <= 256,
}
_OF_THE_SERVER = ("dlq_vcon_on_error",)


def _read_options(opts: Any) -> tuple[dict[str, Any], list[str]]:
    """The options with their defaults, and the names of those that are not valid: for these the default stands."""
    options = dict(default_options)
    faults: list[str] = []
    if opts is not None and not isinstance(opts, dict):
        return options, ["options"]
    for name, value in (opts or {}).items():
        if name in _OF_THE_SERVER or value is None:
            continue
        if name not in _VALID:
            faults.append(f"the key {name}" if isinstance(name, str) and name.isidentifier() else "a key")
        elif _VALID[name](value):
            options[name] = value
        else:
            faults.append(name)
    if options["wait"] == "auto":
        fails_closed = isinstance(opts, dict) and bool(opts.get("dlq_vcon_on_error"))
        options["wait"] = "durable" if fails_closed else "none"
    return options, faults


# --- facts, made in line -------------------------------------------------------------------------------------------

_PREFIXES = ("vcon_processing.", "link.", "storage.")
_MAX_NAME = 256
_MAX_LIST = 1_000
_UNKNOWN: Any = object()


class _Run:
    """One passage of a vCon through a chain, from before_processing to after_processing, on one thread."""

    __slots__ = (
        "number", "vcon", "chain", "links", "storages", "request", "spans", "span", "chain_span", "chain_ended",
        "index", "heard", "returned", "called",
    )  # fmt: skip

    def __init__(self, number: int, vcon: Any, chain: Any, links: list, storages: list | None) -> None:
        self.number = number
        self.vcon = vcon
        self.chain = chain
        self.links = links
        self.storages = storages or ()
        self.request: Any = None
        """The server's own object of this run, where the extras find it: which run a storage's thread works for."""
        self.spans = False
        """Whether any of its steps was heard as a span: servers before May 2026 have none of the chain itself."""
        self.span: int | None = None
        self.chain_span: Any = None
        self.chain_ended = False
        self.index: int | None = None
        """Of the link whose span started last."""
        self.heard: int | None = -1
        """Of the last link that after_link told of; None where its index is not known."""
        self.returned: Any = _UNKNOWN
        self.called: Any = None


class _Facts:
    """
    The facts of one process, on their way to the sender, and what is needed to say whose they are.

    The collector may end a span, and so come in here, at any point of any thread, even inside this class: nothing takes a
    lock, waits or encodes, and each step is one operation of the interpreter.
    """

    def __init__(self, limit: int) -> None:
        self.pid = os.getpid()
        self.boot = time.time_ns()
        self.limit = limit
        self.queue: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.unsent = 0
        """Facts that the sender has taken from the queue and not got rid of."""
        self.runs: dict[int, _Run] = {}
        """Open runs by thread."""
        self.chains: dict[int, _Run] = {}
        """The same by the id of their chain span."""
        self.lost: dict[int, list[Any]] = {}
        """Facts that there are not, by thread: how many, and of the first its run and why."""
        self.dropped = 0
        self.numbers = itertools.count(1)
        self.open = False
        """Whether there is a sender. Not in a child that a link has forked for purposes of its own."""

    def add(self, fact: dict[str, Any]) -> bool:
        """Queues a fact. False if the queue is full: the thread's next fact then comes after one that says so."""
        if not self.open:
            return False
        if self.unsent + self.queue.qsize() >= self.limit:
            self.lose(fact["thread"], fact.get("run"), "full")
            if "text" in fact:
                fact["text"].release()
            return False
        if self.lost:
            self.report_loss(fact["thread"])
        self.queue.put(fact)
        return True

    def lose(self, thread: int, run: int | None, reason: str) -> None:
        self.lost.setdefault(thread, [0, run, reason])[0] += 1
        self.dropped += 1

    def miss(self) -> None:
        """Of something that was heard there is no fact: as if it had been dropped."""
        thread = threading.get_ident()
        current = self.runs.get(thread)
        if self.open:
            self.lose(thread, None if current is None else current.number, "not made")

    def report_loss(self, thread: int) -> None:
        """Queues the fact of what a thread has lost. By the thread itself, so that it stands where the hole is."""
        found = self.lost.pop(thread, None)
        if found is not None:
            dropped, of_run, reason = found
            gap = {"kind": "gap", "ts": time.time_ns(), "thread": thread, "run": of_run}
            self.queue.put({**gap, "dropped": dropped, "reason": reason})

    def report_losses_of(self, run: int) -> None:
        """Queues what other threads have lost of a run that ends: its storages' threads end before they can say so."""
        if self.unsent + self.queue.qsize() < self.limit:
            for thread in [thread for thread, (_, of_run, _) in list(self.lost.items()) if of_run == run]:
                self.report_loss(thread)

    # The span processor's part.

    def span_started(self, span: Any) -> None:
        name = span.name
        if not name.startswith(_PREFIXES):
            return
        attributes = _attributes_of(span)
        chain = attributes.get("chain_name")
        if chain is None:
            return
        stage, _, rest = name.partition(".")
        vcon = attributes.get("vcon_id")
        thread = threading.get_ident()
        context, parent = span.context, span.parent
        fact = {
            "kind": "span_start",
            "ts": time.time_ns(),
            "thread": thread,
            "stage": _STAGES[stage],
            "name": rest,
            "chain": chain,
            "vcon": vcon,
            "span": context.span_id,
            "trace": context.trace_id,
            "parent": None if parent is None else parent.span_id,
            "sampled": None if context.trace_flags & 1 else False,
            "start": span.start_time,
        }
        owner = self.runs.get(thread)
        if stage == "storage":
            owner = self.owner_of_storage(parent, owner, chain, vcon, rest)
        elif owner is not None:
            if stage == "link":
                fact["index"] = owner.index = attributes.get("link_index")
                owner.vcon = vcon
            elif owner.span is None:
                owner.span, owner.chain_span = context.span_id, span
                self.chains[context.span_id] = owner
        elif stage == "link":
            fact["index"] = attributes.get("link_index")
        if owner is not None:
            owner.spans = True
            fact["run"] = owner.number
        self.add(fact)

    def span_ended(self, span: Any) -> None:
        name = span.name
        if not name.startswith(_PREFIXES):
            return
        attributes = _attributes_of(span)
        chain = attributes.get("chain_name")
        if chain is None:
            return
        stage, _, rest = name.partition(".")
        vcon = attributes.get("vcon_id")
        thread = threading.get_ident()
        context, parent, status = span.context, span.parent, span.status.status_code.name
        fact = {
            "kind": "span_end",
            "ts": time.time_ns(),
            "thread": thread,
            "stage": _STAGES[stage],
            "name": rest,
            "chain": chain,
            "vcon": vcon,
            "span": context.span_id,
            "trace": context.trace_id,
            "parent": None if parent is None else parent.span_id,
            "sampled": None if context.trace_flags & 1 else False,
            "status": status,
            "start": span.start_time,
            "end": span.end_time,
        }
        if status == "ERROR":
            fact["error"], fact["exceptions"] = _exceptions_of(span)
        if stage == "vcon_processing":
            owner = self.chains.get(context.span_id)
            if owner is not None:
                owner.chain_ended = True
        elif stage == "link":
            fact["index"] = attributes.get("link_index")
            owner = self.chains.get(parent.span_id) if parent is not None else None
            owner = owner or self.runs.get(thread)
        else:
            owner = self.owner_of_storage(parent, self.runs.get(thread), chain, vcon, rest)
        if owner is not None:
            fact["run"] = owner.number
        self.add(fact)

    def owner_of_storage(self, parent: Any, of_thread: _Run | None, chain: Any, vcon: Any, name: str) -> _Run | None:
        """Whose storage it is: storages side by side run on threads that know nothing of their run."""
        owner = self.chains.get(parent.span_id) if parent is not None else None
        if owner is not None or of_thread is not None:
            return owner or of_thread
        return self.owner_by_request() or self.only_owner(chain, vcon, name)

    def owner_by_request(self) -> _Run | None:
        """By the server's object at work on this thread."""
        frame = _caller("_process_storage", 20)
        request = None if frame is None else frame.f_locals.get("self")
        if request is None:
            return None
        return next((run for run in list(self.runs.values()) if run.request is request), None)

    def only_owner(self, chain: Any, vcon: Any, name: str) -> _Run | None:
        found = [
            run
            for run in list(self.runs.values())
            if run.chain == chain and name in run.storages and vcon in (run.vcon, run.returned)
        ]
        return found[0] if len(found) == 1 else None


_STAGES = {"vcon_processing": "chain", "link": "link", "storage": "storage"}


def _attributes_of(span: Any) -> Any:
    """Without the lock that guards the SDK's own dictionary while it is written."""
    try:
        return span._attributes._dict
    except AttributeError:
        return span.attributes or {}


def _exceptions_of(span: Any) -> tuple[Any, int]:
    """The class of the last exception recorded on a span, and how many there were. By index: to iterate takes a lock."""
    events = getattr(span, "_events", None)
    if events is None:
        events = span.events
    error, count = None, 0
    for at in range(len(events)):
        event = events[at]
        if event.name == "exception":
            count += 1
            error = event.attributes.get("exception.type")
    return error, count


def _error_name(error: BaseException | None) -> str | None:
    """As OpenTelemetry writes it. Never the error itself: it would keep the frames of its traceback alive."""
    if error is None:
        return None
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _caller(name: str, reach: int) -> Any:
    """The nearest frame, of at most so many, of a function of this name."""
    frame = sys._getframe(1)
    while frame is not None and reach > 0:
        if frame.f_code.co_name == name:
            return frame
        frame, reach = frame.f_back, reach - 1
    return None


# --- the listener --------------------------------------------------------------------------------------------------

_MARK = "_vcon_otel"


class _Listener:
    """Hears the server: one in a process, whatever the names this file was loaded under."""

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self.trouble = _Trouble(self.failures)
        self.main: Any = sys.modules.get("__main__")
        self.by_imports, given = _own_options(self.main)
        self._given: Any = given
        self.entry: Any = _UNKNOWN
        """Whose options count, if more than one entry under `tracers` names this file."""
        self.options, self.faults = _read_options(given)
        self.installed = False
        self.start_afresh()

    def start_afresh(self) -> None:
        """In a new process, also the child of a fork: nothing of what another thread may have held there."""
        self.trouble.start_afresh()
        self.lock = threading.Lock()
        self.facts = _Facts(self.options["queue"])
        self.waiting = _Waiting()
        self.reader = _Reader(self.trouble)
        self.sender = _Sender(self)

    def attach(self) -> None:
        """Says what is heard here, and starts the sender. In a forked child when it first has something to say."""
        if self.facts.open and self.facts.pid == os.getpid():
            return
        # Never from a span's start or end: the collector would find the lock taken.
        with self.lock:
            if self.facts.pid != os.getpid():
                # A fork that Python was not told of.
                self.start_afresh()
            if not self.facts.open:
                self.attach_once()

    def attach_once(self) -> None:
        if not self.installed:
            self.survey()
            if self.spans != "none" and not self.safely(self.listen_to_spans):
                self.spans = "none"
        self.sender.start()
        self.facts.open = True
        process = multiprocessing.current_process()
        self.facts.add(
            {
                "kind": "attach",
                "ts": self.facts.boot,
                "thread": threading.get_ident(),
                "forwarder": VERSION,
                "python": platform.python_version(),
                "process": process.name,
                "parent_pid": os.getppid(),
                "start_method": multiprocessing.get_start_method(allow_none=True),
                "by": "imports" if self.by_imports else "tracers",
                "spans": self.spans,
                "provider": self.provider_name,
                "hooks": self.hooks,
                "extras": self.extras,
                "heal": self.options["heal"],
            }
        )
        if not self.installed:
            self.installed = True
            self.install()

    def survey(self) -> None:
        """What this server has. Changes nothing yet."""
        self.hook = getattr(self.main, "hook", None) or sys.modules.get("hook")
        self.link_hook = getattr(self.main, "after_link_hook", None) or sys.modules.get("after_link_hook")
        self.hooks = {
            "before_processing": callable(getattr(self.hook, "before_processing", None)),
            "after_processing": callable(getattr(self.hook, "after_processing", None)),
            "after_link": callable(getattr(self.link_hook, "after_link", None)),
        }
        self.extras = _extras_of(self.main) if self.options["extras"] else {}
        self.provider, self.spans = _provider(self.options["own_provider"], self.extras)
        self.provider_name = None if self.provider is None else type(self.provider).__name__

    def install(self) -> None:
        self.safely(self.wrap_hooks)
        self.safely(self.wrap_extras)

    def safely(self, own: Callable[..., Any], *args: Any) -> Any:
        """Calls what is our own, of which the server is to notice nothing."""
        try:
            return own(*args)
        except Exception as error:
            self.trouble.note("facts", error)
            return None

    def tell(self, own: Callable[..., Any], *args: Any) -> Any:
        """The same for what makes a fact: if there is none, that is told in its place."""
        try:
            return own(*args)
        except Exception as error:
            self.trouble.note("facts", error)
            self.safely(self.facts.miss)
            return None

    # Spans.

    def listen_to_spans(self) -> bool:
        if not getattr(self.provider, _MARK, False):
            setattr(self.provider, _MARK, True)
            self.provider.add_span_processor(_span_processor(self))
        return True

    # Hooks.

    def wrap_hooks(self) -> None:
        # Without an end there is no run: it would stay open for ever.
        if self.hooks["before_processing"] and self.hooks["after_processing"]:
            _wrap(self.hook, "after_processing", self.around_after_processing)
            _wrap(self.hook, "before_processing", self.around_before_processing)
        if self.hooks["after_link"]:
            _wrap(self.link_hook, "after_link", self.around_after_link)

    def around_before_processing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def before_processing(*args: Any, **kwargs: Any) -> Any:
            try:
                answer = original(*args, **kwargs)
            except BaseException as error:
                self.tell(self.run_started, args, kwargs, False, error)
                raise
            self.tell(self.run_started, args, kwargs, answer, None)
            return answer

        return before_processing

    def around_after_processing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def after_processing(*args: Any, **kwargs: Any) -> Any:
            self.tell(self.run_ended, args, kwargs)
            return original(*args, **kwargs)

        return after_processing

    def around_after_link(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def after_link(*args: Any, **kwargs: Any) -> Any:
            self.tell(self.link_done, args, kwargs)
            return original(*args, **kwargs)

        return after_link

    def run_started(self, args: tuple, kwargs: dict, answer: Any, error: BaseException | None) -> None:
        self.attach()
        vcon, details, context = _arguments(args, kwargs, "vcon_id", "chain_details", "context")
        details = details if isinstance(details, dict) else {}
        context = context if isinstance(context, dict) else {}
        facts, thread = self.facts, threading.get_ident()
        links, storages = _list_of(details.get("links")), _list_of(details.get("storages"))
        started = _Run(next(facts.numbers), vcon, details.get("name"), links or [], storages)
        if self.extras.get("storages"):
            frame = _caller("_handle_vcon", 6)
            started.request = None if frame is None else frame.f_locals.get("vcon_chain_request")
        fact = {
            "kind": "run_start",
            "ts": time.time_ns(),
            "thread": thread,
            "run": started.number,
            "thread_name": threading.current_thread().name,
            "vcon": vcon,
            "chain": started.chain,
            "links": links,
            "storages": storages,
            "egress_lists": _list_of(details.get("egress_lists")),
            "ingress_list": context.get("ingress_list"),
            "producer": {key: context[key] for key in _PRODUCER if key in context} or None,
            "proceed": error is None and (bool(answer) or _ignores_the_answer()),
            "error": _error_name(error),
        }
        facts.runs[thread] = started
        facts.add(fact)

    def link_done(self, args: tuple, kwargs: dict) -> None:
        vcon, link, status, error = _arguments(args, kwargs, "vcon_id", "link_name", 5, "status", "error")
        thread = threading.get_ident()
        current = self.facts.runs.get(thread)
        fact = {
            "kind": "after_link",
            "ts": time.time_ns(),
            "thread": thread,
            "run": None if current is None else current.number,
            "vcon": vcon,
            "link": link,
            "index": current.index if current is not None and current.spans else None,
            "status": status,
            "error": _error_name(error),
        }
        if self.extras.get("returned"):
            index, returned = self.peek(status)
            fact["index"] = index if fact["index"] is None else fact["index"]
            if returned is not _UNKNOWN:
                fact["halted"] = not returned
                fact["next"] = returned or None
            if current is not None:
                current.returned = returned
                if self.options["heal"]:
                    self.safely(self.mark, current, fact["index"], returned, vcon)
        if current is not None:
            current.heard = fact["index"]
        self.facts.add(fact)

    def peek(self, status: Any) -> tuple[int | None, Any]:
        """Which link it is, and what it returned, as the server itself knows it at this moment."""
        frame = _caller("_process_link", 8)
        if frame is None:
            return None, _UNKNOWN
        variables = frame.f_locals
        index = variables.get("link_index")
        if status != "success" or "should_continue_chain" not in variables:
            return index, _UNKNOWN
        returned = variables["should_continue_chain"]
        # Only its kind and its name: whatever else a link returns may be a document.
        return index, returned if isinstance(returned, (str, bool)) or returned is None else bool(returned)

    def run_ended(self, args: tuple, kwargs: dict) -> None:
        vcon, chain, error = _arguments(args, kwargs, "vcon_id", "chain_details", 3, "error")
        facts, thread = self.facts, threading.get_ident()
        ended = facts.runs.pop(thread, None)
        index = None
        # In the server's `finally`: what is on its way through, although the server does not pass it.
        raised = error if error is not None else sys.exc_info()[1]
        if error is not None and self.extras.get("returned"):
            index = _failed_link(error)
        fact = {
            "kind": "run_end",
            "ts": time.time_ns(),
            "thread": thread,
            "vcon": vcon,
            "chain": chain.get("name") if isinstance(chain, dict) else None,
            "error": _error_name(error),
            "index": index,
            "raised": _error_name(raised) if error is None else None,
        }
        if ended is not None:
            facts.chains.pop(ended.span, None)
            fact["run"] = ended.number
            fact["chain_ended"] = None if ended.span is None else ended.chain_ended
            if ended.links and ended.heard is not None:
                fact["last_told"] = ended.heard == len(ended.links) - 1
            if facts.lost:
                facts.report_losses_of(ended.number)
        facts.add(fact)
        if raised is not None and self.options["heal"]:
            self.safely(self.heal, ended, fact["error"] or fact["raised"])

    # The server's own spans, made right.

    def mark(self, current: _Run, index: int | None, returned: Any, vcon: Any) -> None:
        """Writes on the chain's span what the server does not, at the last moment at which it can be written."""
        span = current.chain_span
        if span is None or returned is _UNKNOWN:
            return
        if not returned:
            span.set_attribute("vcon.chain.outcome", "halted")
            span.set_attribute("vcon.out_uuid", str(vcon))
        elif index is not None and index == len(current.links) - 1:
            span.set_attribute("vcon.chain.outcome", "complete")
            span.set_attribute("vcon.out_uuid", returned if isinstance(returned, str) else str(vcon))

    def heal(self, ended: _Run | None, error: str) -> None:
        """
        Ends the span of a chain that failed and takes it off the thread: by the server's own context manager, which does
        both, else by hand. The server itself leaves that to the collector.
        """
        request = None
        frame = _caller("_handle_vcon", 8)
        if frame is not None:
            request = frame.f_locals.get("vcon_chain_request")
        manager = getattr(request, "_span_context_manager", None)
        span = getattr(request, "_span", None) or (None if ended is None else ended.chain_span)
        if span is not None and span.is_recording():
            span.set_status(sys.modules["opentelemetry.trace"].StatusCode.ERROR)
            span.set_attribute("error.type", error)
            span.set_attribute("vcon.chain.outcome", "error")
        generator = getattr(manager, "gen", None)
        try:
            if generator is not None and generator.gi_frame is not None:
                manager.__exit__(None, None, None)
        finally:
            if span is not None and span.is_recording():
                _end_by_hand(span)

    # What no official hook tells.

    def wrap_extras(self) -> None:
        queue = getattr(self.main, "VconQueue", None)
        if self.extras.get("egress"):
            _wrap(queue, "enqueue", self.around_queue("egress", "list_name", "_wrap_up"))
        if self.extras.get("dlq"):
            _wrap(queue, "enqueue_dlq", self.around_queue("dlq", "ingress_list", "_handle_vcon"))
        if self.extras.get("requeue"):
            _wrap(queue, "enqueue_front", self.around_queue("returned", "list_name", "worker_loop"))
        if self.extras.get("storages"):
            _wrap(self.main.Storage, "save", self.around_save)
        if self.extras.get("halt_log"):
            logging.getLogger("main").addFilter(_HaltFilter(self))

    def around_queue(self, kind: str, argument: str, caller: str) -> Callable[..., Any]:
        def around(original: Callable[..., Any]) -> Callable[..., Any]:
            def push(*args: Any, **kwargs: Any) -> Any:
                answer = original(*args, **kwargs)
                self.tell(self.pushed, kind, argument, caller, args, kwargs)
                return answer

            return push

        return around

    def pushed(self, kind: str, argument: str, caller: str, args: tuple, kwargs: dict) -> None:
        # A link may use the queues for purposes of its own.
        if _caller(caller, 5) is None:
            return
        queue, vcon = _arguments(args, kwargs, 1, argument, "vcon_id")
        thread = threading.get_ident()
        current = None if kind == "returned" else self.facts.runs.get(thread)
        fact = {"kind": kind, "ts": time.time_ns(), "thread": thread, "list": queue, "vcon": vcon}
        if current is not None:
            fact["run"] = current.number
        self.facts.add(fact)

    def around_save(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def save(*args: Any, **kwargs: Any) -> Any:
            call = self.tell(self.storage_called, args, kwargs)
            try:
                answer = original(*args, **kwargs)
            except BaseException as error:
                self.tell(self.storage_returned, call, error)
                raise
            self.tell(self.storage_returned, call, None)
            return answer

        return save

    def storage_called(self, args: tuple, kwargs: dict) -> dict[str, Any] | None:
        """Only where no spans tell it."""
        frame = _caller("_process_storage", 5)
        request = None if frame is None else frame.f_locals.get("self")
        if request is None:
            return None
        thread = threading.get_ident()
        current = self.facts.runs.get(thread)
        if current is None or current.request is not request:
            current = self.facts.owner_by_request()
        if current is None or current.spans:
            return None
        (vcon,) = _arguments(args, kwargs, 1, "vcon_id")
        call = {"thread": thread, "run": current.number, "storage": args[0].storage_name, "vcon": vcon}
        self.facts.add({"kind": "storage_call", "ts": time.time_ns(), **call})
        return call

    def storage_returned(self, call: dict[str, Any] | None, error: BaseException | None) -> None:
        if call is not None:
            self.facts.add({"kind": "storage_return", "ts": time.time_ns(), **call, "error": _error_name(error)})

    def halt_logged(self, link: Any, vcon: Any) -> None:
        thread = threading.get_ident()
        current = self.facts.runs.get(thread)
        fact = {"kind": "halt", "ts": time.time_ns(), "thread": thread, "link": link, "vcon": vcon, "by": "log"}
        if current is not None:
            fact["run"] = current.number
        self.facts.add(fact)

    # The tracer's call.

    def called(self, *arguments: Any) -> bool:
        try:
            return self.call(*arguments)
        except ForwardingError:
            raise
        except Exception as error:
            self.trouble.note("facts", error)
            self.safely(self.facts.miss)
            if self.fails_closed:
                raise ForwardingError(f"the record was not sent ({_kind(error)})") from None
            return False

    @property
    def fails_closed(self) -> bool:
        return self.options["mode"] == "http" and self.options["wait"] != "none"

    def call(self, before: Any, after: Any, tracer: Any, links: Any, index: Any, opts: Any) -> bool:
        self.attach()
        if self.entry is _UNKNOWN:
            self.entry = tracer
        if tracer != self.entry:
            return self.call_of_another_entry(opts)
        faults = self.take_options(opts)
        fact = self.call_fact(before, after, tracer, links, index)
        if "mode" in faults or (faults and self.options["mode"] == "http"):
            self.facts.add(fact)
            self.trouble.count("options")
            raise ForwardingError(f"not valid in the forwarder's options: {', '.join(faults)}")
        if faults:
            self.trouble.report("options", ", ".join(faults))
        if not self.fails_closed:
            return self.facts.add(fact)
        try:
            self.waiting.wait_for(fact, self.facts, self.options)
        except ForwardingError:
            self.trouble.count("records")
            raise
        return True

    def call_of_another_entry(self, opts: Any) -> bool:
        """A second entry under `tracers` that names this file: everything is told already."""
        options, _ = _read_options(opts)
        if options == self.options:
            return True
        self.trouble.report("options", "another entry")
        if options["mode"] == "http" and options["wait"] != "none":
            raise ForwardingError("two entries under tracers name this file, with different options")
        return True

    def take_options(self, opts: Any) -> list[str]:
        """The server reads its configuration again on every turn: equal options need not be read again."""
        if opts is not self._given and opts != self._given:
            self._given = opts
            self.options, self.faults = _read_options(opts)
            self.facts.limit = self.options["queue"]
            self.sender.retry_at, self.waiting.failed = 0.0, 0
        return self.faults

    def call_fact(self, before: Any, after: Any, tracer: Any, links: Any, index: Any) -> dict[str, Any]:
        thread = threading.get_ident()
        current = self.facts.runs.get(thread)
        fact = {
            "kind": "tracer",
            "ts": time.time_ns(),
            "thread": thread,
            "tracer": tracer,
            # As the server passes them: what is after the link first. That is for the receiver to put right.
            "in": before,
            "out": after,
            "links": _list_of(links),
            "index": index,
        }
        if current is None:
            fact.update(_span_context())
        else:
            fact["run"] = current.number
            self.compare(current, index, before, after)
        if index != -1 and self.extras.get("returned") and not self.hooks["after_link"]:
            _, returned = self.peek("success")
            fact["halted"] = None if returned is _UNKNOWN else not returned
        wished = self.options["hash_document"]
        if wished is True or (wished == "auto" and not self.by_imports):
            self.safely(self.reader.hash_into, fact, before, self.options)
        return fact

    def compare(self, current: _Run, index: Any, before: Any, after: Any) -> None:
        """What was looked up at the last link must be what the server passes now. If not, this is not the server we know."""
        returned = current.returned
        if index == current.heard and index != current.called and returned is not _UNKNOWN:
            if isinstance(returned, str) and before != (returned or after):
                self.extras = {**self.extras, "returned": False}
                self.trouble.note("extras", LookupError())
        current.called = index


def _failed_link(error: BaseException) -> int | None:
    """In which link an error came up, if that link had begun: nothing else tells it of one that could not be imported."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "_process_link":
            variables = trace.tb_frame.f_locals
            return variables.get("link_index") if "link" in variables else None
        trace = trace.tb_next
    return None


def _own_options(main: Any) -> tuple[bool, Any]:
    """Whether this file is named under `imports`, and the options that stand with it, those under `tracers` first."""
    try:
        config = getattr(main, "config", None)
        if not isinstance(config, dict):
            config = sys.modules["config"].get_config()
        imports = [entry for entry in (config.get("imports") or {}).values() if _is_this_file(entry)]
        tracers = [entry for entry in (config.get("tracers") or {}).values() if _is_this_file(entry)]
        entries = [entry for entry in tracers + imports if isinstance(entry, dict) and entry.get("options")]
        return bool(imports), entries[0]["options"] if entries else None
    except Exception:
        return False, None


def _is_this_file(entry: Any) -> bool:
    module = entry.get("module") if isinstance(entry, dict) else entry
    return module == __name__ or str(module).rpartition(".")[2] in ("vcon_otel", "vcon_otel_forwarder")


_PRODUCER = ("trace_id", "span_id", "trace_flags", "is_sampled")


def _arguments(args: tuple, kwargs: dict, *names: Any) -> list[Any]:
    """Arguments by name, however they were passed. A number among the names is the place of the next."""
    found, place = [], 0
    for name in names:
        if isinstance(name, int):
            place = name
            continue
        found.append(args[place] if place < len(args) else kwargs.get(name))
        place += 1
    return found


def _list_of(value: Any) -> list | None:
    return value[:_MAX_LIST] if isinstance(value, list) else None


def _ignores_the_answer() -> bool:
    """Servers before May 2026 run the chain whatever before_processing answers: their code drops it."""
    frame = _caller("before_processing", 8)
    frame = None if frame is None else frame.f_back
    return frame is not None and _drops_the_result(frame.f_code, frame.f_lasti)


@functools.lru_cache(maxsize=8)
def _drops_the_result(code: types.CodeType, call: int) -> bool:
    after = [step for step in dis.get_instructions(code) if step.offset > call]
    return bool(after) and after[0].opname == "POP_TOP"


def _wrap(owner: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(owner, name)
    if getattr(original, _MARK, False):
        return
    wrapped = around(original)
    wrapped.__name__ = wrapped.__qualname__ = name
    wrapped.__doc__ = getattr(original, "__doc__", None)
    wrapped.__wrapped__ = original
    setattr(wrapped, _MARK, True)
    setattr(owner, name, wrapped)


def _extras_of(main: Any) -> dict[str, bool]:
    """What can be heard here beyond the official hooks: only where the server's code has what is looked for."""
    request, queue = getattr(main, "VconChainRequest", None), getattr(main, "VconQueue", None)
    handle = _variables(getattr(main, "_handle_vcon", None))
    link = _variables(getattr(request, "_process_link", None))
    wraps_up = callable(getattr(request, "_wrap_up", None))
    stores = callable(getattr(request, "_process_storage", None)) and _is_method(
        getattr(main, "Storage", None), "save"
    )
    returned = {"should_continue_chain", "link_index", "link"} <= link
    return {
        "returned": returned,
        "egress": wraps_up and _is_method(queue, "enqueue"),
        "dlq": bool(handle) and _is_method(queue, "enqueue_dlq"),
        "requeue": callable(getattr(main, "worker_loop", None)) and _is_method(queue, "enqueue_front"),
        "storages": stores and "vcon_chain_request" in handle,
        "halt_log": not returned
        and logging.getLogger("main").isEnabledFor(logging.INFO)
        and _HALTED in _constants(getattr(request, "process", None)),
    }


def _is_method(owner: Any, name: str) -> bool:
    """Of its objects: what replaces a static or a class's method would be called with one argument too many."""
    return isinstance(inspect.getattr_static(owner, name, None), types.FunctionType)


def _variables(function: Any) -> set[str]:
    return set(getattr(getattr(function, "__code__", None), "co_varnames", ()))


def _constants(function: Any) -> tuple:
    return getattr(getattr(function, "__code__", None), "co_consts", ())


_HALTED = "Link %s halted chain processing for vCon %s"


class _HaltFilter(logging.Filter):
    """Hears of a halt from the server's own log, where nothing else tells it."""

    def __init__(self, listener: _Listener) -> None:
        super().__init__()
        self.listener = listener

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == _HALTED and isinstance(record.args, tuple) and len(record.args) == 2:
            self.listener.tell(self.listener.halt_logged, *record.args)
        return True


# --- OpenTelemetry, where the server has it ------------------------------------------------------------------------


def _loaded(name: str) -> Any:
    """A module, if the server has loaded it. To import it here could wait for ever, in a child forked during an import."""
    return sys.modules.get(name)


def _provider(own: Any, extras: dict[str, bool]) -> tuple[Any, str]:
    """The server's TracerProvider, or one of our own, and whose spans are heard: server, own or none."""
    trace = _loaded("opentelemetry.trace")
    if trace is None and own is not True:
        return None, "none"
    if trace is None:
        try:
            from opentelemetry import trace
        except ImportError:
            return None, "none"
    provider = trace.get_tracer_provider()
    if callable(getattr(provider, "add_span_processor", None)):
        return provider, "server"
    suffices = all(extras.get(name) for name in ("returned", "egress", "storages"))
    if own is False or (own == "auto" and suffices):
        return None, "none"
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
        return provider, "own"
    except Exception:
        return None, "none"


def _span_processor(listener: _Listener) -> Any:
    """Of the SDK's own kind, whatever members a later SDK asks for."""
    kind = getattr(_loaded("opentelemetry.sdk.trace"), "SpanProcessor", object)

    class FactSpanProcessor(kind):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            if listener.facts.open:
                listener.tell(listener.facts.span_started, span)

        def on_end(self, span: Any) -> None:
            if listener.facts.open:
                listener.tell(listener.facts.span_ended, span)

        def _on_ending(self, span: Any) -> None:
            pass

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    return FactSpanProcessor()


def _end_by_hand(span: Any) -> None:
    span.end()
    context = sys.modules["opentelemetry.context"]
    context.attach(context.Context())


def _span_context() -> dict[str, Any]:
    """Of the link's span, for a run whose start was not heard. A hint: what is current can be an earlier, failed run's."""
    try:
        span = sys.modules["opentelemetry.trace"].get_current_span()
        context, name = span.get_span_context(), getattr(span, "name", "")
        if not context.is_valid or not name.startswith("link."):
            return {}
        parent = getattr(span, "parent", None)
        return {
            "span": context.span_id,
            "trace": context.trace_id,
            "parent": None if parent is None else parent.span_id,
            "sampled": None if context.trace_flags & 1 else False,
            "chain": _attributes_of(span).get("chain_name"),
        }
    except Exception:
        return {}


# --- facts on the wire ---------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """As the server has it, except what could be a document: a link may return anything."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else None
    return value if isinstance(value, str) and len(value) <= _MAX_NAME else None


def _name(value: Any) -> Any:
    return str(value)[:_MAX_NAME]


def _names(values: list) -> list[str]:
    return [_name(value) for value in values]


def _id16(value: int) -> str:
    return f"{value:016x}"


def _id32(value: int) -> str:
    return f"{value:032x}"


def _index(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= _MAX_LIST else None


def _producer(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain(part) for key, part in value.items()}


_SHAPES: dict[str, Callable[[Any], Any]] = {
    **{name: str for name in ("ts", "start", "end")},
    **{name: _id16 for name in ("span", "parent")},
    "trace": _id32,
    **{name: _plain for name in ("vcon", "in", "out", "next")},
    **{name: _name for name in ("name", "chain", "link", "storage", "list", "tracer", "error", "raised", "ingress_list")},
    **{name: _name for name in ("process", "thread_name", "status")},
    **{name: _names for name in ("links", "storages", "egress_lists")},
    "index": _index,
    "producer": _producer,
}
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _wire(fact: dict[str, Any]) -> str:
    shaped = {}
    for key, value in fact.items():
        if value is None:
            continue
        shape = _SHAPES.get(key)
        value = value if shape is None else shape(value)
        if value is not None:
            shaped[key] = value
    return _encode(shaped)


# --- the sender ----------------------------------------------------------------------------------------------------

_BATCH = 256  # facts
_BATCH_BYTES = 256 * 1024
_LINGER = 0.002  # seconds in which more facts may come: many small batches take turns with the server's threads
_ALIVE_EVERY = 5.0
_LONGEST_PAUSE = 5.0
_LONGEST_WAIT = 300.0  # for a receiver that says when to come back
_SEND_WITHIN = 10.0
_MAX_UNSENT_BYTES = 64 * 1024 * 1024


class _Entry:
    """A fact that is ready to be sent."""

    __slots__ = ("kind", "record", "waiter", "run", "thread")

    def __init__(self, kind: str, record: str, waiter: _Waiter | None, run: Any, thread: Any) -> None:
        self.kind = kind
        self.record = record
        self.waiter = waiter
        self.run = run
        self.thread = thread


class _Sender:
    """
    Numbers, encodes and sends the facts of a process, on a thread and over a connection of its own. What was not accepted
    is kept and sent again. A second thread, which the interpreter waits for, sees to it that what is left goes out when
    every thread that could add to it has ended.
    """

    def __init__(self, listener: _Listener) -> None:
        self.listener = listener
        self.facts = listener.facts
        self.trouble = listener.trouble
        self.entries: deque[_Entry] = deque()
        self.bytes = 0
        self.seq = 0
        self.head = ""
        self.batch = _BATCH
        self.failed = 0
        self.given_up = 0
        """Facts in a row that the receiver would not have."""
        self.problem = ""
        self.retry_at = 0.0
        self.next_alive = time.monotonic() + _ALIVE_EVERY
        self.ends_at = math.inf
        self.detached = False
        self.done = threading.Event()
        self.transport: Any = None
        self.transport_options: Any = None

    def start(self) -> None:
        self.worker = threading.Thread(target=self.work, name="vcon-otel-sender", daemon=True)
        self.worker.start()
        threading.Thread(target=self.keep, name="vcon-otel-keeper", daemon=False).start()

    def keep(self) -> None:
        """
        Holds the process until the facts are out, at most `flush` seconds. Not `atexit`, which forked workers do not run,
        nor `multiprocessing.util.Finalize`, which does not wait for threads: vCons under way still end after it.
        """
        self.listener.safely(_wait_for_other_threads, self.done)
        flush = self.listener.options["flush"]
        self.ends_at, self.retry_at = time.monotonic() + flush, 0.0
        self.facts.queue.put({"kind": "detach", "ts": time.time_ns()})
        flushed = self.listener.safely(_flush_provider, self.listener)
        if not self.done.wait(flush):
            self.trouble.report("lost", self.problem or "TimeoutError")
        if flushed is not None:
            flushed.wait(max(0.0, self.ends_at - time.monotonic()))

    def work(self) -> None:
        while not self.done.is_set():
            try:
                self.turn()
            except Exception as error:
                self.trouble.report("sending", _kind(error))
                time.sleep(0.1)

    def turn(self) -> None:
        self.take()
        self.report_losses_of_dead_threads()
        self.live()
        self.facts.unsent = len(self.entries)
        if self.entries and time.monotonic() >= self.retry_at:
            self.send()
        self.facts.unsent = len(self.entries)
        self.trouble.log_notes()
        if self.detached and not self.entries and self.facts.queue.empty():
            self.done.set()

    # Facts become entries.

    def take(self) -> None:
        if self.bytes >= _MAX_UNSENT_BYTES:
            time.sleep(min(0.1, max(0.0, self.retry_at - time.monotonic())))
            return
        try:
            fact = self.facts.queue.get(timeout=self.idle())
        except Empty:
            return
        self.facts.unsent = len(self.entries) + 1
        if not self.entries and "waiter" not in fact and self.ends_at == math.inf:
            time.sleep(_LINGER)
        for _ in range(_BATCH):
            self.number(fact)
            try:
                fact = self.facts.queue.get_nowait()
            except Empty:
                return
        self.number(fact)

    def idle(self) -> float:
        """How long there is nothing to do but to wait for facts."""
        now = time.monotonic()
        until = self.retry_at if self.entries else self.next_alive
        return min(max(until - now, 0.001), 1.0) if self.ends_at == math.inf else 0.02

    def number(self, fact: dict[str, Any]) -> None:
        self.seq += 1
        waiter, text = fact.pop("waiter", None), fact.pop("text", None)
        kind, run, thread = fact["kind"], fact.get("run"), fact.get("thread")
        self.detached = self.detached or kind == "detach"
        try:
            if text is not None:
                fact["sha256"] = text.hash()
            body = _wire(fact)
        except Exception as error:
            self.trouble.note("facts", error)
            gap = {"kind": "gap", "ts": time.time_ns(), "thread": thread, "run": run}
            body = _wire({**gap, "dropped": 1, "reason": "not encoded"})
            if waiter is not None:
                waiter.fail(f"the record was not made ({_kind(error)})")
                waiter = None
        entry = _Entry(kind, f'{self.prefix()}"seq":{self.seq},{body[1:]}', waiter, run, thread)
        self.entries.append(entry)
        self.bytes += len(entry.record)

    def prefix(self) -> str:
        host = self.listener.options["host"]
        if not self.head or self.head[0] != host:
            who = {"v": 2, "host": host or socket.gethostname(), "pid": self.facts.pid, "boot": str(self.facts.boot)}
            self.head = (host, _encode(who)[:-1] + ",")
        return self.head[1]

    def report_losses_of_dead_threads(self) -> None:
        """A thread says itself what it lost, where the hole is. One that has ended cannot."""
        if self.facts.lost:
            living = {thread.ident for thread in threading.enumerate()}
            for thread in [thread for thread in list(self.facts.lost) if thread not in living]:
                self.facts.report_loss(thread)

    def live(self) -> None:
        """Tells a run that takes long from one whose process is gone."""
        now = time.monotonic()
        if now < self.next_alive:
            return
        self.next_alive = now + _ALIVE_EVERY
        open_runs = sorted(run.number for run in list(self.facts.runs.values()))[:_MAX_LIST]
        # What cannot be sent now is no sign of life later.
        if (open_runs or self.facts.lost) and not self.failed:
            dropped = self.facts.dropped
            self.number({"kind": "alive", "ts": time.time_ns(), "runs": open_runs, "dropped": dropped})

    # Entries are sent.

    def send(self) -> None:
        size = length = 0
        for entry in itertools.islice(self.entries, self.batch):
            length += len(entry.record)
            if size and length > _BATCH_BYTES:
                break
            size += 1
        batch = list(itertools.islice(self.entries, size))
        deadline = min(time.monotonic() + _SEND_WITHIN, self.ends_at)
        try:
            accepted = self.link().send([entry.record for entry in batch], deadline)
        except _Refused as refused:
            self.refuse(batch, refused)
        except Exception as error:
            self.fail(batch, error)
        else:
            self.accept(batch[:accepted], self.transport.rejected)
            if accepted < len(batch):
                self.fail(batch[accepted:], self.transport.problem)

    def link(self) -> Any:
        options = self.listener.options
        if self.transport is None or self.transport_options is not options:
            if self.transport is not None:
                self.transport.close()
            self.transport = (
                _Http(options) if options["mode"] == "http" else _Redis(options, options["redis_url"])
            )
            self.transport_options = options
        return self.transport

    def accept(self, batch: list[_Entry], rejected: Collection[int]) -> None:
        for place, entry in enumerate(batch):
            self.entries.popleft()
            self.bytes -= len(entry.record)
            if place in rejected:
                self.give_up(entry, "rejected")
            elif entry.waiter is not None:
                entry.waiter.accept(entry.record)
        if len(rejected) < len(batch):
            self.failed, self.given_up, self.retry_at = 0, 0, 0.0
            self.batch = min(_BATCH, self.batch * 2)
            if self.listener.options["wait"] == "durable":
                self.listener.waiting.failed = 0
            self.trouble.over()

    def fail(self, batch: list[_Entry], error: Exception) -> None:
        self.failed += 1
        self.problem = error.what if isinstance(error, _NotTaken) else _kind(error)
        pause = random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE, 0.05 * 2 ** min(self.failed, 10))
        if isinstance(error, _NotTaken):
            pause = max(pause, min(error.retry_after, _LONGEST_WAIT))
        if self.ends_at < math.inf:
            pause = min(pause, 0.2)
        self.retry_at = time.monotonic() + pause
        for entry in batch:
            if entry.waiter is not None:
                entry.waiter.not_taken(self.problem, self.retry_at)
        self.trouble.report("records", self.problem)

    def refuse(self, batch: list[_Entry], refused: _Refused) -> None:
        """For what is wrong with a body, its one bad fact is looked for and given up; for the rest, all wait."""
        if refused.is_of_the_body and len(batch) > 1:
            self.batch = len(batch) // 2
            return
        if refused.is_of_the_body:
            entry = self.entries.popleft()
            self.bytes -= len(entry.record)
            self.give_up(entry, refused.what)
            if self.given_up >= _GIVE_UP_AFTER:
                # It is not this fact: nothing at all is taken there.
                self.fail([], refused)
            return
        for entry in batch:
            if entry.waiter is not None:
                entry.waiter.fail(f"vcon-otel refused the record ({refused.what})")
        self.fail(batch, refused)

    def give_up(self, entry: _Entry, what: str) -> None:
        if entry.waiter is not None:
            entry.waiter.fail(f"vcon-otel refused the record ({what})")
        self.given_up += 1
        self.trouble.report("records", what)
        if entry.kind != "gap":
            gap = {"kind": "gap", "ts": time.time_ns(), "thread": entry.thread, "run": entry.run}
            self.number({**gap, "dropped": 1, "reason": "refused"})


def _wait_for_other_threads(done: threading.Event) -> None:
    main, me = threading.main_thread(), threading.current_thread()
    while main.is_alive() and not done.is_set():
        main.join(0.5)
    while others := [thread for thread in threading.enumerate() if thread not in (main, me) and not thread.daemon]:
        if done.is_set():
            return
        others[0].join(0.1)


def _flush_provider(listener: _Listener) -> threading.Event | None:
    """
    Has the server's last spans exported: a forked worker ends without `atexit`, and they with it. On a thread that nobody
    waits for for ever: the SDK's flush has no time limit of its own.
    """
    flush = getattr(listener.provider, "force_flush", None)
    if not listener.options["heal"] or listener.spans != "server" or flush is None:
        return None
    if multiprocessing.parent_process() is None:
        return None
    flushed = threading.Event()

    def work() -> None:
        try:
            flush(int(listener.options["flush"] * 1000))
        finally:
            flushed.set()

    threading.Thread(target=work, name="vcon-otel-flush", daemon=True).start()
    return flushed


# --- who waits for a fact ------------------------------------------------------------------------------------------

_GIVE_UP_AFTER = 3  # calls in a row that failed
_PROBE_EVERY = 5.0  # seconds
_MOST_WAITING = 256
_MAX_WAIT = 300  # seconds, of the receiver


class _Waiter:
    """A call of `run` that waits until the sender is rid of its fact."""

    def __init__(self, deadline: float, retries: int) -> None:
        self.deadline = deadline
        self.attempts = 0
        self.retries = retries
        self.event = threading.Event()
        self.problem = ""
        self.record: str | None = None

    def accept(self, record: str) -> None:
        self.record = record
        self.event.set()

    def not_taken(self, problem: str, retry_at: float) -> None:
        self.attempts += 1
        if self.attempts > self.retries or retry_at >= self.deadline:
            self.fail(f"vcon-otel did not take the record ({problem}, attempts: {self.attempts})")

    def fail(self, problem: str) -> None:
        self.problem = self.problem or problem
        self.event.set()


class _Waiting:
    """
    Calls of `run` that wait, each until one deadline: for the sender, then, with `wait: delivered`, for the receiver's word.
    After some failures in a row calls are refused at once, but for one now and then that tries.
    """

    def __init__(self) -> None:
        self.failed = 0
        self.probe_at = 0.0
        self.helpers = _Helpers()

    def wait_for(self, fact: dict[str, Any], facts: _Facts, options: dict[str, Any]) -> None:
        now = time.monotonic()
        deadline = now + options["timeout"]
        if self.failed >= _GIVE_UP_AFTER and now < self.probe_at:
            facts.add(fact)
            raise ForwardingError(f"vcon-otel failed {self.failed} calls in a row and is asked only now and then")
        self.probe_at = now + _PROBE_EVERY
        waiter = fact["waiter"] = _Waiter(deadline, options["retries"])
        try:
            if not facts.add(fact):
                raise ForwardingError("the queue of facts is full")
            self.until(waiter, deadline)
            if options["wait"] == "delivered":
                self.delivered(str(waiter.record), options, deadline)
        except ForwardingError:
            self.failed += 1
            raise
        self.failed = 0

    def until(self, waiter: _Waiter, deadline: float) -> None:
        waiter.event.wait(max(0.0, deadline - time.monotonic()))
        if waiter.record is None:
            raise ForwardingError(waiter.problem or "vcon-otel did not take the record in time (TimeoutError)")

    def delivered(self, record: str, options: dict[str, Any], deadline: float) -> None:
        """Sends the fact once more, which the receiver recognises, to be answered when its tracers have it."""
        attempt = 0
        while True:
            attempt += 1
            pause = random.uniform(0.02, 0.1 * 2 ** min(attempt, 4))
            try:
                # In seconds, as the receiver is asked: it, too, is to know until when.
                left = min(max(1, int(deadline - time.monotonic())), _MAX_WAIT)
                query = f"wait=delivered&timeout={left}"
                post = functools.partial(_Http.post, body=record, deadline=deadline, query=query)
                self.helpers.ask(options, functools.partial(_Http, options), post, deadline)
                return
            except _Refused as refused:
                raise ForwardingError(f"vcon-otel refused the record ({refused.what})") from None
            except _NotTaken as error:
                problem, pause = error.what, max(pause, error.retry_after)
            except OSError as error:
                problem = _kind(error)
            if attempt > options["retries"] or time.monotonic() + pause >= deadline:
                raise ForwardingError(f"vcon-otel did not deliver the record ({problem}, attempts: {attempt})")
            time.sleep(pause)


class _Helpers:
    """
    Threads for calls that have a deadline, each with a connection of its own: only another thread can be left at a deadline,
    whatever it is in (a name that does not resolve, an answer that comes byte by byte).
    """

    def __init__(self) -> None:
        self.idle: deque[_Helper] = deque()
        self.count = 0

    def ask(
        self, options: dict[str, Any], connect: Callable[[], Any], use: Callable[[Any], Any], deadline: float
    ) -> Any:
        """What `use` makes of a connection, which is kept for these options. @raise what it raises, or TimeoutError"""
        answer: SimpleQueue[tuple[Any, Exception | None]] = SimpleQueue()
        self.helper().jobs.put((options, connect, use, answer))
        try:
            found, problem = answer.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise TimeoutError from None
        if problem is not None:
            raise problem
        return found

    def helper(self) -> _Helper:
        try:
            return self.idle.pop()
        except IndexError:
            pass
        if self.count >= _MOST_WAITING:
            raise ForwardingError("too many calls wait")
        self.count += 1
        return _Helper(self.idle)


class _Helper:
    def __init__(self, idle: deque[_Helper]) -> None:
        self.idle = idle
        self.jobs: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self.options: Any = None
        self.connection: Any = None
        threading.Thread(target=self.work, name="vcon-otel-helper", daemon=True).start()

    def work(self) -> None:
        while True:
            self.do(*self.jobs.get())
            # Only now: an earlier caller may have given this one up.
            self.idle.append(self)

    def do(
        self, options: Any, connect: Callable[[], Any], use: Callable[[Any], Any], answer: SimpleQueue[Any]
    ) -> None:
        try:
            if self.options is not options:
                self.options, self.connection = options, connect()
            answer.put((use(self.connection), None))
        except Exception as error:
            answer.put((None, error.with_traceback(None)))


# --- connections ---------------------------------------------------------------------------------------------------


class _NotTaken(Exception):
    """Not now: to be sent again, not before so many seconds."""

    def __init__(self, what: str, retry_after: float = 0.0) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after = retry_after


class _Refused(_NotTaken):
    """Not at all."""

    def __init__(self, what: str, is_of_the_body: bool) -> None:
        super().__init__(what, 1.0)
        self.is_of_the_body = is_of_the_body


class _Channel:
    """A connection on which every operation has a true deadline, however slowly the other side answers."""

    def __init__(self, address: tuple[str, int] | str, tls: ssl.SSLContext | None, deadline: float) -> None:
        self.buffer = bytearray()
        self.socket = _connect(address, deadline)
        if tls is not None:
            self.socket.settimeout(_left(deadline))
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])

    def send(self, data: bytes, deadline: float) -> None:
        self.socket.settimeout(_left(deadline))
        self.socket.sendall(data)

    def line(self, deadline: float, limit: int = 64 * 1024) -> bytes:
        """Up to the next CRLF, without it."""
        while (end := self.buffer.find(b"\r\n")) < 0:
            if len(self.buffer) > limit:
                raise ConnectionError
            self.more(deadline)
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return line

    def take(self, count: int, deadline: float) -> bytes:
        while len(self.buffer) < count:
            self.more(deadline)
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def more(self, deadline: float) -> None:
        self.socket.settimeout(_left(deadline))
        received = self.socket.recv(256 * 1024)
        if not received:
            raise ConnectionResetError
        self.buffer += received

    def close(self) -> None:
        try:
            self.socket.close()
        except OSError:
            pass


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect(address: tuple[str, int] | str, deadline: float) -> socket.socket:
    if isinstance(address, str):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        places: list[Any] = [(connection, address)]
    else:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
        places = [(socket.socket(family, kind, protocol), place) for family, kind, protocol, _, place in found]
    problem: OSError = ConnectionRefusedError()
    for at, (connection, place) in enumerate(places):
        try:
            connection.settimeout(_left(deadline))
            connection.connect(place)
            if not isinstance(address, str):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for other, _ in places[at + 1 :]:
                other.close()
            return connection
        except OSError as error:
            connection.close()
            problem = error
    raise problem


# --- HTTP ----------------------------------------------------------------------------------------------------------

_MAX_ANSWER = 64 * 1024
_MAX_HEADERS = 100
_MAY_PASS = frozenset((408, 425, 429))
_OF_THE_BODY = frozenset((400, 413, 415, 422))
_STALE = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class _Http:
    """Posts facts, over one connection that is kept."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.url = urlsplit(options["url"])
        self.channel: _Channel | None = None
        self.problem = _NotTaken("")
        self.rejected: Collection[int] = ()
        """Places in the list that was sent last of facts that the receiver could not read."""

    def send(self, records: list[str], deadline: float) -> int:
        self.rejected = _rejected(self.post(f"[{','.join(records)}]", deadline, ""))
        return len(records)

    def post(self, body: str, deadline: float, query: str) -> bytes:
        """@raise _NotTaken, _Refused or OSError"""
        status, retry_after, answer = self.exchange(self.request(body.encode(), query), deadline)
        if 200 <= status < 300:
            return answer
        if status >= 500 or status in _MAY_PASS:
            raise _NotTaken(f"status {status}", retry_after)
        raise _Refused(f"status {status}", status in _OF_THE_BODY)

    def request(self, body: bytes, query: str) -> bytes:
        url, token = self.url, self.options["token"] or os.environ.get("VCON_OTEL_TOKEN", "")
        target = "&".join(part for part in (url.query, query) if part)
        lines = [
            f"POST {url.path or '/'}{'?' if target else ''}{target} HTTP/1.1",
            f"Host: {url.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"User-Agent: vcon-otel-forwarder/{VERSION}",
        ]
        if token and _is_header(token):
            lines.append(f"Authorization: Bearer {token}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def exchange(self, request: bytes, deadline: float) -> tuple[int, float, bytes]:
        kept = self.channel is not None
        try:
            return self.once(request, deadline)
        except _STALE:
            # The receiver had closed a kept connection, perhaps after it took the facts: it recognises a repeat.
            if not kept:
                raise
        return self.once(request, deadline)

    def once(self, request: bytes, deadline: float) -> tuple[int, float, bytes]:
        try:
            if self.channel is None:
                self.channel = self.open(deadline)
            self.channel.send(request, deadline)
            return self.answer(self.channel, deadline)
        except BaseException:
            self.close()
            raise

    def open(self, deadline: float) -> _Channel:
        is_tls = self.url.scheme == "https"
        port = self.url.port or (443 if is_tls else 80)
        return _Channel((str(self.url.hostname), port), ssl.create_default_context() if is_tls else None, deadline)

    def answer(self, channel: _Channel, deadline: float) -> tuple[int, float, bytes]:
        status, body = 100, b""
        while 100 <= status < 200:
            protocol, _, rest = channel.line(deadline).partition(b" ")
            if not protocol.startswith(b"HTTP/1.") or not rest[:3].isdigit():
                raise _NotTaken("BadStatusLine")
            status, headers = int(rest[:3]), {}
            while header := channel.line(deadline):
                name, _, value = header.partition(b":")
                headers[name.strip().lower()] = value.strip()
                if len(headers) > _MAX_HEADERS:
                    raise _NotTaken("too many headers")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) <= _MAX_ANSWER:
            body = channel.take(int(length), deadline)
            if b"close" in headers.get(b"connection", b"").lower() or protocol == b"HTTP/1.0":
                self.close()
        elif status != 204:
            self.close()
        return status, _seconds(headers.get(b"retry-after")), body

    def close(self) -> None:
        channel, self.channel = self.channel, None
        if channel is not None:
            channel.close()


def _rejected(answer: bytes) -> Collection[int]:
    """What vcon-otel says of a list that it has taken but for some."""
    try:
        found = json.loads(answer)["rejected"]
        return {one["index"] for one in found if isinstance(one["index"], int)}
    except (ValueError, TypeError, KeyError, LookupError):
        return ()


def _seconds(retry_after: bytes | None) -> float:
    if retry_after is None:
        return 0.0
    text = retry_after.decode("latin-1")
    try:
        return float(int(text))
    except (ValueError, OverflowError):
        pass
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return math.inf if text.isdigit() else 0.0


# --- Redis ---------------------------------------------------------------------------------------------------------

_REDIS_MODULES = ("redis_mgr", "common.redis_mgr", "server.redis_mgr")


class _RedisError(Exception):
    """An error that Redis answered with: its first word."""


class _Redis:
    """
    Adds facts to a stream. Not by the server's client: its pool has a lock that the server's own threads wait for, and its
    instrumentation would make spans of what is sent here.
    """

    def __init__(self, options: dict[str, Any], url: str) -> None:
        self.options = options
        self.url = url
        self.channel: _Channel | None = None
        self.problem: Exception = _RedisError()
        self.rejected: Collection[int] = ()
        limit = ["MAXLEN", "~", options["maxlen"]] if options["maxlen"] else []
        self.command = ["XADD", options["stream"], *limit, "*", "record"]

    def send(self, records: list[str], deadline: float) -> int:
        """How many were accepted, the rest being stopped by `problem`."""
        answers = self.ask([[*self.command, record] for record in records], deadline)
        wrong = next((at for at, answer in enumerate(answers) if isinstance(answer, _RedisError)), None)
        if wrong is None:
            return len(records)
        self.problem = _NotTaken(str(answers[wrong]))
        self.close()
        return wrong

    def ask(self, commands: list[list[Any]], deadline: float) -> list[Any]:
        try:
            if self.channel is None:
                self.channel = _redis_channel(_redis_settings(self.url), deadline)
            self.channel.send(b"".join(_packed(command) for command in commands), deadline)
            return [_reply(self.channel, deadline) for _ in commands]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        channel, self.channel = self.channel, None
        if channel is not None:
            channel.close()


def _packed(command: list[Any]) -> bytes:
    parts = [part if isinstance(part, bytes) else str(part).encode(errors="replace") for part in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _reply(channel: _Channel, deadline: float) -> Any:
    line = channel.line(deadline)
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        return _RedisError(rest.split(b" ")[0].decode(errors="replace")[:40])
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else channel.take(int(rest) + 2, deadline)[:-2]
    if kind == b"*":
        return [_reply(channel, deadline) for _ in range(int(rest))]
    return rest


def _redis_channel(settings: dict[str, Any], deadline: float) -> _Channel:
    tls = _redis_tls(settings) if settings.get("tls") else None
    address = settings.get("path") or (settings.get("host") or "localhost", int(settings.get("port") or 6379))
    channel = _Channel(address, tls, deadline)
    user, password, database = settings.get("username"), settings.get("password"), settings.get("db")
    greeting = []
    if password:
        greeting.append(["AUTH", *([user] if user else []), password])
    if database and str(database) != "0":
        greeting.append(["SELECT", database])
    channel.send(b"".join(_packed(command) for command in greeting), deadline)
    for answer in [_reply(channel, deadline) for _ in greeting]:
        if isinstance(answer, _RedisError):
            channel.close()
            raise _NotTaken(str(answer))
    return channel


def _redis_settings(url: str) -> dict[str, Any]:
    """Where Redis is: as `redis_url` says, else as the server's own client has it."""
    if url:
        return _redis_url(url)
    pool = _server_client().connection_pool
    settings = dict(pool.connection_kwargs)
    provider = settings.get("credential_provider")
    if provider is not None:
        user, *password = provider.get_credentials()
        settings["username"], settings["password"] = (user, *password) if password else (None, user)
    kinds = getattr(getattr(pool, "connection_class", None), "__mro__", ())
    settings["tls"] = any(kind.__name__ == "SSLConnection" for kind in kinds)
    return settings


def _redis_url(text: str) -> dict[str, Any]:
    url = urlsplit(text)
    settings: dict[str, Any] = dict(parse_qsl(url.query))
    settings["tls"] = url.scheme == "rediss"
    settings["username"], settings["password"] = unquote(url.username or ""), unquote(url.password or "")
    if url.scheme == "unix":
        return {**settings, "path": unquote(url.path)}
    database = url.path.strip("/")
    return {**settings, "host": url.hostname, "port": url.port, "db": database or settings.get("db")}


def _redis_tls(settings: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.get("ssl_ca_certs"), capath=settings.get("ssl_ca_path"))
    certificates = str(settings.get("ssl_cert_reqs", "required"))
    if certificates in ("none", "None", "optional", "0", "CERT_NONE", "CERT_OPTIONAL", "1"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_OPTIONAL if "optional" in certificates.lower() else ssl.CERT_NONE
    else:
        # redis-py 4 does not look at the name unless it is told to, later ones do.
        context.check_hostname = str(settings.get("ssl_check_hostname", False)) in ("True", "true", "1")
    if settings.get("ssl_certfile"):
        context.load_cert_chain(
            settings["ssl_certfile"], settings.get("ssl_keyfile"), settings.get("ssl_password")
        )
    return context


def _server_client() -> Any:
    """The server's own client. Its module has had more than one place."""
    for name in _REDIS_MODULES:
        module = sys.modules.get(name)
        if module is not None:
            return module.get_client() if hasattr(module, "get_client") else module.redis
    raise LookupError("no redis_mgr")


# --- the document's hash -------------------------------------------------------------------------------------------

class _Text:
    """A document that waits to be hashed."""

    __slots__ = ("reader", "text")

    def __init__(self, reader: _Reader, text: bytes) -> None:
        self.reader = reader
        self.text = text

    def hash(self) -> str:
        self.release()
        return hashlib.sha256(self.text).hexdigest()

    def release(self) -> None:
        with self.reader.lock:
            self.reader.held -= len(self.text)


_READ_WITHIN = 0.5  # seconds
_HASH_IN_LINE = 64 * 1024  # bytes; what is larger is hashed by the sender
_MAX_HELD = 64 * 1024 * 1024


class _Reader:
    """
    Reads a document at the moment of a call: later it may be another. Not at all for some seconds where Redis does not answer
    in time.
    """

    def __init__(self, trouble: _Trouble) -> None:
        self.trouble = trouble
        self.helpers = _Helpers()
        self.lock = threading.Lock()
        self.held = 0
        self.failed = 0
        self.probe_at = 0.0

    def hash_into(self, fact: dict[str, Any], vcon: Any, options: dict[str, Any]) -> None:
        if not _is_text(vcon) or len(vcon) > _MAX_NAME:
            return
        now = time.monotonic()
        if self.failed >= _GIVE_UP_AFTER and now < self.probe_at:
            self.trouble.note("hashes", TimeoutError())
            return
        self.probe_at = now + _PROBE_EVERY
        try:
            limit, deadline = options["max_hash_bytes"], now + _READ_WITHIN
            # Documents are in the server's Redis, wherever facts go.
            connection = functools.partial(_Redis, options, "")
            read = functools.partial(self.text, f"vcon:{vcon}", limit, deadline=deadline)
            text = self.helpers.ask(options, connection, read, deadline)
        except Exception as error:
            self.failed += 1
            self.trouble.note("hashes", error)
            return
        self.failed = 0
        if text is None or len(text) > options["max_hash_bytes"]:
            return
        if len(text) <= _HASH_IN_LINE:
            fact["sha256"] = hashlib.sha256(text).hexdigest()
        elif self.hold(len(text)):
            fact["text"] = _Text(self, text)

    def hold(self, size: int) -> bool:
        with self.lock:
            if self.held + size > _MAX_HELD:
                return False
            self.held += size
            return True

    def text(self, key: str, limit: int, redis: _Redis, deadline: float) -> bytes | None:
        kind, length = redis.ask([["TYPE", key], ["STRLEN", key]], deadline)
        if kind == b"none" or (kind == b"string" and length > limit):
            return None
        if kind not in (b"string", b"ReJSON-RL"):
            raise TypeError("neither a string nor RedisJSON")
        (text,) = redis.ask([["GET" if kind == b"string" else "JSON.GET", key]], deadline)
        if isinstance(text, _RedisError):
            raise text
        return text


# --- trouble -------------------------------------------------------------------------------------------------------

_LOG_EVERY = 60.0
_logger = logging.getLogger("vcon_otel")
_MESSAGES = {
    "records": "facts not sent, to be sent again where they can be",
    "facts": "facts not made",
    "lost": "times that facts were left when the process ended",
    "hashes": "documents not hashed",
    "extras": "extras that are not as expected and are left alone from now on",
    "sending": "turns of the sender that failed",
    "options": "calls with options that are not valid, in whose place the defaults stand",
}


class _Trouble:
    """Counts, and logs at most once a minute how often something went wrong, and the kind of the last error."""

    def __init__(self, failures: Counter[str]) -> None:
        self.failures = failures
        self.start_afresh()

    def start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._unlogged: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._notes: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._quiet_until = -math.inf
        self.failures.clear()

    def note(self, what: str, error: BaseException) -> None:
        """From anywhere, also from where the collector may be at work: logged later, by the sender."""
        if self._notes.qsize() < 1_000:
            self._notes.put((what, _kind(error)))

    def log_notes(self) -> None:
        while not self._notes.empty():
            what, reason = self._notes.get()
            self.report(what, reason)
        self.over()

    def count(self, what: str) -> None:
        with self._lock:
            self.failures[what] += 1

    def report(self, what: str, reason: str) -> None:
        self.count(what)
        with self._lock:
            self._unlogged[what] += 1
            self._reasons[what] = reason
        self._log()

    def over(self) -> None:
        """What is not logged yet need not wait for the next failure."""
        if self._unlogged:
            self._log()

    def _log(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._quiet_until or not self._unlogged:
                return
            self._quiet_until = now + _LOG_EVERY
            lines = [(_MESSAGES[what], count, self._reasons[what]) for what, count in self._unlogged.items()]
            self._unlogged.clear()
        for line in lines:
            _logger.warning("%s: %d (last: %s)", *line)


def _kind(error: BaseException) -> str:
    return type(error).__name__


# --- the process ---------------------------------------------------------------------------------------------------


def _the_listener() -> _Listener:
    """This process's one listener, whatever name, or second name, this file was loaded under."""
    shared = sys.modules.setdefault("_vcon_otel", types.ModuleType("_vcon_otel"))
    found = getattr(shared, "listener", None)
    if found is not None:
        return found
    shared.listener = listener = _Listener()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: listener.safely(listener.start_afresh))
    # Loaded anywhere but in the server there is nothing to hear, and no sender to start, before the first call.
    if listener.by_imports or "hook" in sys.modules:
        listener.safely(listener.attach)
    return listener


_listener: _Listener | None
try:
    _listener = _the_listener()
except Exception:
    # A module that raises here ends the server's worker.
    _listener = getattr(sys.modules.get("_vcon_otel"), "listener", None)
failures: Counter[str] = Counter() if _listener is None else _listener.failures
"""What went wrong in this process, by kind."""
