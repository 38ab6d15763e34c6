"""Tests of whole processes: forked and spawned workers, their end, and what is then still to be sent."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from stand_ins import FOLDER, HAS_SDK, Client, RedisCase, RedisServer, facts_in, free_port, wait_for

LINKS = {"a": {"ms": 2}, "b": {"ms": 1}, "slow": {"ms": 2000}}


class ServerProcess:
    """The simulated server as a program."""

    def __init__(self, test: unittest.TestCase, port: int, workers: int, threads: int, method: str = "fork", **options: Any) -> None:
        folder = Path(test.enterContext(tempfile.TemporaryDirectory()))
        entry = {"module": "vcon_otel", "options": options}
        chains = {"main": {"links": ["a", "b"], "storages": ["s1", "s2"]}, "slow": {"links": ["slow"]}}
        config = {"links": LINKS, "storages": {"s1": {"ms": 1}, "s2": {}}, "chains": chains}
        named = {"imports": {"x": {"module": "vcon_otel"}}, "tracers": {"x": entry}}
        (folder / "config.json").write_text(json.dumps({**config, **named}))
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "simulated_server.py", *map(str, (port, folder / "config.json", workers, threads, method))],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(FOLDER), "VCON_OTEL_TEST_STAND_IN": "1"},
        )
        test.addCleanup(self.end)
        self.workers = [self.process.pid]
        if workers > 1:
            assert self.process.stdout is not None
            self.workers = [int(pid) for pid in self.process.stdout.readline().split()]

    def stop(self) -> float:
        """How many seconds it takes to end when it is told to."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began

    def end(self) -> None:
        for pid in {*self.workers, self.process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()


class WorkersThatEnd(RedisCase):
    def push(self, count: int, chain: str = "main") -> None:
        for number in range(count):
            self.client.execute_command("RPUSH", f"{chain}-in", f"v{number}")

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        return facts_in(self.client, kinds=kinds)

    def complete(self) -> None:
        """Every process has told of all it did, up to its last word."""
        facts = self.told()
        processes = {(fact["pid"], fact["boot"]) for fact in facts}
        for pid, boot in processes:
            own = [fact for fact in facts if (fact["pid"], fact["boot"]) == (pid, boot)]
            self.assertEqual([fact["seq"] for fact in own], list(range(1, len(own) + 1)))
            self.assertEqual((own[0]["kind"], own[-1]["kind"]), ("attach", "detach"))
            kinds = [fact["kind"] for fact in own]
            self.assertEqual(kinds.count("run_start"), kinds.count("run_end"))

    def test_on_a_signal_lose_nothing_though_their_threads_go_on_for_a_while(self) -> None:
        for workers, threads, method in ((2, 2, "fork"), (1, 1, "fork"), (1, 4, "fork"), (2, 2, "spawn")):
            with self.subTest(workers=workers, threads=threads, method=method):
                self.client.execute_command("FLUSHALL")
                server = ServerProcess(self, self.redis.port, workers, threads, method)
                self.push(400)
                wait_for(lambda: len(self.told("run_end")) > 40)
                server.stop()
                left = self.client.execute_command("LLEN", "main-in")
                self.assertEqual(server.process.returncode, 0)
                self.assertEqual(len(self.told("run_end")) + left, 400)
                self.assertEqual({fact["pid"] for fact in self.told("attach")}, set(server.workers))
                self.complete()

    def test_bring_their_run_in_hand_to_its_end_first(self) -> None:
        server = ServerProcess(self, self.redis.port, 1, 1)
        self.push(1, "slow")
        wait_for(lambda: len(self.told("run_start")) == 1)
        self.assertGreater(server.stop(), 1.0)
        self.assertEqual(len(self.told("run_end")), 1)
        self.complete()

    def test_are_held_by_a_redis_that_hangs_no_longer_than_flush(self) -> None:
        for hangs in (True, False):
            listener = socket.create_server(("127.0.0.1", 0)) if hangs else None
            port = listener.getsockname()[1] if listener is not None else free_port()
            server = ServerProcess(self, self.redis.port, 2, 2, redis_url=f"redis://127.0.0.1:{port}", flush=1)
            self.push(20)
            wait_for(lambda: self.client.execute_command("LLEN", "main-in") == 0)
            time.sleep(0.5)
            # Once a second the simulated server looks whether it is to end.
            self.assertLess(server.stop(), 6)
            self.assertEqual(server.process.returncode, 0)
            if listener is not None:
                listener.close()

    def test_wait_for_a_redis_that_is_about_to_come_back(self) -> None:
        facts = RedisServer()
        self.addCleanup(lambda: facts.stop())
        server = ServerProcess(self, self.redis.port, 1, 1, redis_url=f"redis://127.0.0.1:{facts.port}", flush=30)
        self.push(5)
        wait_for(lambda: len(facts_in(Client(facts.port), kinds=("run_end",))) == 5)
        facts._process.send_signal(signal.SIGSTOP)
        self.push(5)
        wait_for(lambda: self.client.execute_command("LLEN", "main-in") == 0)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(2.5)
        facts._process.send_signal(signal.SIGCONT)
        server.process.wait(30)
        self.assertEqual(len({fact["run"] for fact in facts_in(Client(facts.port), kinds=("run_end",))}), 10)

    def test_that_are_killed_lose_little_and_hold_up_nobody(self) -> None:
        server = ServerProcess(self, self.redis.port, 2, 1)
        self.push(2000)
        wait_for(lambda: len(self.told("run_end")) > 40)
        os.kill(server.workers[0], signal.SIGKILL)
        before = len(self.told("run_end"))
        wait_for(lambda: len(self.told("run_end")) > before + 20)
        server.stop()
        other = [fact for fact in self.told() if fact["pid"] == server.workers[1]]
        self.assertEqual(other[-1]["kind"], "detach")
        killed = [fact for fact in self.told() if fact["pid"] == server.workers[0]]
        self.assertEqual([fact["seq"] for fact in killed], list(range(1, len(killed) + 1)))

    @unittest.skipUnless(HAS_SDK, "the stand-in has no exporter")
    def test_have_the_last_spans_of_the_server_exported(self) -> None:
        script = FLUSH.replace("PORT", str(self.redis.port))
        done = subprocess.run([sys.executable, "-c", script, str(FOLDER)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.split(), ["exported", "3"], done.stderr)


FLUSH = """
import multiprocessing, os, sys, threading, types
sys.path.insert(0, sys.argv[1])
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

class Exporter(SpanExporter):
    def export(self, spans):
        os.write(1, f"exported {len(spans)}\\n".encode())
        return 0

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Exporter(), schedule_delay_millis=60_000))
trace.set_tracer_provider(provider)
import simulated_server
sys.modules["__main__"].config = {"imports": {"x": "vcon_otel"}}
sys.modules["redis_mgr"] = types.ModuleType("redis_mgr")
sys.modules["redis_mgr"].redis = simulated_server.redis_client(PORT)

def work():
    import vcon_otel
    def later():
        import time
        time.sleep(0.5)
        for _ in range(3):
            trace.get_tracer("x").start_span("link.a").end()
    threading.Thread(target=later).start()

worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
"""


if __name__ == "__main__":
    unittest.main()
