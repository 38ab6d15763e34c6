"""
Tests of vcon_otel_forwarder: `python3 -m unittest` in this folder. No package is needed; redis-py, where it is installed,
is tested as well. With VCON_OTEL_BRIDGE_URL or VCON_OTEL_REDIS_URL set, records also go to a real vcon-otel.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parent))

import vcon_otel_forwarder as forwarder

try:
    import redis as redis_py
except ImportError:
    redis_py = None

LOGGER = logging.getLogger("vcon_otel_forwarder")
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False

STREAM = "vcon-otel:events"
LINKS = ["transcribe", "analyze"]
V = "05cec3d4-0561-4010-9fb8-23cc7edef146"
N = "71c4d3b2-0561-4010-9fb8-23cc7edef146"
REQUIRED = {"v", "kind", "tracer", "in", "out", "links", "index", "ts", "worker", "seq"}
WHO = "Alice +15551234567"


# --- stand-ins for what is outside ---------------------------------------------------------------------------------


class RespError(Exception):
    pass


class Client:
    """The little of redis-py's `Redis(decode_responses=True)` that the forwarder uses."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()

    def execute_command(self, *args: Any) -> Any:
        answer = self.send([args])[0]
        if isinstance(answer, RespError):
            raise answer
        return answer

    def xadd(self, name: str, fields: dict, maxlen: int | None = None, approximate: bool = True) -> str:
        limit = [] if maxlen is None else ["MAXLEN", "~" if approximate else "=", maxlen]
        return self.execute_command("XADD", name, *limit, "*", *[part for pair in fields.items() for part in pair])

    def get(self, name: str) -> str | None:
        return self.execute_command("GET", name)

    def pipeline(self, transaction: bool = True) -> Pipeline:
        assert not transaction
        return Pipeline(self)

    def send(self, commands: list[tuple]) -> list[Any]:
        stream = self._stream()
        try:
            for command in commands:
                parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
                stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            stream.flush()
            return [self._read(stream) for _ in commands]
        except OSError:
            del self._local.stream
            raise

    def _stream(self) -> Any:
        if getattr(self._local, "pid", None) != os.getpid() or not hasattr(self._local, "stream"):
            with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
                self._local.stream = connection.makefile("rwb")
            self._local.pid = os.getpid()
        return self._local.stream

    def _read(self, stream: Any) -> Any:
        line = stream.readline()
        if not line:
            raise ConnectionResetError
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2].decode()
        return [self._read(stream) for _ in range(int(rest))]


class Pipeline:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._commands: list[tuple] = []

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def type(self, name: str) -> None:
        self._commands.append(("TYPE", name))

    def strlen(self, name: str) -> None:
        self._commands.append(("STRLEN", name))

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        assert not raise_on_error
        return self._client.send(self._commands)


class RedisServer:
    """A real redis-server on a free port."""

    def __init__(self, *settings: str) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *settings],
            stdout=subprocess.DEVNULL,
            cwd="/tmp",
        )
        wait_for(lambda: listens(self.port))

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class RedisJsonServer(socketserver.ThreadingTCPServer):
    """As much of a Redis with the module RedisJSON as the forwarder, and redis-py, see of it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, document: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _RedisJsonConnection)
        self.document = document
        self.records: list[str] = []
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _RedisJsonConnection(socketserver.StreamRequestHandler):
    server: RedisJsonServer

    def handle(self) -> None:
        while line := self.rfile.readline():
            parts = []
            for _ in range(int(line[1:])):
                length = int(self.rfile.readline()[1:])
                parts.append(self.rfile.read(length + 2)[:-2].decode())
            self.wfile.write(self._answer(parts))

    def _answer(self, parts: list[str]) -> bytes:
        document = self.server.document
        match parts[0].upper():
            case "TYPE":
                return b"+ReJSON-RL\r\n" if document else b"+none\r\n"
            case "STRLEN":
                return b"-WRONGTYPE not a string\r\n" if document else b":0\r\n"
            case "JSON.GET":
                return b"$%d\r\n%s\r\n" % (len(document.encode()), document.encode()) if document else b"$-1\r\n"
            case "XADD":
                self.server.records.append(parts[-1])
                return b"$3\r\n1-1\r\n"
            case "HELLO":
                return b"%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n"
            case _:
                return b"+OK\r\n"


class Receiver(ThreadingHTTPServer):
    """Records what is posted and answers with the statuses it was told to, then with 200."""

    daemon_threads = True

    def __init__(self, *answers: int | tuple[int, dict] | Callable) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.answers = list(answers)
        self.requests: list[types.SimpleNamespace] = []
        self.connections = 0
        self.kept: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/bridge"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.close_kept()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what is tested."""

    def close_kept(self) -> None:
        for connection in self.kept:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Post(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.server.kept.append(self.connection)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(types.SimpleNamespace(path=self.path, headers=self.headers, record=json.loads(body)))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if callable(answer):
            answer(self)
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def hang_up(handler: _Post) -> None:
    handler.close_connection = True


class FakeSpan:
    def __init__(self, name: str, trace_id: int, span_id: int, parent: Any = None, **attributes: Any) -> None:
        self.name = name
        self.context = types.SimpleNamespace(trace_id=trace_id, span_id=span_id, is_valid=trace_id != 0, trace_flags=1)
        self.parent = parent
        self.attributes = attributes

    def get_span_context(self) -> Any:
        return self.context


@contextlib.contextmanager
def open_telemetry(current: Any) -> Iterator[None]:
    """An `opentelemetry` package whose current span is this one, or what this function does."""
    package, trace = types.ModuleType("opentelemetry"), types.ModuleType("opentelemetry.trace")
    trace.get_current_span = current if callable(current) else lambda: current
    package.trace = trace
    with (
        mock.patch.dict(sys.modules, {"opentelemetry": package, "opentelemetry.trace": trace}),
        mock.patch.object(forwarder, "_current_span", forwarder._NOT_LOOKED_FOR),
    ):
        yield


@contextlib.contextmanager
def redis_mgr(client: Any, name: str = "redis_mgr") -> Iterator[None]:
    """The server's module, answering with this client."""
    module = types.ModuleType(name)
    module.redis = client
    module.get_client = lambda: client
    modules = {name: module}
    if "." in name:
        modules[name.split(".")[0]] = types.ModuleType(name.split(".")[0])
    with mock.patch.dict(sys.modules, modules):
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Python warns of a fork in a process with threads: that is what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def run(in_uuid: Any = V, out_uuid: Any = V, index: Any = 0, opts: Any = None, links: Any = LINKS) -> bool:
    return forwarder.run(in_uuid, out_uuid, "vcon_otel", links, index, opts)


def http(url: str, **options: Any) -> dict[str, Any]:
    return {"mode": "http", "url": url, "hash_document": False, **options}


class Case(unittest.TestCase):
    def setUp(self) -> None:
        forwarder.failures.clear()
        # Kept connections are closed with their threads, which Python takes for an oversight.
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore", ResourceWarning)
        self.enterContext(mock.patch.object(forwarder, "_trouble", forwarder._Trouble()))
        self.enterContext(mock.patch.object(forwarder, "_local", threading.local()))

    def log(self) -> list[str]:
        """What is logged from now on to the end of the test, as it grows."""
        lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda entry: lines.append(entry.getMessage())
        LOGGER.addHandler(handler)
        self.addCleanup(LOGGER.removeHandler, handler)
        return lines


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class RedisCase(Case):
    redis: RedisServer

    @classmethod
    def setUpClass(cls) -> None:
        cls.redis = RedisServer()
        cls.addClassCleanup(cls.redis.stop)

    def setUp(self) -> None:
        super().setUp()
        self.client = Client(self.redis.port)
        self.client.execute_command("FLUSHALL")
        self.enterContext(redis_mgr(self.client))

    def records(self, stream: str = STREAM) -> list[dict[str, Any]]:
        entries = self.client.execute_command("XRANGE", stream, "-", "+")
        return [json.loads(dict(zip(fields[::2], fields[1::2]))["record"]) for _, fields in entries]


# --- the record ----------------------------------------------------------------------------------------------------


class TheRecord(RedisCase):
    def test_says_of_a_call_what_the_server_passed(self) -> None:
        before = time.time_ns()
        self.assertIs(run(N, V, 1), True)
        (record,) = self.records()
        self.assertEqual(set(record), REQUIRED)
        expected = {"v": 1, "kind": "run", "tracer": "vcon_otel", "in": N, "out": V, "links": LINKS, "index": 1}
        self.assertEqual({key: record[key] for key in expected}, expected)
        self.assertEqual(record["worker"], {"host": socket.gethostname(), "pid": os.getpid()})
        self.assertIsInstance(record["ts"], str)
        self.assertTrue(before <= int(record["ts"]) <= time.time_ns())
        self.assertLess(record["seq"], 2**53)

    def test_is_made_for_every_kind_of_call(self) -> None:
        calls = [(V, V, -1), (V, V, 0), (N, V, 1), (True, V, 0), (V, True, 1), (True, True, 1), (None, V, 0), (7, V, 0)]
        for before, after, index in calls:
            self.assertTrue(run(before, after, index))
        self.assertEqual([(r["in"], r["out"], r["index"]) for r in self.records()], calls)
        self.assertIs(self.records()[3]["in"], True)

    def test_never_holds_a_document_that_a_link_returned(self) -> None:
        for returned in ({"parties": [{"name": WHO}]}, [WHO], json.dumps({"subject": WHO * 50}), object(), float("nan")):
            self.assertTrue(run(returned, V))
        self.assertEqual([record["in"] for record in self.records()], [None] * 5)

    def test_names_links_as_text_and_takes_a_host(self) -> None:
        self.assertTrue(run(links=("a", 1), opts={"host": "conserver-1"}))
        self.assertTrue(run(links=None, index=-1))
        first, second = self.records()
        self.assertEqual((first["links"], first["worker"]["host"]), (["a", "1"], "conserver-1"))
        self.assertEqual(second["links"], [])

    def test_goes_to_the_stream_of_the_options_which_is_cut_at_about_maxlen(self) -> None:
        for _ in range(500):
            self.assertTrue(run(opts={"stream": "other", "maxlen": 100, "hash_document": False}))
        self.assertLess(len(self.records("other")), 300)
        self.assertEqual(self.records("other")[-1]["seq"] - self.records("other")[0]["seq"] + 1, len(self.records("other")))
        for _ in range(300):
            self.assertTrue(run(opts={"stream": "uncut", "maxlen": 0, "hash_document": False}))
        self.assertEqual(len(self.records("uncut")), 300)

    def test_is_written_by_whatever_place_the_server_has_its_client_in(self) -> None:
        for name in ("common.redis_mgr", "server.redis_mgr"):
            with mock.patch.dict(sys.modules):
                del sys.modules["redis_mgr"]
                with redis_mgr(self.client, name):
                    self.assertTrue(run())
        with mock.patch.dict(sys.modules):
            del sys.modules["redis_mgr"].get_client
            self.assertTrue(run())
        self.assertEqual(len(self.records()), 3)

    def test_needs_no_options_at_all(self) -> None:
        self.assertTrue(forwarder.run(V, V, "vcon_otel", LINKS, 0, {}))
        self.assertTrue(forwarder.run(V, V, "vcon_otel", LINKS, 0, None))
        self.assertTrue(forwarder.run(V, V, "vcon_otel", LINKS, 0))
        self.assertTrue(run(opts=dict(forwarder.default_options)))
        self.assertEqual(len(self.records()), 4)


class TheSequence(RedisCase):
    def test_has_no_gap_and_no_repeat_over_threads(self) -> None:
        threads = [threading.Thread(target=self.call_500_times, args=(f"t{i}",)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        records = self.records()
        numbers = sorted(record["seq"] for record in records)
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 10_000)))
        for host in {record["worker"]["host"] for record in records}:
            own = [record["seq"] for record in records if record["worker"]["host"] == host]
            self.assertEqual((len(own), own), (500, sorted(own)))

    def call_500_times(self, host: str) -> None:
        for _ in range(500):
            assert run(opts={"host": host, "hash_document": False})

    def test_begins_beyond_that_of_an_earlier_process(self) -> None:
        run()
        earlier = self.records()[-1]["seq"]
        self.assertGreater(forwarder._Worker().next()[0], earlier)
        self.assertLess(abs(earlier - time.time_ns() // 1000), 24 * 3600 * 1_000_000)

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
        records = self.records()
        self.assertEqual({record["worker"]["pid"] for record in records}, {os.getpid(), *children})
        for pid in {os.getpid(), *children}:
            numbers = sorted(record["seq"] for record in records if record["worker"]["pid"] == pid)
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
            self.assertGreaterEqual(len(numbers), 20)

    def call_until(self, stop: threading.Event) -> None:
        for _ in range(20):
            run(opts={"hash_document": False})
        while not stop.is_set():
            run(opts={"hash_document": False})

    def fork(self) -> int:
        with quiet():
            pid = os.fork()
        if pid == 0:
            done = all([run(opts={"hash_document": False}) for _ in range(20)])
            os._exit(0 if done else 1)
        return pid

    def test_is_a_child_s_own_after_a_fork_that_python_was_not_told_of(self) -> None:
        run()
        with mock.patch.object(os, "getpid", lambda: 4_000_000):
            run()
        first, second = self.records()
        self.assertEqual(second["worker"]["pid"], 4_000_000)
        self.assertNotEqual(second["seq"], first["seq"] + 1)
        forwarder._worker = forwarder._Worker()

    def test_is_a_spawned_process_s_own(self) -> None:
        context = multiprocessing.get_context("spawn")
        children = [context.Process(target=call_in_a_process, args=(self.redis.port,)) for _ in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            self.assertEqual(child.exitcode, 0)
        pids = Counter(record["worker"]["pid"] for record in self.records())
        self.assertEqual(pids, {child.pid: 10 for child in children})


def call_in_a_process(port: int) -> None:
    with redis_mgr(Client(port)):
        sys.exit(0 if all([run() for _ in range(10)]) else 1)


# --- the document's hash -------------------------------------------------------------------------------------------


class TheHash(RedisCase):
    TEXT = json.dumps({"uuid": V, "subject": "Grüße ✓"}, ensure_ascii=False)

    def hash_for(self, uuid_in: Any = V, **options: Any) -> str | None:
        self.assertTrue(run(uuid_in, V, 0, options))
        return self.records()[-1].get("vcon_sha256")

    def test_is_that_of_the_text_that_is_stored(self) -> None:
        for text in (self.TEXT, json.dumps({"uuid": V}), "{}", "not JSON"):
            self.client.execute_command("SET", f"vcon:{V}", text)
            self.assertEqual(self.hash_for(), hashlib.sha256(text.encode()).hexdigest())

    def test_is_that_of_the_vcon_the_chain_goes_on_with(self) -> None:
        self.client.execute_command("SET", f"vcon:{N}", self.TEXT)
        self.assertEqual(self.hash_for(N), hashlib.sha256(self.TEXT.encode()).hexdigest())
        self.assertIsNone(self.hash_for(V))

    def test_is_left_out_for_what_is_missing_too_large_or_no_uuid(self) -> None:
        self.assertIsNone(self.hash_for())
        self.client.execute_command("SET", f"vcon:{V}", self.TEXT)
        self.assertIsNone(self.hash_for(hash_document=False))
        size = len(self.TEXT.encode())
        self.assertIsNone(self.hash_for(max_hash_bytes=size - 1))
        self.assertIsNotNone(self.hash_for(max_hash_bytes=size))
        for value in (True, None, "", "x" * 300):
            self.assertIsNone(self.hash_for(value))
        self.assertEqual(forwarder.failures, {})

    def test_of_a_huge_document_is_not_made_and_the_document_not_read(self) -> None:
        self.client.execute_command("SETRANGE", f"vcon:{V}", 5 * 1024 * 1024, "x")
        with mock.patch.object(self.client, "get", side_effect=AssertionError):
            self.assertIsNone(self.hash_for())
        self.assertEqual(forwarder.failures, {})

    def test_that_cannot_be_made_is_counted_and_the_record_goes_without(self) -> None:
        log = self.log()
        self.client.execute_command("RPUSH", f"vcon:{V}", WHO)
        self.assertIsNone(self.hash_for())
        self.assertEqual(forwarder.failures, {"hashes": 1})
        self.assertEqual(log, ["documents not hashed: 1 (last: TypeError)"])


class TheHashOfRedisJson(Case):
    def test_is_that_of_the_text_redis_answers_with(self) -> None:
        text = '{"uuid":"1","subject":"Grüße ✓","pi":3.10}'
        for client_of in clients():
            for document, limit in ((text, 1000), (text, 10), (None, 1000)):
                with self.subTest(client=client_of.__name__, document=document, limit=limit):
                    server = RedisJsonServer(document)
                    self.addCleanup(server.server_close)
                    self.addCleanup(server.shutdown)
                    with redis_mgr(client_of(server.port)):
                        self.assertTrue(run(opts={"max_hash_bytes": limit}))
                    expected = hashlib.sha256(text.encode()).hexdigest() if document and limit == 1000 else None
                    self.assertEqual(json.loads(server.records[0]).get("vcon_sha256"), expected)
                    self.assertEqual(forwarder.failures, {})


def clients() -> list[Callable[[int], Any]]:
    return [Client] if redis_py is None else [Client, redis_py_client]


def redis_py_client(port: int) -> Any:
    """As the server makes it, and after it has read a document with `client.json()`."""
    client = redis_py.Redis.from_url(f"redis://127.0.0.1:{port}", decode_responses=True)
    client.json()
    return client


@unittest.skipIf(redis_py is None, "redis-py is not installed")
class WithRedisPy(RedisCase):
    def test_records_and_hashes_are_the_same(self) -> None:
        text = json.dumps({"uuid": V, "subject": "Grüße"}, ensure_ascii=False)
        self.client.execute_command("SET", f"vcon:{V}", text)
        with redis_mgr(redis_py_client(self.redis.port)):
            self.assertTrue(run())
            self.assertTrue(run(N))
        first, second = self.records()
        self.assertEqual(first["vcon_sha256"], hashlib.sha256(text.encode()).hexdigest())
        self.assertNotIn("vcon_sha256", second)
        self.assertEqual(forwarder.failures, {})

    def test_a_client_that_does_not_decode_will_do(self) -> None:
        self.client.execute_command("SET", f"vcon:{V}", "{}")
        with redis_mgr(redis_py.Redis(port=self.redis.port)):
            self.assertTrue(run())
        self.assertEqual(self.records()[0]["vcon_sha256"], hashlib.sha256(b"{}").hexdigest())


# --- the span context ----------------------------------------------------------------------------------------------


class TheSpanContext(RedisCase):
    KEYS = {"trace_id", "span_id", "root_span_id", "chain"}

    def context(self, current: Any) -> dict[str, Any]:
        with open_telemetry(current):
            self.assertIs(run(), True)
        self.assertEqual(forwarder.failures, {})
        return {key: value for key, value in self.records()[-1].items() if key in self.KEYS}

    def test_is_left_out_where_the_span_is_not_sampled(self) -> None:
        chain = FakeSpan("vcon_processing.main", 0xAB, 0x0C)
        link = FakeSpan("link.transcribe", 0xAB, 0x0D, chain.context, chain_name="main", link_index=0)
        link.context.trace_flags = 0
        self.assertEqual(self.context(link), {})

    def test_is_that_of_the_link_s_span_and_its_parent(self) -> None:
        chain = FakeSpan("vcon_processing.main", 0xAB, 0x0C)
        link = FakeSpan("link.transcribe", 0xAB, 0x0D, chain.context, chain_name="main", link_index=0)
        expected = {"trace_id": f"{0xAB:032x}", "span_id": f"{0x0D:016x}", "root_span_id": f"{0x0C:016x}", "chain": "main"}
        self.assertEqual(self.context(link), expected)

    def test_does_not_take_a_failed_run_s_chain_span_for_this_run_s(self) -> None:
        earlier = FakeSpan("vcon_processing.other", 1, 1)
        failed = FakeSpan("vcon_processing.main", 1, 2, earlier.context, chain_name="main")
        self.assertEqual(self.context(failed), {"trace_id": f"{1:032x}", "span_id": f"{2:016x}"})

    def test_has_no_root_where_the_link_s_span_has_no_parent(self) -> None:
        expected = {"trace_id": f"{1:032x}", "span_id": f"{2:016x}", "chain": "main"}
        self.assertEqual(self.context(FakeSpan("link.a", 1, 2, None, chain_name="main")), expected)
        invalid = types.SimpleNamespace(is_valid=False, span_id=0)
        self.assertEqual(self.context(FakeSpan("link.a", 1, 2, invalid, chain_name="main")), expected)

    def test_has_no_chain_where_its_name_is_none(self) -> None:
        for name in (7, True, "", None, "x" * 300):
            self.assertNotIn("chain", self.context(FakeSpan("link.a", 1, 2, None, chain_name=name)))

    def test_is_missing_without_a_valid_span(self) -> None:
        self.assertEqual(self.context(FakeSpan("", 0, 0)), {})
        self.assertEqual(self.context(lambda: None), {})

    def test_is_missing_without_open_telemetry(self) -> None:
        hidden = {"opentelemetry": None, "opentelemetry.trace": None}
        with (
            mock.patch.dict(sys.modules, hidden),
            mock.patch.object(forwarder, "_current_span", forwarder._NOT_LOOKED_FOR),
        ):
            self.assertTrue(run())
            self.assertIsNone(forwarder._current_span)
        self.assertEqual(set(self.records()[0]), REQUIRED)

    def test_that_cannot_be_read_is_no_failure(self) -> None:
        def broken() -> Any:
            raise RuntimeError(WHO)

        self.assertEqual(self.context(broken), {})
        no_recording = types.SimpleNamespace(get_span_context=FakeSpan("", 1, 2).get_span_context)
        self.assertEqual(set(self.context(no_recording)), {"trace_id", "span_id"})
        odd = FakeSpan("link.a", 1, 2)
        odd.attributes = ["chain_name"]
        self.assertEqual(set(self.context(odd)), {"trace_id", "span_id"})


# --- Redis in trouble ----------------------------------------------------------------------------------------------


class RedisInTrouble(Case):
    def test_that_is_down_does_not_raise_and_is_quick(self) -> None:
        log = self.log()
        started = time.monotonic()
        with redis_mgr(Client(free_port())):
            for _ in range(50):
                self.assertIs(run(opts={"dlq_vcon_on_error": True}), False)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(forwarder.failures["records"], 50)
        self.assertEqual(log, ["documents not hashed: 1 (last: ConnectionRefusedError)"])

    def test_is_logged_once_a_minute_with_a_count(self) -> None:
        log, now = self.log(), 1000.0
        with redis_mgr(Client(free_port())), mock.patch.object(forwarder.time, "monotonic", lambda: now):
            for now in (1000.0, 1001.0, 1059.0, 1061.0, 1062.0):
                self.assertIs(run(WHO, opts={"hash_document": False}), False)
        told = "records not forwarded: {} (last: ConnectionRefusedError)".format
        self.assertEqual(log, [told(1), told(3)])
        with mock.patch.object(forwarder.time, "monotonic", lambda: 1200.0):
            forwarder._trouble.over()
        self.assertEqual(log[2:], [told(1)])

    def test_without_a_server_s_module_is_counted(self) -> None:
        with mock.patch.dict(sys.modules, {name: None for name in forwarder._REDIS_MODULES}):
            self.assertIs(run(), False)
        self.assertEqual(forwarder.failures, {"records": 1, "hashes": 1})

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_that_is_out_of_memory_does_not_raise(self) -> None:
        server = RedisServer("--maxmemory", "1", "--maxmemory-policy", "noeviction")
        self.addCleanup(server.stop)
        for client_of in clients():
            with self.subTest(client=client_of.__name__), redis_mgr(client_of(server.port)):
                forwarder.failures.clear()
                self.assertIs(run(), False)
                self.assertEqual(forwarder.failures, {"records": 1})

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_that_comes_back_is_written_to_again(self) -> None:
        server = RedisServer()
        client = Client(server.port)
        with redis_mgr(client):
            self.assertIs(run(), True)
            server.stop()
            self.assertIs(run(), False)
            with mock.patch(f"{__name__}.free_port", lambda: server.port):
                again = RedisServer()
            self.addCleanup(again.stop)
            self.assertIs(run(), True)


class Options(RedisCase):
    def test_of_any_kind_never_make_redis_mode_raise(self) -> None:
        odd = [None, [], "redis", 7, True, {1: 2}, {"": None}, {"unknown": object()}, {"mode": None}]
        values = [None, "", "x", -1, 0, 1.5, float("nan"), True, [], {}, object(), b"x", 10**400, "a\r\nb", "\ud800"]
        odd += [{name: value} for name in forwarder.default_options if name != "mode" for value in values]
        for opts in odd:
            with self.subTest(opts=repr(opts)[:60]):
                self.assertIn(run(opts=opts), (True, False))

    def test_of_no_use_are_replaced_by_their_defaults_and_told(self) -> None:
        log = self.log()
        self.assertIs(run(opts={"stream": 7, "maxlen": "many", "strem": WHO}), True)
        self.assertEqual(len(self.records()), 1)
        self.assertEqual(len(log), 1)
        self.assertRegex(log[0], r"options that are not valid.*: 1 \(last: stream, maxlen, the key strem\)")

    def test_of_the_server_are_none_of_the_forwarder_s_business(self) -> None:
        self.assertIs(run(opts={"dlq_vcon_on_error": True}), True)
        self.assertEqual(forwarder.failures, {})

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
            with self.subTest(opts=opts), self.assertRaises(forwarder.ForwardingError) as raised:
                run(opts=opts)
            self.assertNotIn(WHO, str(raised.exception))
            self.assertNotIn("secret", str(raised.exception))
        self.assertEqual(forwarder.failures, {"options": 9})


class HostileArguments(RedisCase):
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError(WHO)

        def __bool__(self) -> bool:
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
            ("\ud800", "\ud800", "t", LINKS, 0, {}),
        ]:
            self.assertIn(forwarder.run(*arguments), (True, False))
        self.assertNotIn(WHO, "".join(log))


# --- HTTP ----------------------------------------------------------------------------------------------------------


class OverHttp(Case):
    def receiver(self, *answers: Any) -> Receiver:
        return self.enterContext(Receiver(*answers))

    def failing(self, message: str, opts: dict[str, Any]) -> None:
        with self.assertRaisesRegex(forwarder.ForwardingError, message) as raised:
            run(opts=opts)
        self.assertIsNone(raised.exception.__cause__)
        self.assertTrue(raised.exception.__suppress_context__ or raised.exception.__context__ is None)

    def test_a_record_is_posted_and_the_connection_kept(self) -> None:
        receiver = self.receiver()
        for index in (-1, 0, 1):
            self.assertIs(run(index=index, opts=http(receiver.url, token="s3cret")), True)
        self.assertEqual([request.record["index"] for request in receiver.requests], [-1, 0, 1])
        self.assertEqual(set(receiver.requests[0].record), REQUIRED)
        headers = receiver.requests[0].headers
        self.assertEqual((headers["Authorization"], headers["Content-Type"]), ("Bearer s3cret", "application/json"))
        self.assertEqual((receiver.requests[0].path, receiver.connections), ("/v1/bridge", 1))

    def test_the_token_may_be_in_the_environment(self) -> None:
        receiver = self.receiver()
        with mock.patch.dict(os.environ, {"VCON_OTEL_TOKEN": "from-env"}):
            run(opts=http(receiver.url))
            run(opts=http(receiver.url, token="own"))
        with mock.patch.dict(os.environ, {"VCON_OTEL_TOKEN": ""}):
            run(opts=http(receiver.url))
        self.assertEqual([r.headers["Authorization"] for r in receiver.requests], ["Bearer from-env", "Bearer own", None])

    def test_wait_delivered_says_so_and_how_long(self) -> None:
        receiver = self.receiver()
        run(opts=http(receiver.url, wait="delivered", timeout=8))
        run(opts=http(receiver.url + "?via=a", wait="delivered", timeout=0.5))
        run(opts=http(receiver.url, wait="delivered", timeout=3600))
        first, second, third = (parse_qs(urlsplit(request.path).query) for request in receiver.requests)
        self.assertEqual(first, {"wait": ["delivered"], "timeout": ["7"]})
        self.assertEqual(second, {"via": ["a"], "wait": ["delivered"], "timeout": ["1"]})
        self.assertEqual(third, {"wait": ["delivered"], "timeout": ["300"]})

    def test_a_refusal_is_raised_at_once(self) -> None:
        for status in (400, 401, 403, 404, 413, 301):
            receiver = self.receiver(status, status)
            self.failing(f"refused the record .status {status}", http(receiver.url))
            self.assertEqual(len(receiver.requests), 1)
        self.assertEqual(forwarder.failures, {"records": 6})

    def test_what_may_pass_is_tried_again_with_the_same_record(self) -> None:
        for status in (408, 425, 429, 500, 502, 503, 504):
            receiver = self.receiver(status, status)
            self.assertIs(run(opts=http(receiver.url)), True)
            self.assertEqual(len({json.dumps(request.record) for request in receiver.requests}), 1)
            self.assertEqual(len(receiver.requests), 3)

    def test_it_is_not_tried_more_often_than_retries_says(self) -> None:
        receiver = self.receiver(503, 503, 503)
        self.failing("status 503, attempts: 3", http(receiver.url))
        receiver = self.receiver(503)
        self.failing("status 503, attempts: 1", http(receiver.url, retries=0))

    def test_retry_after_is_honoured(self) -> None:
        for value, at_least in (("1", 1.0), ("a date", 0.9), ("soon", 0.0), ("-5", 0.0)):
            date = email.utils.formatdate(time.time() + 2, usegmt=True)
            receiver = self.receiver((503, {"Retry-After": date if value == "a date" else value}))
            started = time.monotonic()
            self.assertIs(run(opts=http(receiver.url)), True)
            self.assertGreaterEqual(time.monotonic() - started, at_least)

    def test_a_retry_after_beyond_the_timeout_is_not_waited_for(self) -> None:
        for value in ("60", "9" * 400):
            receiver = self.receiver((429, {"Retry-After": value}))
            started = time.monotonic()
            self.failing("", http(receiver.url))
            self.assertLess(time.monotonic() - started, 3)

    def test_a_receiver_that_does_not_answer_holds_a_chain_no_longer_than_the_timeout(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        receiver = self.receiver(*[lambda _: release.wait(30)] * 3)
        started = time.monotonic()
        self.failing("TimeoutError", http(receiver.url, timeout=0.5))
        self.assertLess(time.monotonic() - started, 2.5)
        self.assertEqual(len(receiver.requests), 1)

    def test_a_receiver_that_is_down_is_told_by_kind_only(self) -> None:
        self.failing("ConnectionRefusedError, attempts: 3", http(f"http://127.0.0.1:{free_port()}/x"))
        self.failing("gaierror", http("http://name.invalid/", retries=0))

    def test_a_kept_connection_that_was_closed_is_no_failure(self) -> None:
        receiver = self.receiver()
        run(opts=http(receiver.url, retries=0))
        receiver.close_kept()
        self.assertIs(run(opts=http(receiver.url, retries=0)), True)
        self.assertEqual((len(receiver.requests), receiver.connections), (2, 2))

    def test_a_kept_connection_that_closes_after_the_record_is_tried_once_more(self) -> None:
        receiver = self.receiver(200, hang_up)
        run(opts=http(receiver.url, retries=0))
        self.assertIs(run(opts=http(receiver.url, retries=0)), True)
        self.assertEqual(receiver.requests[1].record["seq"], receiver.requests[2].record["seq"])

    def test_a_fresh_connection_that_closes_counts_as_an_attempt(self) -> None:
        receiver = self.receiver(hang_up)
        self.failing("RemoteDisconnected, attempts: 1", http(receiver.url, retries=0))
        receiver = self.receiver(hang_up)
        self.assertIs(run(opts=http(receiver.url, retries=1)), True)

    def test_an_answer_that_is_not_http_is_told_by_kind_only(self) -> None:
        receiver = self.receiver(lambda handler: (handler.wfile.write(WHO.encode() + b"\r\n\r\n"), hang_up(handler)))
        self.failing("BadStatusLine, attempts: 1", http(receiver.url, retries=0))

    def test_a_server_that_closes_each_connection_is_served_as_well(self) -> None:
        receiver = self.receiver((200, {"Connection": "close"}), (200, {"Connection": "close"}))
        for _ in range(3):
            self.assertIs(run(opts=http(receiver.url, retries=0)), True)
        self.assertEqual(receiver.connections, 3)

    def test_each_thread_and_each_child_has_a_connection_of_its_own(self) -> None:
        receiver = self.receiver()
        opts = http(receiver.url)
        threads = [threading.Thread(target=lambda: [run(opts=opts) for _ in range(25)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(receiver.requests), receiver.connections), (200, 8))
        run(opts=opts)
        with quiet():
            child = os.fork()
        if child == 0:
            os._exit(0 if run(opts=opts) else 1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertIs(run(opts=opts), True)
        self.assertEqual(receiver.connections, 10)
        self.assertEqual(len({(r.record["worker"]["pid"], r.record["seq"]) for r in receiver.requests}), 203)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_certificate_is_checked(self) -> None:
        receiver, certificate = self.receiver(), self.certificate()
        receiver.url = receiver.url.replace("http:", "https:")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
        self.failing("SSLCertVerificationError", http(receiver.url, retries=0))
        self.assertEqual(receiver.requests, [])
        forwarder._local = threading.local()
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": certificate}):
            for _ in range(2):
                self.assertIs(run(opts=http(receiver.url, retries=0)), True)
            receiver.close_kept()
            self.assertIs(run(opts=http(receiver.url, retries=0)), True)

    def certificate(self) -> str:
        """A file with a key and a certificate for 127.0.0.1 that it has signed itself."""
        file = f"{self.enterContext(tempfile.TemporaryDirectory())}/both.pem"
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
        subprocess.run([*command, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
        Path(file).write_text(Path(file).read_text() + Path(f"{file}.crt").read_text())
        return file

    def test_the_hash_is_there_although_the_record_goes_over_http(self) -> None:
        server = RedisJsonServer("{}")
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        receiver = self.receiver()
        with redis_mgr(Client(server.port)):
            run(opts=http(receiver.url, hash_document=True))
        self.assertEqual(receiver.requests[0].record["vcon_sha256"], hashlib.sha256(b"{}").hexdigest())
        with redis_mgr(Client(free_port())):
            self.assertIs(run(opts=http(receiver.url, hash_document=True)), True)


# --- the real one --------------------------------------------------------------------------------------------------

BRIDGE_URL = os.environ.get("VCON_OTEL_BRIDGE_URL", "")
REDIS_URL = os.environ.get("VCON_OTEL_REDIS_URL", "")


class Passage:
    """What the server calls for one vCon in a chain of two links, the second of which makes a new vCon of it."""

    def __init__(self) -> None:
        before, after = str(uuid.uuid4()), str(uuid.uuid4())
        self.calls = [(before, before, -1), (before, before, 0), (after, before, 1)]

    def through(self, opts: dict[str, Any]) -> list[bool]:
        return [run(*call, opts) for call in self.calls]


@unittest.skipUnless(BRIDGE_URL, "VCON_OTEL_BRIDGE_URL is not set")
class ToARunningVconOtelOverHttp(Case):
    OPTIONS = http(BRIDGE_URL, wait="delivered", timeout=30)

    def test_a_run_is_delivered(self) -> None:
        self.assertEqual(Passage().through(self.OPTIONS), [True] * 3)

    def test_a_run_that_is_sent_twice_is_taken_twice(self) -> None:
        passage, worker = Passage(), forwarder._worker
        with mock.patch.object(worker, "next", side_effect=[worker.next() for _ in passage.calls] * 2):
            self.assertEqual(passage.through(self.OPTIONS) + passage.through(self.OPTIONS), [True] * 6)


@unittest.skipUnless(REDIS_URL, "VCON_OTEL_REDIS_URL is not set")
class ToARunningVconOtelByRedis(Case):
    def test_the_records_of_a_run_are_written(self) -> None:
        url = urlsplit(REDIS_URL)
        with redis_mgr(Client(url.port or 6379)):
            self.assertEqual(Passage().through({"hash_document": True}), [True] * 3)
        self.assertEqual(forwarder.failures, {})


if __name__ == "__main__":
    unittest.main()
