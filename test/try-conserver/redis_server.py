"""A real redis-server, a client for it, and in front of it what makes RedisJSON's root commands of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any


class RedisError(Exception):
    pass


class Client:
    """One connection, one command at a time."""

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.stream = self.socket.makefile("rb")

    def __call__(self, *command: Any) -> Any:
        self.socket.sendall(packed([part if isinstance(part, bytes) else str(part).encode() for part in command]))
        return self._reply()

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def _reply(self) -> Any:
        line = self.stream.readline()
        if not line:
            raise ConnectionResetError
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        return rest.decode()


def packed(parts: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class RedisServer:
    """Keeps what it was told on disk, so that it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.process = self._started()

    def _started(self) -> subprocess.Popen:
        process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
            + ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
            stdout=subprocess.DEVNULL,
        )
        wait_for(lambda: self._answers(), 20, "redis-server")
        return process

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, RedisError):
            return self.client(1.0)("PING") == "PONG"
        return False

    def client(self, timeout: float = 10.0) -> Client:
        return Client(self.port, timeout)

    def restart(self, away: float) -> None:
        self.stop()
        time.sleep(away)
        self.process = self._started()

    def freeze(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class JsonFront:
    """
    Passes everything on to a Redis, with JSON.SET and JSON.GET of whole documents as SET and GET: their answers have the
    same shape, so only requests are looked at.
    """

    def __init__(self, redis_port: int) -> None:
        self.redis_port = redis_port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            redis = socket.create_connection(("127.0.0.1", self.redis_port), timeout=10)
        except OSError:
            client.close()
            return
        for one in (client, redis):
            one.settimeout(None)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_copy, args=(redis, client), daemon=True).start()
        stream = client.makefile("rb")
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline():
                parts = []
                for _ in range(int(line[1:])):
                    length = int(stream.readline()[1:])
                    parts.append(stream.read(length + 2)[:-2])
                redis.sendall(packed(_without_json(parts)))
        _shut(redis, client)


def _without_json(parts: list[bytes]) -> list[bytes]:
    name = parts[0].upper()
    if name == b"JSON.SET":
        return [b"SET", parts[1], parts[3]]
    if name == b"JSON.GET":
        return [b"GET", parts[1]]
    return parts


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _shut(source, target)


def _shut(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
