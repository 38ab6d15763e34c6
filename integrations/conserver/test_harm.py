"""
Tests that nothing of ours, whatever goes wrong in it, changes what the server does: errors in any line, the collector at
any moment, a Redis that is gone, slow or frozen, a queue that is full.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import os
import re
import socket
import subprocess
import sys
import threading
import time
import types
import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import vcon_otel
from stand_ins import FOLDER, HAS_SDK, RedisServer, ServerCase, boom, facts_in, free_port, redis_mgr, wait_for

FILE = vcon_otel.__file__


def passages(server: Any) -> list[Any]:
    """Every situation there is, and everything that the server, its links and its queues did in them."""
    seen: list[Any] = []
    server.VconQueue.lists.clear()
    noted = {name: noting(seen, name, act) for name, act in server.config["links"].items() if act is not None}
    stored = {name: noting(seen, name, act) for name, act in server.config["storages"].items()}
    with mock.patch.dict(server.config, links={**noted, "missing": None}, storages=stored):
        for number, (links, more) in enumerate(SITUATIONS):
            server.config["chains"]["main"] = {"links": links, **more}
            try:
                server.passage("main", f"v{number}")
                seen.append("returned")
            except BaseException as error:
                seen.append(repr(error))
    return [seen, {name: list(values) for name, values in server.VconQueue.lists.items()}]


SITUATIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["a", "new", "b"], {"storages": ["s1"], "egress_lists": ["out"]}),
    (["a", "halt", "b"], {"storages": ["s1"]}),
    (["a", "boom"], {}),
    (["missing"], {}),
    (["a", "exit"], {}),
    ([], {"storages": ["bad"]}),
    (["true"], {"storages": ["s1"]}),
]


def noting(seen: list[Any], name: str, act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def step(vcon: Any) -> Any:
        seen.append((name, vcon))
        return act(vcon)

    return step


def lines_that_do_something() -> list[int]:
    """
    All lines in functions of ours, but for those of which an error would not be ours: the call of what was there before,
    and the few that only hand over to a guard.
    """
    source = Path(FILE).read_text()
    bare = {"safely", "tell", "called", "run", "on_start", "on_end", *AROUND}
    found: set[int] = set()
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            inside = {child.lineno for part in node.body for child in ast.walk(part) if isinstance(child, ast.stmt)}
            found, left_out = found | inside, left_out | (inside if node.name in bare else set())
    found -= left_out
    lines = source.splitlines()
    return sorted(line for line in found if lines[line - 1].strip() not in ("try:", "pass", "finally:", "return None"))


AROUND = ("before_processing", "after_processing", "after_link", "push", "save")


class Injected(Exception):
    pass


@contextlib.contextmanager
def error_at(line: int, hits: Counter[int]) -> Iterator[None]:
    """The first time that this line of our file is about to run on this thread, it raises instead."""

    def in_frame(frame: types.FrameType, event: str, _: Any) -> Any:
        if event == "line" and frame.f_lineno == line and not hits[line]:
            hits[line] += 1
            sys.settrace(None)
            raise Injected
        return in_frame

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        return in_frame if frame.f_code.co_filename == FILE else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


class AnErrorInAnyLine(ServerCase):
    KINDS = ("heard", "none")

    def test_changes_nothing(self) -> None:
        hits: Counter[int] = Counter()
        for spans in self.KINDS:
            self.serve(spans)
            expected = passages(self.server)
            for line in lines_that_do_something():
                if hits[line] and spans != self.KINDS[0]:
                    continue
                with self.subTest(line=line):
                    with error_at(line, hits):
                        seen = passages(self.server)
                    self.assertEqual(seen, expected)
        # The lines in line; those of the sender run on another thread.
        self.assertGreater(len(hits), 150)

    def test_of_the_first_moment_changes_nothing(self) -> None:
        hits: Counter[int] = Counter()
        expected = passages(self.server)
        for line in lines_that_do_something():
            with error_at(line, hits):
                self.attach_anew()
            if hits[line]:
                with self.subTest(line=line):
                    self.assertEqual(passages(self.server), expected)
        self.assertGreater(len(hits), 40)

    def attach_anew(self) -> None:
        """As when the file is loaded, but for the module's own statements."""
        self.end_listener()
        shared = types.ModuleType("_vcon_otel")
        with mock.patch.dict(sys.modules, {"_vcon_otel": shared, "__main__": self.server, "hook": self.server.hook}):
            for name in ("before_processing", "after_processing"):
                hook = getattr(self.server.hook, name)
                setattr(self.server.hook, name, getattr(hook, "__wrapped__", hook))
            with contextlib.suppress(Injected):
                # The module guards this call.
                vcon_otel._the_listener()
            vcon_otel._listener = getattr(shared, "listener", None)

    def test_of_the_sender_costs_no_fact(self) -> None:
        sender = vcon_otel._listener.sender
        original, calls = sender.take, Counter()

        def failing() -> None:
            calls["take"] += 1
            if calls["take"] % 2:
                raise Injected
            original()

        with mock.patch.object(sender, "take", failing):
            self.passage(["a"])
            wait_for(lambda: calls["take"] > 3)
        self.assertEqual([fact["kind"] for fact in self.facts()].count("run_end"), 1)

    def test_in_making_a_fact_is_told_in_its_place(self) -> None:
        with mock.patch.object(vcon_otel._Facts, "span_started", side_effect=Injected):
            self.assertEqual(self.told("a"), "B gap T-1 L T0 -l0 -c= E")
        self.failures(facts=2)
        (gap,) = self.facts("gap")
        self.assertEqual((gap["reason"], gap["dropped"], gap["run"]), ("not made", 2, 1))

    def test_in_the_last_fact_of_a_run_is_told_before_the_next_run(self) -> None:
        with mock.patch.object(vcon_otel._Listener, "run_ended", side_effect=Injected):
            self.passage(["a"])
        self.assertEqual(self.told("a"), "gap B +c +l0 T-1 L T0 -l0 -c= E")

    def test_in_encoding_a_fact_is_told_in_its_place(self) -> None:
        wire = vcon_otel._wire

        def fails(fact: dict[str, Any]) -> str:
            if fact["kind"] == "after_link":
                raise Injected
            return wire(fact)

        with mock.patch.object(vcon_otel, "_wire", fails):
            self.assertEqual(self.told("a"), "B +c +l0 T-1 gap T0 -l0 -c= E")
        (gap,) = self.facts("gap")
        self.assertEqual((gap["reason"], gap["dropped"], gap["run"]), ("not encoded", 1, 1))


class TheCollector(ServerCase):
    RUNS = int(os.environ.get("VCON_OTEL_TEST_RUNS", "10000"))

    def test_may_run_at_any_moment_of_many_runs(self) -> None:
        """Failing chains leave spans to it, which it ends wherever it is called, from other threads above all."""
        self.serve(heal=False)
        stop = threading.Event()
        collectors = [threading.Thread(target=self.collect, args=(stop,)) for _ in range(2)]
        for collector in collectors:
            collector.start()
        links = (["a"], ["boom"], ["a", "halt"])
        try:
            for number in range(self.RUNS):
                self.server.config["chains"]["main"] = {"links": links[number % 3]}
                self.server.passage("main", f"v{number}")
        finally:
            stop.set()
            for collector in collectors:
                collector.join()
        self.sent(120)
        kinds = Counter(fact["kind"] for fact in self.facts())
        dropped = sum(fact["dropped"] for fact in self.facts("gap"))
        self.assertEqual((kinds["run_start"], kinds["run_end"], dropped), (self.RUNS, self.RUNS, 0))

    @staticmethod
    def collect(stop: threading.Event) -> None:
        while not stop.wait(0.02):
            gc.collect()

    def test_hangs_a_worker_whose_processor_takes_a_lock(self) -> None:
        """The reason why ours takes none: the same server, with the naive way of doing it, stands still for ever."""
        for processor, expected in (("naive", "hangs"), ("ours", "goes on")):
            script = HANG.replace("PROCESSOR", processor)
            command = [sys.executable, "-c", script, str(FOLDER)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=15 if processor == "naive" else 60)
                said = "goes on" if done.returncode == 0 else done.stderr
            except subprocess.TimeoutExpired:
                said = "hangs"
            self.assertEqual(said, expected, processor)


HANG = """
import gc, os, sys, threading, types
sys.path.insert(0, sys.argv[1])
import stand_ins, vcon_otel

class Naive:
    '''Facts are appended under a lock.'''
    def __init__(self):
        self.lock, self.facts = threading.Lock(), []
    def add(self, span):
        with self.lock:
            fact = {"name": span.name, "links": [[] for _ in range(50)]}
            self.facts.append(fact)
    def on_start(self, span, parent_context=None):
        self.add(span)
    def on_end(self, span):
        self.add(span)
    _on_ending = shutdown = force_flush = lambda self, *_: True

class Ours:
    def __init__(self):
        self.facts = vcon_otel._Facts(10**9)
        self.facts.open = True
    def on_start(self, span, parent_context=None):
        self.facts.span_started(span)
    def on_end(self, span):
        self.facts.span_ended(span)
    _on_ending = shutdown = force_flush = lambda self, *_: True

provider = stand_ins.use_provider("heard")
provider.add_span_processor(Naive() if "PROCESSOR" == "naive" else Ours())
from opentelemetry import trace
tracer = trace.get_tracer("x")

class Request:
    '''What the server makes of a chain that fails: in a circle, with an open span.'''
    def __init__(self):
        self.circle = self
        self.manager = tracer.start_as_current_span("vcon_processing.main", attributes={"vcon_id": "v", "chain_name": "main"})
        self.manager.__enter__()

gc.set_threshold(20)
for _ in range(3000):
    Request()
print("done")
os._exit(0)
"""


KINDS = ("run_start", "span_start", "span_end", "after_link", "tracer", "run_end")


class Hanging:
    """Takes connections and says nothing, or one byte now and then."""

    def __init__(self, drips: bool) -> None:
        self.drips, self.open = drips, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.open.append(connection)
                if self.drips:
                    threading.Thread(target=self.drip, args=(connection,), daemon=True).start()

    @staticmethod
    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"+")
                time.sleep(0.2)

    def close(self) -> None:
        self.listener.close()
        for connection in self.open:
            connection.close()


class RedisInTrouble(ServerCase):
    """Nothing in line waits for it."""

    def take_no_longer(self, port: int, then: Callable[[], None] = lambda: None) -> None:
        with redis_mgr(port):
            self.serve()
            self.passage(["a", "b"], storages=["s1"])
            started = time.thread_time()
            began = time.monotonic()
            for number in range(200):
                self.passage(["a", "b"], f"v{number}", storages=["s1"])
            took, busy = time.monotonic() - began, time.thread_time() - started
            then()
        # A Redis that is waited for takes seconds: the rest is for a busy machine.
        self.assertLess(took, busy + 3)

    def test_that_is_well_is_not_waited_for(self) -> None:
        self.take_no_longer(self.redis.port)

    def test_that_is_gone(self) -> None:
        log = self.log()
        self.take_no_longer(free_port(), lambda: wait_for(lambda: vcon_otel._listener.failures["records"] > 2))
        self.assertLessEqual(len(log), 2, "one of this server's sender, and perhaps one of that before it")

    def test_that_hangs_or_answers_byte_by_byte(self) -> None:
        for drips in (False, True):
            hanging = Hanging(drips)
            self.addCleanup(hanging.close)
            self.take_no_longer(hanging.port)

    def test_that_is_frozen_for_a_while_hears_everything_later(self) -> None:
        with redis_mgr(self.redis.port):
            self.serve()
            self.passage(["a"])
            self.sent()
            self.redis._process.send_signal(19)
            try:
                began = time.monotonic()
                for number in range(50):
                    self.passage(["a"], f"v{number}")
                self.assertLess(time.monotonic() - began, 3)
            finally:
                self.redis._process.send_signal(18)
            facts = self.facts()
            numbers = [fact["seq"] for fact in facts_in(self.client, kinds=("attach", "tested", *KINDS))]
        self.assertEqual(len([fact for fact in facts if fact["kind"] == "run_end"]), 51)
        self.assertEqual(sorted(set(numbers)), list(range(1, max(numbers) + 1)))

    def test_that_is_out_of_memory_then_well_again_hears_everything(self) -> None:
        self.client.execute_command("CONFIG", "SET", "maxmemory", "1")
        self.client.execute_command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        try:
            self.serve()
            self.passage(["a"])
            wait_for(lambda: vcon_otel._listener.failures["records"] > 0)
            self.assertEqual(vcon_otel._listener.sender.problem, "OOM")
        finally:
            self.client.execute_command("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(len(self.facts("run_end")), 1)

    def test_that_comes_back_hears_everything_once(self) -> None:
        server = RedisServer()
        with redis_mgr(server.port):
            self.serve()
            self.passage(["a"])
            self.sent()
            server.stop()
            self.passage(["b"])
            wait_for(lambda: vcon_otel._listener.failures["records"] > 0)
            with mock.patch("stand_ins.free_port", lambda: server.port):
                again = RedisServer()
            self.addCleanup(again.stop)
            self.passage(["c"])
            self.sent(20)
            self.client = type(self.client)(again.port)
            told = [fact["link"] for fact in self.facts("after_link")]
        self.assertEqual(told, ["b", "c"])

    def test_is_logged_once_a_minute_with_a_count(self) -> None:
        log, now, trouble = self.log(), 1000.0, vcon_otel._Trouble(Counter())
        with mock.patch.object(vcon_otel.time, "monotonic", lambda: now):
            for now in (1000.0, 1001.0, 1059.0, 1061.0, 1062.0):
                trouble.report("records", "ConnectionRefusedError")
        said = "facts not sent, to be sent again where they can be: {} (last: ConnectionRefusedError)".format
        self.assertEqual(log, [said(1), said(3)])
        with mock.patch.object(vcon_otel.time, "monotonic", lambda: 1200.0):
            trouble.over()
        self.assertEqual(log[2:], [said(1)])

    def test_without_a_server_s_module_is_counted(self) -> None:
        with mock.patch.dict(sys.modules, {name: None for name in vcon_otel._REDIS_MODULES}):
            self.serve()
            self.passage(["a"])
            wait_for(lambda: vcon_otel._listener.failures["records"] > 0)
            self.assertEqual(vcon_otel._listener.sender.problem, "LookupError")

    def test_and_a_full_queue_cost_facts_and_nothing_else(self) -> None:
        with redis_mgr(free_port()):
            self.serve(queue=100)
            expected = passages(self.server)
            for _ in range(20):
                self.assertEqual(passages(self.server), expected)
            facts = vcon_otel._listener.facts
            self.assertLessEqual(facts.queue.qsize() + facts.unsent, 110)
            self.assertGreater(facts.dropped, 500)


class WhatIsPassedOn(unittest.TestCase):
    def test_no_line_of_the_file_imports_what_python_does_not_bring(self) -> None:
        source = Path(FILE).read_text()
        found = {match for match in re.findall(r"^\s*(?:from|import) (\w+)", source, re.MULTILINE)}
        self.assertLessEqual(found - {"opentelemetry", "__future__"}, set(sys.stdlib_module_names))

    def test_the_stand_ins_are_of_use(self) -> None:
        self.assertRaises(ValueError, boom, "v")
        self.assertIn(HAS_SDK, (True, False))


if __name__ == "__main__":
    unittest.main()
