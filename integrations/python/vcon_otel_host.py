"""Hosts one tracer module of the conserver's documented interface for vcon-otel. Standard library only, Python 3.8 or newer.

    python3 vcon_otel_host.py MODULE PATH...            calls come on descriptor 3, answers go to descriptor 4
    python3 vcon_otel_host.py --describe MODULE PATH... only says what the module has, on descriptor 4

Calls and answers are lines of JSON. A call is [id, "trace", [uuid, event], opts] or [id, "run", [in, out, name, links, index], opts]; an answer
is {"id", "false"?: true, "error"?: {"type", "permanent"?, "retry_after"?}}. Besides, a line {"log": level, "count"} tells that the module
has logged: never what. Texts of errors and log lines stay here, since they may quote a conversation.
"""

import importlib
import inspect
import json
import logging
import os
import queue
import sys
import threading

THREADS = 16
PID = os.getpid()


def main():
    describe = sys.argv[1] == "--describe"
    name, *paths = sys.argv[2 if describe else 1:]
    sys.path[:0] = paths
    answers = os.fdopen(4, "wb", buffering=0)
    tell = Teller(answers)
    try:
        module = importlib.import_module(name)
        trace, run = getattr(module, "trace", None), getattr(module, "run", None)
        defaults = getattr(module, "default_options", None) or {}
    except BaseException as error:  # a module may even exit
        tell({"failed": type_of(error), "missing": getattr(error, "name", None)})
        leave(1)
    tell({"trace": callable(trace), "run": callable(run)})
    if describe:
        leave(0)
    logging.getLogger().addHandler(Counting(tell))
    serve({"trace": trace, "run": run}, defaults, tell)


def leave(code):
    """At once: what the module has left running is nobody's business."""
    sys.stdout.flush()
    os._exit(code)


def serve(functions, defaults, tell):
    work = queue.SimpleQueue()
    threads = [threading.Thread(target=answer, args=(work, functions, defaults, tell)) for _ in range(THREADS)]
    for thread in threads:
        thread.daemon = True
        thread.start()
    # The end of the input is the end of the work; what the module still has in threads of its own is waited for by the interpreter.
    with os.fdopen(3, "rb") as calls:
        for line in calls:
            work.put(json.loads(line))
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()


def answer(work, functions, defaults, tell):
    while True:
        call = work.get()
        if call is None:
            return
        number, kind, args, opts = call
        said = {"id": number}
        try:
            result = functions[kind](*args, {**defaults, **opts})
            if inspect.isawaitable(result):
                import asyncio

                result = asyncio.run(settle(result))
            if result is False and kind == "run":
                said["false"] = True
        except BaseException as error:  # SystemExit, too, ends a call and no more
            said["error"] = describe_error(error)
        # A child that the module has forked must not go on with its parent's work.
        if os.getpid() != PID:
            os._exit(0)
        tell(said)


async def settle(awaitable):
    return await awaitable


def describe_error(error):
    said = {"type": type_of(error)}
    if getattr(error, "permanent", False) is True:
        said["permanent"] = True
    retry_after = getattr(error, "retry_after", None)
    if isinstance(retry_after, (int, float)) and not isinstance(retry_after, bool):
        said["retry_after"] = retry_after
    return said


def type_of(error):
    """As OpenTelemetry writes it: `pkg.Class`, and without the package for what is built in."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__


class Teller:
    """Writes whole lines, from any thread."""

    def __init__(self, out):
        self.out = out
        self.lock = threading.Lock()

    def __call__(self, said):
        line = json.dumps(said).encode() + b"\n"
        with self.lock:
            try:
                while line:
                    line = line[self.out.write(line):]
            except OSError:
                os._exit(0)  # nobody listens any more


class Counting(logging.Handler):
    """Tells that something was logged at a level, and not what."""

    def __init__(self, tell):
        super().__init__(logging.INFO)
        self.tell = tell

    def emit(self, record):
        self.tell({"log": "error" if record.levelno >= 40 else "warn" if record.levelno >= 30 else "info"})


if __name__ == "__main__":
    main()
