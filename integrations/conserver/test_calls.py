"""
Tests of what a call of the tracer becomes, and of options: `python3 -m unittest` in this folder. No package is needed;
OpenTelemetry's SDK is used where it is installed.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
import types
import unittest
from collections import Counter
from typing import Any
from unittest import mock

from stand_ins import (
    FOLDER,
    LINKS,
    WHO,
    Case,
    Client,
    N,
    RedisCase,
    RedisJsonServer,
    V,
    call,
    facts_in,
    http,
    quiet,
    redis_mgr,
)

import vcon_otel

COMMON = {"v", "kind", "host", "pid", "boot", "seq", "ts", "thread"}
CALL = COMMON | {"tracer", "in", "out", "links", "index"}


class TheFact(RedisCase):
    def test_says_of_a_call_what_the_server_passed(self) -> None:
        before = time.time_ns()
        self.assertIs(call(N, V, 1), True)
        (fact,) = self.calls()
        self.assertEqual(set(fact), CALL)
        expected = {"v": 2, "kind": "tracer", "tracer": "vcon_otel", "in": N, "out": V, "links": LINKS, "index": 1}
        self.assertEqual({key: fact[key] for key in expected}, expected)
        self.assertEqual((fact["host"], fact["pid"]), (socket.gethostname(), os.getpid()))
        self.assertTrue(before <= int(fact["ts"]) <= time.time_ns())
        self.assertEqual((fact["seq"], fact["thread"]), (2, threading.get_ident()))

    def test_comes_after_one_that_says_who_listens(self) -> None:
        call()
        attach, fact = self.facts()
        self.assertEqual((attach["kind"], attach["seq"], attach["by"]), ("attach", 1, "tracers"))
        self.assertEqual(attach["boot"], fact["boot"])
        self.assertEqual(attach["hooks"], {"before_processing": False, "after_processing": False, "after_link": False})

    def test_is_made_for_every_kind_of_call(self) -> None:
        calls = [(V, V, -1), (V, V, 0), (N, V, 1), (True, V, 0), (V, True, 1), (True, True, 1), (7, V, 0)]
        for after, before, index in calls:
            self.assertTrue(call(after, before, index))
        self.assertEqual([(f["in"], f["out"], f["index"]) for f in self.calls()], calls)
        self.assertIs(self.calls()[3]["in"], True)

    def test_never_holds_a_document_that_a_link_returned(self) -> None:
        for returned in ({"parties": [{"name": WHO}]}, [WHO], json.dumps({"subject": WHO * 50}), object(), float("nan"), None):
            self.assertTrue(call(returned, V))
        self.assertEqual([fact.get("in") for fact in self.calls()], [None] * 6)

    def test_names_links_as_text_and_takes_a_host(self) -> None:
        self.listener({"tracers": {"t": {"module": "vcon_otel", "options": {"host": "conserver-1"}}}})
        self.assertTrue(call(links=["a", 1], opts={"host": "conserver-1"}))
        self.assertTrue(call(links=None, index=-1, opts={"host": "conserver-1"}))
        first, second = self.calls()
        self.assertEqual((first["links"], first["host"]), (["a", "1"], "conserver-1"))
        self.assertNotIn("links", second)

    def test_goes_to_the_stream_of_the_options_which_is_cut_at_about_maxlen(self) -> None:
        for _ in range(500):
            self.assertTrue(call(opts={"stream": "other", "maxlen": 100}))
        self.assertLess(len(self.calls("other")), 300)
        self.assertEqual(self.calls("other")[-1]["seq"], 501)
        for _ in range(300):
            self.assertTrue(call(opts={"stream": "uncut", "maxlen": 0}))
        self.assertEqual(len(self.calls("uncut")), 300)

    def test_goes_to_whatever_place_the_server_has_its_client_in(self) -> None:
        for name in ("common.redis_mgr", "server.redis_mgr"):
            with mock.patch.dict(sys.modules):
                del sys.modules["redis_mgr"]
                with redis_mgr(self.redis.port, name):
                    self.listener()
                    call()
                    self.sent()
        with mock.patch.dict(sys.modules):
            del sys.modules["redis_mgr"].get_client
            self.listener()
            call()
            self.sent()
        self.assertEqual(len(facts_in(self.client, kinds=("tracer",))), 3)

    def test_goes_to_a_redis_of_its_own(self) -> None:
        self.client.execute_command("CONFIG", "SET", "requirepass", "s3cret word")
        try:
            with mock.patch.dict(sys.modules, {"redis_mgr": None}):
                call(opts={"redis_url": f"redis://default:s3cret%20word@127.0.0.1:{self.redis.port}/2"})
                self.sent()
            self.client.execute_command("AUTH", "s3cret word")
        finally:
            self.client.execute_command("CONFIG", "SET", "requirepass", "")
        self.client.execute_command("SELECT", 2)
        self.assertEqual(len(facts_in(self.client, kinds=("tracer",))), 1)

    def test_needs_no_options_at_all(self) -> None:
        self.assertTrue(vcon_otel.run(V, V, "vcon_otel", LINKS, 0, {}))
        self.assertTrue(vcon_otel.run(V, V, "vcon_otel", LINKS, 0, None))
        self.assertTrue(vcon_otel.run(V, V, "vcon_otel", LINKS, 0))
        self.assertTrue(call(opts=dict(vcon_otel.default_options)))
        self.assertEqual(len(self.calls()), 4)

    def test_is_told_once_though_two_entries_name_the_file(self) -> None:
        for name in ("first", "second"):
            self.assertTrue(vcon_otel.run(V, V, name, LINKS, 0, {}))
        self.assertEqual([fact["tracer"] for fact in self.calls()], ["first"])
        with self.assertRaises(vcon_otel.ForwardingError):
            vcon_otel.run(V, V, "second", LINKS, 0, http("http://127.0.0.1:1", wait="durable"))

    def test_has_the_old_name_too(self) -> None:
        script = "import vcon_otel_forwarder as old, vcon_otel as new; print(old.run is new.run, old.failures is new.failures)"
        for path in (str(FOLDER), "/"):
            load = f"import sys; sys.path.insert(0, {path!r}); "
            if path == "/":
                load += "import importlib.util as u; s = u.spec_from_file_location('vcon_otel_forwarder', "
                load += f"{str(FOLDER / 'vcon_otel_forwarder.py')!r}); m = u.module_from_spec(s); s.loader.exec_module(m); "
                load += "sys.modules['vcon_otel_forwarder'] = m; "
            done = subprocess.run([sys.executable, "-c", load + script], capture_output=True, text=True, cwd="/", timeout=60)
            self.assertEqual(done.stdout, "True True\n", done.stderr)


class TheSequence(RedisCase):
    def test_has_no_gap_and_no_repeat_over_threads(self) -> None:
        threads = [threading.Thread(target=self.call_500_times, args=(f"{i}",)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        facts = self.calls()
        self.assertEqual([fact["seq"] for fact in facts], list(range(2, 10_002)))
        for name in {fact["out"] for fact in facts}:
            own = [fact["index"] for fact in facts if fact["out"] == name]
            self.assertEqual(own, list(range(500)))

    def call_500_times(self, name: str) -> None:
        for number in range(500):
            assert call(V, name, number)

    def test_is_of_another_boot_in_another_process_with_the_same_id(self) -> None:
        call()
        self.sent()
        self.listener()
        call()
        first, second = self.calls()
        self.assertEqual((first["pid"], first["seq"]), (second["pid"], second["seq"]))
        self.assertGreater(int(second["boot"]), int(first["boot"]))

    def test_is_a_child_s_own_after_a_fork_among_busy_threads(self) -> None:
        stop = threading.Event()
        threads = [threading.Thread(target=self.call_until, args=(stop,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        children = [self.fork() for _ in range(10)]
        for child in children:
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        stop.set()
        for thread in threads:
            thread.join()
        facts = self.facts()
        self.assertEqual({fact["pid"] for fact in facts}, {os.getpid(), *children})
        for pid in children:
            own = [fact for fact in facts if fact["pid"] == pid]
            self.assertEqual([fact["seq"] for fact in own], list(range(1, len(own) + 1)))
            self.assertEqual(Counter(fact["kind"] for fact in own)["tracer"], 20)

    def call_until(self, stop: threading.Event) -> None:
        while not stop.wait(0.001):
            call()

    def fork(self) -> int:
        with quiet():
            pid = os.fork()
        if pid == 0:
            vcon_otel._listener.start_afresh()
            done = all([call() for _ in range(20)])
            self.sent()
            os._exit(0 if done else 1)
        return pid

    def test_is_a_child_s_own_after_a_fork_that_python_was_not_told_of(self) -> None:
        call()
        self.sent()
        with mock.patch.object(os, "getpid", lambda: 4_000_000):
            call()
        self.assertEqual([fact["pid"] for fact in self.calls()], [os.getpid(), 4_000_000])

    def test_is_a_spawned_process_s_own(self) -> None:
        context = multiprocessing.get_context("spawn")
        children = [context.Process(target=call_in_a_process, args=(self.redis.port,)) for _ in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            self.assertEqual(child.exitcode, 0)
        pids = Counter(fact["pid"] for fact in facts_in(self.client, kinds=("tracer",)))
        self.assertEqual(pids, {child.pid: 10 for child in children})


def call_in_a_process(port: int) -> None:
    """Ends at once: what was called is sent all the same."""
    sys.modules["redis_mgr"] = types.ModuleType("redis_mgr")
    pool = types.SimpleNamespace(connection_kwargs={"host": "127.0.0.1", "port": port})
    sys.modules["redis_mgr"].redis = types.SimpleNamespace(connection_pool=pool)
    sys.exit(0 if all([call() for _ in range(10)]) else 1)


class TheHash(RedisCase):
    TEXT = json.dumps({"uuid": V, "subject": "Grüße ✓"}, ensure_ascii=False)

    def hash_for(self, after: Any = V, **options: Any) -> str | None:
        self.assertTrue(call(after, V, 0, options))
        return self.calls()[-1].get("sha256")

    def test_is_that_of_the_text_that_is_stored(self) -> None:
        for text in (self.TEXT, json.dumps({"uuid": V}), "{}", "not JSON"):
            self.client.execute_command("SET", f"vcon:{V}", text)
            self.assertEqual(self.hash_for(), hashlib.sha256(text.encode()).hexdigest())

    def test_is_that_of_the_vcon_the_chain_goes_on_with(self) -> None:
        self.client.execute_command("SET", f"vcon:{N}", self.TEXT)
        self.assertEqual(self.hash_for(N), hashlib.sha256(self.TEXT.encode()).hexdigest())
        self.assertIsNone(self.hash_for(V))

    def test_is_that_of_this_moment_though_it_is_made_later(self) -> None:
        for size in (100, 3_000_000):
            self.client.execute_command("SET", f"vcon:{V}", "x" * size)
            self.assertTrue(call())
            self.client.execute_command("SET", f"vcon:{V}", "y" * size)
            self.assertEqual(self.calls()[-1]["sha256"], hashlib.sha256(b"x" * size).hexdigest())
        self.assertEqual(vcon_otel._listener.reader.held, 0)

    def test_is_left_out_for_what_is_missing_too_large_or_no_uuid(self) -> None:
        self.assertIsNone(self.hash_for())
        self.client.execute_command("SET", f"vcon:{V}", self.TEXT)
        self.assertIsNone(self.hash_for(hash_document=False))
        size = len(self.TEXT.encode())
        self.assertIsNone(self.hash_for(max_hash_bytes=size - 1))
        self.assertIsNotNone(self.hash_for(max_hash_bytes=size))
        for value in (True, None, "", "x" * 300):
            self.assertIsNone(self.hash_for(value))
        self.failures()

    def test_is_not_asked_for_by_default_where_the_file_is_imported(self) -> None:
        self.client.execute_command("SET", f"vcon:{V}", self.TEXT)
        self.assertIsNotNone(self.hash_for())
        self.listener({"imports": {"x": {"module": "vcon_otel"}}})
        self.assertIsNone(self.hash_for())
        self.assertIsNotNone(self.hash_for(hash_document=True))

    def test_of_a_huge_document_is_not_made_and_the_document_not_read(self) -> None:
        self.client.execute_command("SETRANGE", f"vcon:{V}", 5 * 1024 * 1024, "x")
        self.client.execute_command("CONFIG", "RESETSTAT")
        self.assertIsNone(self.hash_for())
        self.assertNotIn("cmdstat_get:", self.client.execute_command("INFO", "commandstats"))
        self.failures()

    def test_that_cannot_be_made_is_counted_and_the_fact_goes_without(self) -> None:
        log = self.log()
        self.client.execute_command("RPUSH", f"vcon:{V}", WHO)
        self.assertIsNone(self.hash_for())
        self.failures(hashes=1)
        self.assertEqual(log, ["documents not hashed: 1 (last: TypeError)"])


    def test_of_a_document_that_found_the_queue_full_makes_room_for_others(self) -> None:
        self.client.execute_command("SET", f"vcon:{V}", "x" * 100_000)
        self.assertTrue(call())
        with mock.patch.object(vcon_otel._listener.facts, "limit", 0):
            self.assertFalse(any(call() for _ in range(10)))
        self.calls()
        self.assertEqual(vcon_otel._listener.reader.held, 0)

    def test_of_many_threads_leaves_nothing_held(self) -> None:
        self.client.execute_command("SET", f"vcon:{V}", "x" * 100_000)
        threads = [threading.Thread(target=lambda: [call() for _ in range(30)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.calls()), 240)
        self.assertEqual(vcon_otel._listener.reader.held, 0)

    def test_is_not_waited_for_where_the_name_of_redis_does_not_resolve(self) -> None:
        def never(*_: Any, **__: Any) -> Any:
            release.wait(30)
            raise OSError

        release = threading.Event()
        self.addCleanup(release.set)
        call()
        self.calls()
        self.listener()
        with mock.patch.object(vcon_otel.socket, "getaddrinfo", never):
            before = time.monotonic()
            for _ in range(10):
                self.assertTrue(call())
            self.assertLess(time.monotonic() - before, 3 * vcon_otel._READ_WITHIN + 1)


class TheHashOfRedisJson(Case):
    def test_is_that_of_the_text_redis_answers_with(self) -> None:
        text = '{"uuid":"1","subject":"Grüße ✓","pi":3.10}'
        for document, limit in ((text, 1000), (text, 10), (None, 1000)):
            with self.subTest(document=document, limit=limit):
                server = RedisJsonServer(document)
                self.addCleanup(server.server_close)
                self.addCleanup(server.shutdown)
                self.listener()
                with redis_mgr(server.port):
                    self.assertTrue(call(opts={"max_hash_bytes": limit}))
                    self.sent()
                expected = hashlib.sha256(text.encode()).hexdigest() if document and limit == 1000 else None
                facts = [fact for fact in map(json.loads, server.records) if fact["kind"] == "tracer"]
                self.assertEqual(facts[-1].get("sha256"), expected)
                self.failures()


class FakeSpan:
    def __init__(self, name: str, trace_id: int, span_id: int, parent: Any = None, **attributes: Any) -> None:
        self.name = name
        self.context = types.SimpleNamespace(trace_id=trace_id, span_id=span_id, is_valid=trace_id != 0, trace_flags=1)
        self.parent = parent
        self.attributes = attributes

    def get_span_context(self) -> Any:
        return self.context


class TheSpanContext(RedisCase):
    KEYS = {"trace", "span", "parent", "chain", "sampled"}

    def context(self, current: Any) -> dict[str, Any]:
        find = current if callable(current) else lambda: current
        with mock.patch("opentelemetry.trace.get_current_span", find):
            self.assertIs(call(), True)
        self.failures()
        return {key: value for key, value in self.calls()[-1].items() if key in self.KEYS}

    def test_is_that_of_the_link_s_span_and_its_parent(self) -> None:
        chain = FakeSpan("vcon_processing.main", 0xAB, 0x0C)
        link = FakeSpan("link.transcribe", 0xAB, 0x0D, chain.context, chain_name="main", link_index=0)
        expected = {"trace": f"{0xAB:032x}", "span": f"{0x0D:016x}", "parent": f"{0x0C:016x}", "chain": "main"}
        self.assertEqual(self.context(link), expected)
        link.context.trace_flags = 0
        self.assertEqual(self.context(link), {**expected, "sampled": False})

    def test_does_not_take_a_failed_run_s_chain_span_for_this_run_s(self) -> None:
        earlier = FakeSpan("vcon_processing.other", 1, 1)
        failed = FakeSpan("vcon_processing.main", 1, 2, earlier.context, chain_name="main")
        self.assertEqual(self.context(failed), {})

    def test_has_no_parent_where_the_link_s_span_has_none(self) -> None:
        expected = {"trace": f"{1:032x}", "span": f"{2:016x}", "chain": "main"}
        self.assertEqual(self.context(FakeSpan("link.a", 1, 2, None, chain_name="main")), expected)

    def test_is_missing_without_a_valid_span_or_without_open_telemetry(self) -> None:
        self.assertEqual(self.context(FakeSpan("", 0, 0)), {})
        with mock.patch.dict(sys.modules, {"opentelemetry": None, "opentelemetry.trace": None}):
            self.listener()
            self.assertTrue(call())
            self.assertEqual(set(self.calls()[-1]), CALL)

    def test_that_cannot_be_read_is_no_failure(self) -> None:
        def broken() -> Any:
            raise RuntimeError(WHO)

        self.assertEqual(self.context(broken), {})
        odd = FakeSpan("link.a", 1, 2)
        odd.attributes = ["chain_name"]
        self.assertEqual(self.context(odd), {})


class Options(RedisCase):
    def test_of_any_kind_never_make_redis_mode_raise(self) -> None:
        odd = [None, [], "redis", 7, True, {1: 2}, {"": None}, {"unknown": object()}, {"mode": None}]
        values = [None, "", "x", -1, 0, 1.5, float("nan"), True, [], {}, object(), b"x", 10**400, "a\r\nb", "\ud800"]
        odd += [{name: value} for name in vcon_otel.default_options if name != "mode" for value in values]
        for opts in odd:
            with self.subTest(opts=repr(opts)[:60]):
                self.assertIn(call(opts=opts), (True, False))

    def test_of_no_use_are_replaced_by_their_defaults_and_told(self) -> None:
        log = self.log()
        self.assertIs(call(opts={"stream": 7, "maxlen": "many", "strem": WHO}), True)
        self.assertEqual(len(self.calls()), 1)
        self.assertEqual(len(log), 1)
        self.assertRegex(log[0], r"options that are not valid.*: 1 \(last: stream, maxlen, the key strem\)")

    def test_of_the_server_are_none_of_the_forwarder_s_business(self) -> None:
        self.assertIs(call(opts={"dlq_vcon_on_error": True}), True)
        self.failures()

    def test_with_a_mode_that_is_none_or_faults_over_http_raise(self) -> None:
        for opts in (
            {"mode": "htpp"},
            {"mode": ["http"]},
            http("http://127.0.0.1:1", wait="deliverd"),
            http("http://127.0.0.1:1", wiat="delivered"),
            http("http://127.0.0.1:1", timeout="5s"),
            http("http://127.0.0.1:1", token=f"{WHO}\r\n"),
            http(f"ftp://{WHO}"),
            http("http://user:secret@127.0.0.1:1/"),
            http("http://127.0.0.1:99999/"),
        ):
            with self.subTest(opts=opts), self.assertRaises(vcon_otel.ForwardingError) as raised:
                call(opts=opts)
            self.assertNotIn(WHO, str(raised.exception))
            self.assertNotIn("secret", str(raised.exception))
        self.assertEqual(vcon_otel._listener.failures["options"], 9)

    def test_wait_by_itself_only_where_the_server_is_to_fail_closed(self) -> None:
        waits = lambda **opts: vcon_otel._read_options(opts)[0]["wait"]  # noqa: E731
        self.assertEqual(waits(mode="http"), "none")
        self.assertEqual(waits(mode="http", dlq_vcon_on_error=True), "durable")
        self.assertEqual(waits(mode="http", dlq_vcon_on_error=True, wait="none"), "none")
        self.assertEqual(waits(mode="http", wait="delivered"), "delivered")

    def test_stand_in_either_section_of_the_server_s_file(self) -> None:
        for section in ("imports", "tracers"):
            for name in ("vcon_otel", "vcon_otel_forwarder", "custom.vcon_otel"):
                entry = {"module": name, "options": {"stream": "there"}}
                listener = self.listener({section: {"x": entry, "y": "other"}, "tracers" if section == "imports" else "imports": None})
                self.assertEqual(listener.options["stream"], "there")
                self.assertEqual(listener.by_imports, section == "imports")


class HostileArguments(RedisCase):
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError(WHO)

        def __bool__(self) -> bool:
            raise RuntimeError(WHO)

        def __eq__(self, other: object) -> bool:
            raise RuntimeError(WHO)

    def test_never_make_redis_mode_raise(self) -> None:
        log, odd = self.log(), self.Unspeakable()
        for arguments in [
            (odd, V, "t", LINKS, 0, {}),
            (V, odd, "t", LINKS, 0, {}),
            (V, V, odd, LINKS, 0, {}),
            (V, V, "t", [odd], 0, {}),
            (V, V, "t", odd, 0, {}),
            (V, V, "t", LINKS, odd, {}),
            (V, V, "t", LINKS, "one", {}),
            (V, V, "t", LINKS, 0, odd),
            ("\ud800", "\ud800", "t", LINKS, 0, {}),
        ]:
            self.listener()
            self.assertIn(vcon_otel.run(*arguments), (True, False))
            self.sent()
        self.assertNotIn(WHO, "".join(log))
        self.assertTrue(Client(self.redis.port).execute_command("PING"))


if __name__ == "__main__":
    unittest.main()
