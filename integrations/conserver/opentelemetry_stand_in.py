"""
As much of OpenTelemetry for Python as the vCon server and vcon_otel.py use, for tests where it is not installed. What
matters is as in the real one: a span's context manager is a generator, so that the collector ends what was left open, on
whatever thread it runs; and a span's dictionaries and lists are guarded by locks that are not re-entrant.
"""

from __future__ import annotations

import contextlib
import contextvars
import enum
import importlib
import importlib.util
import itertools
import os
import random
import sys
import threading
import time
import types
from collections import deque
from typing import Any

_current: contextvars.ContextVar[Any] = contextvars.ContextVar("current", default=None)


class StatusCode(enum.Enum):
    UNSET = 0
    OK = 1
    ERROR = 2


class Status:
    def __init__(self, status_code: StatusCode = StatusCode.UNSET, description: str | None = None) -> None:
        self.status_code = status_code
        self.description = description


class SpanContext:
    def __init__(self, trace_id: int, span_id: int, trace_flags: int) -> None:
        self.trace_id, self.span_id, self.trace_flags = trace_id, span_id, trace_flags
        self.is_valid = trace_id != 0 and span_id != 0


class NoSpan:
    """What is current where there is none, or where a sampler left it out."""

    name = ""
    parent = None

    def __init__(self, context: SpanContext | None = None) -> None:
        self._context = context or SpanContext(0, 0, 0)

    def get_span_context(self) -> SpanContext:
        return self._context

    def is_recording(self) -> bool:
        return False

    def set_attribute(self, *_: Any) -> None:
        pass

    set_status = record_exception = set_attribute

    def end(self) -> None:
        pass


class Attributes(dict):
    @property
    def _dict(self) -> dict:
        return self


class Events:
    def __init__(self) -> None:
        self._dq: deque = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._dq)

    def __getitem__(self, at: int) -> Any:
        return self._dq[at]

    def __iter__(self) -> Any:
        with self._lock:
            return iter(deque(self._dq))

    def append(self, event: Any) -> None:
        with self._lock:
            self._dq.append(event)


class Span:
    def __init__(self, provider: TracerProvider, name: str, parent: Any, attributes: dict[str, Any]) -> None:
        trace_id = parent.trace_id if parent is not None else random.getrandbits(128)
        self.name, self.parent = name, parent
        self.context = SpanContext(trace_id, random.getrandbits(64), 1)
        self._attributes = Attributes(attributes)
        self._events = Events()
        self._lock = threading.Lock()
        self._provider = provider
        self.status = Status()
        self.start_time, self.end_time = time.time_ns(), None

    @property
    def attributes(self) -> dict[str, Any]:
        return self._attributes

    @property
    def events(self) -> tuple:
        return tuple(self._events)

    def get_span_context(self) -> SpanContext:
        return self.context

    def is_recording(self) -> bool:
        return self.end_time is None

    def set_attribute(self, key: str, value: Any) -> None:
        with self._lock:
            if self.end_time is None:
                self._attributes[key] = value

    def set_status(self, status: Any, description: str | None = None) -> None:
        with self._lock:
            if self.end_time is None and self.status.status_code is not StatusCode.OK:
                self.status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(self, error: BaseException) -> None:
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        with self._lock:
            if self.end_time is None:
                attributes = {"exception.type": name, "exception.message": str(error)}
                self._events.append(types.SimpleNamespace(name="exception", attributes=attributes))

    def end(self) -> None:
        with self._lock:
            if self.end_time is not None:
                return
            self.end_time = time.time_ns()
        for processor in self._provider.processors:
            processor.on_end(self)


class SpanProcessor:
    def on_start(self, span: Any, parent_context: Any = None) -> None:
        pass

    def on_end(self, span: Any) -> None:
        pass


class TracerProvider:
    def __init__(self, sampler: Any = None, shutdown_on_exit: bool = True) -> None:
        self.processors: tuple[Any, ...] = ()
        self.flushed = 0

    def add_span_processor(self, processor: Any) -> None:
        self.processors += (processor,)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.flushed += 1
        return True

    def start(self, name: str, attributes: dict[str, Any]) -> Any:
        current = _current.get()
        context = None if current is None else current.get_span_context()
        span = Span(self, name, context if context is not None and context.is_valid else None, attributes)
        for processor in self.processors:
            processor.on_start(span, parent_context=None)
        return span


class ProxyTracerProvider:
    def start(self, name: str, attributes: dict[str, Any]) -> Any:
        return NoSpan()


class SamplesNothing(TracerProvider):
    def start(self, name: str, attributes: dict[str, Any]) -> Any:
        return NoSpan(SpanContext(random.getrandbits(128), random.getrandbits(64), 0))


_provider: Any = ProxyTracerProvider()


class Tracer:
    @contextlib.contextmanager
    def start_as_current_span(self, name: str, links: Any = None, attributes: dict[str, Any] | None = None) -> Any:
        span = _provider.start(name, attributes or {})
        token = _current.set(span)
        try:
            yield span
        except Exception as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            raise
        finally:
            # As in the real one: a failure to reset, on another thread, is of no consequence.
            with contextlib.suppress(ValueError):
                _current.reset(token)
            span.end()


def get_tracer_provider() -> Any:
    return _provider


def set_tracer_provider(provider: Any) -> None:
    global _provider
    _provider = provider


def install() -> None:
    """Under the names of the real one."""
    trace = _module("opentelemetry.trace", StatusCode=StatusCode, Status=Status)
    trace.get_tracer = lambda *_: Tracer()
    trace.get_current_span = lambda: _current.get() or NoSpan()
    trace.get_tracer_provider, trace.set_tracer_provider = get_tracer_provider, set_tracer_provider
    context = _module("opentelemetry.context", Context=dict, attach=lambda _: _current.set(None))
    sampling = _module("opentelemetry.sdk.trace.sampling", ALWAYS_ON=object())
    sdk_trace = _module("opentelemetry.sdk.trace", SpanProcessor=SpanProcessor, TracerProvider=TracerProvider)
    sdk_trace.sampling = sampling
    _module("opentelemetry.sdk", trace=sdk_trace)
    _module("opentelemetry", trace=trace, context=context, sdk=sys.modules["opentelemetry.sdk"])


def _module(name: str, **members: Any) -> types.ModuleType:
    module = sys.modules[name] = types.ModuleType(name)
    vars(module).update(members)
    return module


def after_fork() -> None:
    random.seed(os.getpid() ^ next(_forks))


_forks = itertools.count(time.time_ns())
os.register_at_fork(after_in_child=after_fork)


def use_provider(spans: str) -> Any:
    """Makes a new TracerProvider the server's, of the real SDK where there is one."""
    if not HAS_SDK:
        kinds = {"heard": "TracerProvider", "sampled out": "SamplesNothing", "none": "ProxyTracerProvider"}
        provider = globals()[kinds[spans]]()
        set_tracer_provider(provider)
        return provider
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider, sampling
    except ImportError:
        return None

    sampler = sampling.ALWAYS_OFF if spans == "sampled out" else sampling.ALWAYS_ON
    trace._TRACER_PROVIDER = None if spans == "none" else TracerProvider(sampler=sampler, shutdown_on_exit=False)
    trace._TRACER_PROVIDER_SET_ONCE._done = spans != "none"
    return trace._TRACER_PROVIDER or trace.get_tracer_provider()


HAS_SDK = importlib.util.find_spec("opentelemetry") is not None
if HAS_SDK:
    # As the server does before anything else.
    importlib.import_module("opentelemetry.trace")
else:
    install()
