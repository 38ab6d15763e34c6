"""The real server under trial: its configuration, its processes, and what it wrote down of the truth."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis_server import JsonFront, RedisError, RedisServer, alive, free_port, wait_for

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
FILE = REPOSITORY / "integrations/conserver"
STREAM = "vcon-otel:events"


@dataclass
class Trial:
    """How the server is set up for one row of the table."""

    chains: dict[str, dict[str, Any]]
    """As in the server's file, but each link and storage with its own settings: {"a": {"act": "new"}}."""
    workers: int = 1
    threads: int = 1
    start_method: str = ""
    parallel_storages: bool = True
    otel: bool = True
    sampler: str = "parentbased_always_on"
    by_imports: bool = True
    by_tracers: bool = True
    second_name: bool = False
    hooks: bool = False
    collections: str = ""
    """Python's collector is what ends a failed chain's span: never ("off"), or every 10 ms, called from another thread ("forced")."""
    spans_alone: bool = False
    """Whether vcon-otel hears the spans that the server exports, and nothing else: our file is not there."""
    tracer: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Links that the configuration does not define."""

    @property
    def may_lose(self) -> bool:
        """Whether what is heard may be lost on the way: what is said of the rest is to be true all the same."""
        return self.spans_alone or not {"maxlen", "queue"}.isdisjoint(self.options)

    def config(self) -> dict[str, Any]:
        ours = {"module": "vcon_otel", "pip_name": "/not/from/the/internet", "options": self.options}
        links, storages, chains = {}, {}, {}
        for name, chain in self.chains.items():
            steps = {f"{name}.{link}": settings for link, settings in chain.get("links", {}).items()}
            stores = {f"{name}.{store}": settings for store, settings in chain.get("storages", {}).items()}
            for link, settings in steps.items():
                module = settings.get("module", "tried_link")
                links[link] = {"module": module, "pip_name": "/not/from/the/internet", "options": settings}
            for store, settings in stores.items():
                storages[store] = {"module": "tried_storage", "options": {"name": store, **settings}}
            order = [f"{name}.{link}" for link in chain.get("order", chain.get("links", {}))]
            chains[name] = {"links": order, "storages": list(stores), "ingress_lists": [f"{name}-in"], "enabled": 1}
            if "egress" in chain:
                chains[name]["egress_lists"] = chain["egress"]
        tracers: dict[str, Any] = {"vcon_otel": ours} if self.by_tracers and not self.spans_alone else {}
        if self.second_name:
            tracers["again"] = {**ours, "module": "vcon_otel_forwarder"}
        if self.tracer is not None:
            tracers["tried"] = {"module": "tried_tracer", "options": self.tracer}
        imports: dict[str, Any] = {"hooks": {"module": "tried_hooks"}} if self.hooks else {}
        if self.by_imports and not self.spans_alone:
            imports["vcon_otel"] = {"module": "vcon_otel", "pip_name": "/not/from/the/internet"}
        for link in self.missing:
            del links[link]
        config = {"links": links, "storages": storages, "chains": chains}
        return config | ({"imports": imports} if imports else {}) | ({"tracers": tracers} if tracers else {})


class Stand:
    """One trial: a Redis, the server, a place for spans, and a folder with everything that was written down."""

    def __init__(self, checkout: Path, python: Path, folder: Path, trial: Trial) -> None:
        self.checkout, self.python, self.folder, self.trial = checkout, python, folder, trial
        self.truth = folder / "truth"
        self.truth.mkdir(parents=True)
        self.config = folder / "config.yml"
        self.http_port = free_port()
        self.config.write_text(json.dumps(trial.config(), indent=1).replace("HTTP_PORT", str(self.http_port)))
        self.redis = RedisServer(folder / "redis")
        self.front = JsonFront(self.redis.port)
        self.spans = folder / "spans.jsonl"
        self.spans.touch()
        self.sink = subprocess.Popen(
            [python, HERE / "otlp_sink.py", self.spans, folder / "otlp"], stdout=subprocess.PIPE, text=True
        )
        self.sink_port = int(str(self.sink.stdout and self.sink.stdout.readline()))
        self.process: subprocess.Popen | None = None
        self.pushed: list[tuple[str, str]] = []
        self.killed: set[int] = set()
        self.adapter: Any = None

    def start(self) -> None:
        trial = self.trial
        main = main_of(self.checkout)
        spans_port = self.http_port if trial.spans_alone else self.sink_port
        path = [self.checkout, self.checkout / "common", main.parent, FILE, HERE / "on-the-path"]
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "REDIS_URL": f"redis://127.0.0.1:{self.front.port}",
            "CONSERVER_CONFIG_FILE": str(self.config),
            "CONSERVER_WORKERS": str(trial.workers),
            "CONSERVER_VCON_CONCURRENCY": str(trial.threads),
            "CONSERVER_START_METHOD": trial.start_method,
            "CONSERVER_PARALLEL_STORAGE": str(trial.parallel_storages).lower(),
            "VCON_STORAGE_FALLBACK_ENABLED": "false",
            "TRIED_TRUTH": str(self.truth),
            "TRIED_COLLECTIONS": trial.collections,
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_TRACES_SAMPLER": trial.sampler,
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{spans_port}/v1/traces",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "conserver",
        }
        instrumented = [self.python.parent / "opentelemetry-instrument"] if trial.otel else []
        self.process = subprocess.Popen(
            [*instrumented, self.python, main],
            cwd=self.folder,
            env=environment,
            stdout=open(self.folder / "server.log", "a"),
            stderr=subprocess.STDOUT,
        )

    def push(self, chain: str, count: int = 1, vcon: str | None = None) -> None:
        client = self.redis.client()
        for _ in range(count):
            one = vcon or str(uuid.uuid4())
            document = {"uuid": one, "vcon": "0.4.0", "parties": [{"tel": "+15551234567"}], "dialog": [], "analysis": []}
            client("SET", f"vcon:{one}", json.dumps(document))
            client("RPUSH", f"{chain}-in", one)
            self.pushed.append((chain, one))
        client.close()

    def waiting(self) -> int:
        client = self.redis.client()
        count = sum(client("LLEN", f"{chain}-in") for chain in self.trial.chains)
        client.close()
        return count

    def wait_until_popped(self, seconds: float) -> None:
        def popped() -> bool:
            with contextlib.suppress(OSError, RedisError):
                return self.waiting() == 0
            return False

        wait_for(popped, seconds, f"{self.folder.name}: vCons are still queued")

    def wait_until_done(self, seconds: float) -> None:
        """Until what was pushed has been through, as far as the truth can tell."""
        self.wait_until_popped(seconds)
        before, steady = -1, 0

        def settled() -> bool:
            nonlocal before, steady
            size = sum(file.stat().st_size for file in self.truth.iterdir())
            steady = steady + 1 if size == before else 0
            before = size
            return steady > 25

        wait_for(settled, seconds, f"{self.folder.name}: the server does not come to rest")

    def workers(self) -> list[int]:
        """The processes that have written down anything, or are children of the server, and are still there."""
        if self.process is None:
            return []
        if self.trial.workers == 1:
            return [self.process.pid]
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [pid for pid in map(int, children) if b"resource_tracker" not in _command(pid)]

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.killed.add(pid)

    def stop(self, seconds: float = 60) -> int:
        """As an operator does. What the server has in hand it brings to its end."""
        if self.process is None:
            return 0
        workers = self.workers() if self.process.poll() is None else []
        self.process.send_signal(signal.SIGTERM)
        self._wake(len(workers))
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            for pid in workers:
                with contextlib.suppress(TimeoutError):
                    wait_for(lambda pid=pid: not alive(pid), 20, "worker")
            client = self.redis.client()
            for chain in self.trial.chains:
                client("LREM", f"{chain}-in", 0, "woken")
            client.close()
        return code

    def _wake(self, workers: int) -> None:
        """A worker that waits for a vCon would notice only when it gives up. What it is given now it puts back."""
        time.sleep(0.3)
        client, chain = self.redis.client(), next(iter(self.trial.chains))
        for _ in range(workers * 2):
            client("RPUSH", f"{chain}-in", "woken")
        client.close()

    def close(self) -> None:
        if self.adapter is not None:
            self.adapter.stop()
        if self.process is not None and self.process.poll() is None:
            for pid in self.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(20)
        self.sink.terminate()
        self.sink.wait(20)
        self.front.stop()
        self.redis.stop()

    # What was written down.

    def notes(self) -> list[dict[str, Any]]:
        lines = [line for file in self.truth.iterdir() for line in file.read_text().splitlines()]
        return sorted(map(json.loads, lines), key=lambda note: note["ts"])

    def facts(self) -> list[dict[str, Any]]:
        client = self.redis.client(60)
        found: list[dict[str, Any]] = []
        place = "-"
        while entries := client("XRANGE", STREAM, place, "+", "COUNT", 1000):
            found += [json.loads(fields[1]) for _, fields in entries]
            place = f"({entries[-1][0]}"
        client.close()
        return found

    def exported(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.spans.read_text().splitlines()]

    def queued(self, name: str) -> list[str]:
        client = self.redis.client()
        found = client("LRANGE", name, 0, -1)
        client.close()
        return found


def main_of(checkout: Path) -> Path:
    """The server's program, which has had two places."""
    for place in ("conserver", "server"):
        if (checkout / place / "main.py").exists():
            return checkout / place / "main.py"
    raise SystemExit(f"{checkout} is no checkout of vcon-server: it has no conserver/main.py")


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextlib.contextmanager
def stand(checkout: Path, python: Path, folder: Path, trial: Trial) -> Iterator[Stand]:
    made = Stand(checkout, python, folder, trial)
    try:
        yield made
    finally:
        made.close()
