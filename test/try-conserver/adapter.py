"""vcon-otel itself beside the server under trial, as `vcon-otel serve` runs it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from redis_server import free_port, wait_for
from server import REPOSITORY, STREAM


class Adapter:
    """Reads the stream of facts, or is sent spans, and writes what its tracer hears into an audit log."""

    def __init__(self, folder: Path, redis_port: int, http_port: int, server_config: Path | None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "audit.jsonl"
        self.config = folder / "vcon-otel.json"
        settings = {
            "receivers": {
                "redis_stream": {"url": f"redis://127.0.0.1:{redis_port}", "stream": STREAM},
                "http": {"host": "127.0.0.1", "port": http_port},
            },
            "journal": {"type": "sqlite", "path": str(folder / "journal.db")},
            "admin": {"host": "127.0.0.1", "port": free_port()},
            "tracers": {"audit": {"module": "tracers.audit_log", "options": {"log_file": str(self.log)}}},
        }
        if server_config is not None:
            # Spans alone: what a chain's links and storages are is in the server's own file.
            settings["conserver_config"] = str(server_config)
            settings["receivers"]["assembler"] = {"timeout": "30s"}
        self.config.write_text(json.dumps(settings))
        self.process: subprocess.Popen | None = None
        self.started = 0

    def start(self) -> None:
        # `npm run` puts the repository's own Node.js first.
        node = shutil.which("node", path=f"{REPOSITORY}/node_modules/.bin:{os.environ['PATH']}")
        self.process = subprocess.Popen(
            [str(node), REPOSITORY / "bin/vcon-otel.js", "serve", self.config],
            stdout=open(self.folder / "vcon-otel.log", "a"),
            stderr=subprocess.STDOUT,
        )
        self.started += 1
        log = self.folder / "vcon-otel.log"
        wait_for(lambda: log.read_text().count("vcon-otel is running") >= self.started, 120, "vcon-otel to run")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
            self.kill()

    def wait_until_quiet(self, seconds: float, quiet: float) -> None:
        """Until nothing has been heard for so long."""
        last, since = -1, time.monotonic()

        def settled() -> bool:
            nonlocal last, since
            size = self.log.stat().st_size if self.log.exists() else 0
            if size != last:
                last, since = size, time.monotonic()
            return time.monotonic() - since > quiet

        wait_for(settled, seconds, "vcon-otel to come to rest")

    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
