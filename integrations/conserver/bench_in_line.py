"""
What vcon_otel.py costs a server in line: `python3 bench_in_line.py`, with OpenTelemetry's SDK if it is installed.

The time spent in our own part of hooks, spans and calls, for runs of four links and a storage, 23 facts each: making the
facts and throwing them away; sending them, with all extras; with the hash of each document, of 20 KB; and the same while Redis
hangs or is gone. One after the other
in turns, in one process, so that the ratios hold on a busy machine.
"""

from __future__ import annotations

import gc
import logging
import socket
import statistics
import sys
import time
from typing import Any

import stand_ins
import vcon_otel
from stand_ins import LOGGER, ServerCase, free_port, redis_mgr

RUNS = 300
LINKS = ["a", "b", "c", "d"]


class Bench(ServerCase):
    def runTest(self) -> None:
        self.rows: dict[str, list[float]] = {}
        self.wall: dict[str, list[float]] = {}
        hanging = socket.create_server(("127.0.0.1", 0))
        gone, hangs = free_port(), hanging.getsockname()[1]
        for _ in range(5):
            self.measure("making the facts alone", self.redis.port, made_alone=True, extras=False)
            self.measure("… and the extras", self.redis.port, made_alone=True)
            self.measure("sent, extras on", self.redis.port)
            self.measure("… and hashes of 20 KB", self.redis.port, hash_document=True)
            self.measure("Redis hangs", hangs)
            self.measure("Redis is gone", gone)
        base, wall = statistics.median(self.rows["making the facts alone"]), statistics.median(self.wall["making the facts alone"])
        print(f"{'':24}  CPU µs a run  ratio   wall µs a run  ratio   p99 wall")
        for name, values in self.rows.items():
            cpu, took = statistics.median(values), self.wall[name]
            middle, high = statistics.median(took), statistics.quantiles(took, n=100)[98]
            print(f"{name:24}  {cpu:12.0f}  {cpu / base:5.2f}  {middle:14.0f}  {middle / wall:5.2f}  {high:9.0f}")
        print(f"OpenTelemetry: {'its SDK' if stand_ins.HAS_SDK else 'the stand-in'}; Python {sys.version.split()[0]}")

    def measure(self, name: str, port: int, made_alone: bool = False, **options: Any) -> None:
        with redis_mgr(port):
            self.serve(**options)
            listener = vcon_otel._listener
            if made_alone:
                listener.facts.add = lambda fact: True
            spent = self.timed(listener)
            cpu, wall = self.rows.setdefault(name, []), self.wall.setdefault(name, [])
            gc.collect()
            for number in range(RUNS):
                if options.get("hash_document"):
                    self.client.execute_command("SET", f"vcon:v{number}", "x" * 20_000)
                spent.clear()
                self.passage(LINKS, f"v{number}", storages=["s1"])
                if number > 20:
                    cpu.append(sum(busy for busy, _ in spent) / 1000)
                    wall.append(sum(took for _, took in spent) / 1000)
                # As much as a quick link takes: the sender has its turn.
                time.sleep(0.002)

    @staticmethod
    def timed(listener: Any) -> list[tuple[int, int]]:
        spent: list[tuple[int, int]] = []

        def around(original: Any) -> Any:
            def call(*args: Any) -> Any:
                busy, began = time.thread_time_ns(), time.perf_counter_ns()
                answer = original(*args)
                spent.append((time.thread_time_ns() - busy, time.perf_counter_ns() - began))
                return answer

            return call

        listener.safely, listener.called = around(listener.safely), around(listener.called)
        return spent


if __name__ == "__main__":
    LOGGER.setLevel(logging.ERROR)
    Bench.setUpClass()
    result = Bench().run()
    Bench.doClassCleanups()
    if result is not None and not result.wasSuccessful():
        print(*(text for _, text in result.errors + result.failures))
        sys.exit(1)
