"""A client of Redis for tests."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any


class RespError(Exception):
    pass


class Client:
    """One command at a time, over a connection for each thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()

    def execute_command(self, *args: Any) -> Any:
        answer = self.send([args])[0]
        if isinstance(answer, RespError):
            raise answer
        return answer

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
            with socket.create_connection(("127.0.0.1", self._port), timeout=30) as connection:
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
