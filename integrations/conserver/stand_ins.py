"""What the tests of vcon_otel.py put in the place of what is outside: Redis, receivers, and a listener of its own for each."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import math
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import types
import unittest
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

import vcon_otel  # noqa: E402
from opentelemetry_stand_in import HAS_SDK, use_provider  # noqa: E402, F401
from resp_client import Client  # noqa: E402

LOGGER = logging.getLogger("vcon_otel")
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False
logging.getLogger("main").addHandler(logging.NullHandler())
logging.getLogger("main").propagate = False

STREAM = "vcon-otel:events"
LINKS = ["transcribe", "analyze"]
V = "05cec3d4-0561-4010-9fb8-23cc7edef146"
N = "71c4d3b2-0561-4010-9fb8-23cc7edef146"
WHO = "Alice +15551234567"


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
        self.server.requests.append(types.SimpleNamespace(path=self.path, headers=self.headers, body=json.loads(body)))
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


@contextlib.contextmanager
def redis_mgr(port: int, name: str = "redis_mgr", **kwargs: Any) -> Iterator[None]:
    """The server's module, with a client of which only the place it connects to is looked at."""
    module = types.ModuleType(name)
    pool = types.SimpleNamespace(connection_kwargs={"host": "127.0.0.1", "port": port, **kwargs}, connection_class=object)
    module.redis = types.SimpleNamespace(connection_pool=pool)
    module.get_client = lambda: module.redis
    modules = {name: module}
    if "." in name:
        modules[name.split(".")[0]] = types.ModuleType(name.split(".")[0])
    with mock.patch.dict(sys.modules, modules):
        yield


class Case(unittest.TestCase):
    """With a listener of its own for each test, which ends with it."""

    def setUp(self) -> None:
        # Kept connections are closed with their threads, which Python takes for an oversight.
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore", ResourceWarning)

    def listener(self, config: dict[str, Any] | None = None, main: Any = None, attach: bool = False) -> Any:
        """A fresh one, as in a process whose server has this configuration, and these parts."""
        self.end_listener()
        main = main or types.SimpleNamespace(config=config or {})
        with mock.patch.dict(sys.modules, {"__main__": main, "hook": None}):
            made = vcon_otel._Listener()
        vcon_otel._listener = made
        self.addCleanup(self.end_listener)
        if attach:
            made.attach()
        return made

    def end_listener(self) -> None:
        made, vcon_otel._listener = vcon_otel._listener, None
        if made is not None:
            made.sender.done.set()
            if made.facts.open and made.options["mode"] == "redis":
                # What it has still to send is not to come into the next test's Redis.
                made.facts.queue.put({"kind": "tested"})
                made.sender.worker.join(2)

    def sent(self, seconds: float = 10) -> None:
        """Waits until everything that was told is sent."""
        last = vcon_otel._Waiter(math.inf, 10**9)
        vcon_otel._listener.facts.queue.put({"kind": "tested", "waiter": last})
        self.assertTrue(last.event.wait(seconds), "not sent in time")

    def failures(self, seconds: float = 5, **expected: int) -> None:
        wait_for(lambda: dict(vcon_otel._listener.failures) == expected or None, seconds)

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
        self.enterContext(redis_mgr(self.redis.port))
        self.listener()

    def facts(self, *kinds: str, stream: str = STREAM) -> list[dict[str, Any]]:
        self.sent()
        return facts_in(self.client, stream, kinds)

    def calls(self, stream: str = STREAM) -> list[dict[str, Any]]:
        return self.facts("tracer", stream=stream)


def facts_in(client: Client, stream: str = STREAM, kinds: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    entries = client.execute_command("XRANGE", stream, "-", "+")
    facts = [json.loads(dict(zip(fields[::2], fields[1::2]))["record"]) for _, fields in entries]
    return [fact for fact in facts if (fact["kind"] in kinds if kinds else fact["kind"] != "tested")]


def call(after: Any = V, before: Any = V, index: Any = 0, opts: Any = None, links: Any = LINKS) -> bool:
    return vcon_otel.run(after, before, "vcon_otel", links, index, opts)


def http(url: str, **options: Any) -> dict[str, Any]:
    return {"mode": "http", "url": url, "hash_document": False, **options}


class ServerCase(RedisCase):
    """With a simulated server of its own for each test, whose chains go through this process."""

    server: Any

    def setUp(self) -> None:
        super().setUp()
        self.serve()

    def serve(self, spans: str = "heard", change: Callable[[Any], None] | None = None, **options: Any) -> None:
        """@param spans heard, sampled out, or none: what the server has of OpenTelemetry"""
        spec = importlib.util.spec_from_file_location("simulated_server_of_a_test", FOLDER / "simulated_server.py")
        assert spec is not None and spec.loader is not None
        self.server = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.server)
        self.server.VconQueue.lists.clear()
        entry = {"module": "vcon_otel", "options": options}
        self.server.config = {
            "links": {
                **{name: lambda vcon: vcon for name in ("a", "b", "c", "d")},
                "new": lambda vcon: f"{vcon}-new",
                "halt": lambda vcon: None,
                "true": lambda vcon: True,
                "boom": boom,
                "exit": lambda vcon: sys.exit(3),
                "missing": None,
            },
            "storages": {"s1": lambda vcon: None, "s2": lambda vcon: None, "bad": boom},
            "chains": {},
            "imports": {"vcon_otel": {"module": "vcon_otel"}},
            "tracers": {"vcon_otel": entry},
        }
        if change is not None:
            change(self.server)
        self.provider = use_provider(spans)
        self.listener(main=self.server, attach=True)

    def passage(self, links: list[str], vcon: Any = V, chain: str = "main", **more: Any) -> None:
        self.server.config["chains"][chain] = {"links": links, **more}
        self.server.passage(chain, vcon)

    def told(self, *links: str, **more: Any) -> str:
        """The facts of one passage, in short: B +c +l0 T-1 L T0 -l0 … E."""
        if vcon_otel._listener.facts.open:
            self.sent()
        self.client.execute_command("DEL", STREAM)
        with contextlib.suppress(SystemExit):
            self.passage(list(links), **more)
        return " ".join(map(short, self.facts()))


def boom(vcon: Any) -> Any:
    raise ValueError(f"exploded for {WHO}")


def short(fact: dict[str, Any]) -> str:
    kind, error = fact["kind"], f"({fact['error']})" if "error" in fact else ""
    match kind:
        case "run_start" | "run_end":
            raised = f"({fact['raised']}!)" if "raised" in fact else ""
            return ("B" if kind == "run_start" else "E") + ("" if fact.get("proceed", True) else "-") + error + raised
        case "span_start" | "span_end":
            sign = "+" if kind == "span_start" else "-"
            status = {"OK": "=", "ERROR": "!", "UNSET": ""}[fact.get("status", "UNSET")] if sign == "-" else ""
            return f"{sign}{fact['stage'][0]}{fact.get('index', '')}{status}{fact.get('exceptions') or ''}"
        case "after_link":
            return "L" + {True: "H", False: "", None: "?"}[fact.get("halted")] * (fact["status"] == "success") + error
        case "tracer":
            return f"T{fact['index']}"
    return kind + error
