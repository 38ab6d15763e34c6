"""The rows of the table: how the server is set up, and what is done to it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from redis_server import RedisError, wait_for
from server import Stand, Trial

MIXED = {
    "main": {
        "links": {"a": {"ms": 2}, "b": {"act": "mixed", "ms": 5}, "c": {"act": "mixed"}, "d": {"ms": 1}},
        "storages": {"s1": {"ms": 1}, "s2": {"act": "mixed", "ms": 2}, "s3": {}},
        "egress": ["second-in"],
    },
    "second": {"links": {"x": {"ms": 1}, "y": {"act": "mixed"}}, "storages": {"t1": {}}},
}
"""Four links and three storages, of which a part raises, halts or makes a new vCon; what is complete goes on to a second chain."""

EXITS = {"main": {"links": {"a": {"ms": 5}, "b": {"act": "mostly same, or exit"}, "c": {}}, "storages": {"s1": {}}}}

NOTHING_AFTER = {"bare": {"links": {"a": {}, "b": {"act": "mixed"}}}}
"""The last link may halt, and nothing comes after it."""


@dataclass
class Row:
    name: str
    trial: Trial
    drive: Callable[[Stand, int], None]
    runs: int
    spans: bool = True
    """Whether the picture of the exported spans is to be right as well."""
    by_http: bool = False
    """Whether facts go to vcon-otel alone, and not to the stream."""

    @property
    def heard_by_tracers_alone(self) -> bool:
        return self.by_http or self.trial.may_lose


def steadily(stand: Stand, runs: int) -> None:
    stand.start()
    for chain in _entries(stand):
        stand.push(chain, runs // len(_entries(stand)))
    stand.wait_until_done(60 + runs)


def _entries(stand: Stand) -> list[str]:
    """The chains that no other chain sends to."""
    targets = {target.removesuffix("-in") for chain in stand.trial.chains.values() for target in chain.get("egress", [])}
    return [chain for chain in stand.trial.chains if chain not in targets]


def while_something_happens(what: Callable[[Stand], None]) -> Callable[[Stand, int], None]:
    """Four times, spread over the load, while vCons are waiting."""

    def drive(stand: Stand, runs: int) -> None:
        stand.start()
        for chain in _entries(stand):
            stand.push(chain, runs // len(_entries(stand)))
        for left in (0.8, 0.6, 0.4, 0.2):
            wait_for(lambda left=left: _waiting(stand) <= runs * left, 60 + runs, "vCons to be taken")
            what(stand)
        stand.wait_until_done(120 + runs)

    return drive


def _waiting(stand: Stand) -> int:
    try:
        return stand.waiting()
    except (OSError, RedisError):
        return 10**9


def kill_a_worker(stand: Stand) -> None:
    """While it has something in hand, once all are there again: the server looks after them every five seconds."""
    wait_for(lambda: len(stand.workers()) == stand.trial.workers, 30, "workers")
    time.sleep(random.uniform(0.0, 0.1))
    stand.kill(random.choice(stand.workers()))


def stop_and_start(stand: Stand) -> None:
    stand.stop()
    stand.start()


def kill_the_adapter(stand: Stand) -> None:
    if stand.adapter is not None:
        stand.adapter.kill()
        stand.adapter.start()


def adapter_away(stand: Stand) -> None:
    if stand.adapter is not None:
        stand.adapter.kill()
        time.sleep(5.0)
        stand.adapter.start()


def restart_redis(stand: Stand) -> None:
    stand.redis.restart(1.5)


def freeze_redis(stand: Stand) -> None:
    stand.redis.freeze(4.0)


def _chains(**chains: dict) -> dict:
    return chains


def _links(*acts: str, **more) -> dict:
    return {"links": {f"l{place}": {"act": act} for place, act in enumerate(acts)}, **more}


S1 = {"storages": {"s1": {}}}
FACTS = _chains(
    happy=_links("same", "same", **S1),
    change=_links("same", "new", "same", **S1),
    halts=_links("same", "halt", "same", **S1),
    halts_last=_links("same", "halt"),
    ends_bare=_links("same", "same"),
    fails=_links("same", "raise", "same", **S1),
    fails_first=_links("raise", "same"),
    changes_last=_links("new"),
    true=_links("true", "same", **S1),
    no_import={"links": {"l0": {}, "l1": {"module": "no_such_module"}, "l2": {}}, **S1},
    no_import_first={"links": {"l0": {"module": "no_such_module"}, "l1": {}}, **S1},
    unknown=_links("same", "same", **S1),
    storage={"links": {"l0": {}}, "storages": {"s1": {"act": "raise"}, "s2": {}}},
    empty={"links": {}, **S1},
    twice={"links": {"l0": {}}, "order": ["l0", "l0"], **S1},
    sends={"links": {"l0": {"act": "new"}}, "egress": ["gets-in"], **S1},
    gets={"links": {"l0": {}}, **S1},
)
MISSING = ("unknown.l1",)
TRACER = {"raise_at": 0, "dlq_vcon_on_error": True}

FAILING = _chains(good=_links("same", **S1), bad=_links("same", "raise"), halted=_links("new", "halt", "same"))


def nine_of_fourteen_fail(stand: Stand, runs: int) -> None:
    """In turns, so that each failure has a run after it that it could be glued to."""
    stand.start()
    for chain in ("bad", "good", "bad", "bad", "halted", "bad", "good", "bad", "bad", "good", "bad", "bad", "halted", "bad"):
        stand.push(chain)
        stand.wait_until_popped(30)
        time.sleep(0.3)
    stand.wait_until_done(30 + runs)


every_case = Trial(FACTS, missing=MISSING)
load = Trial(MIXED, workers=2, threads=2)
spans_alone = replace(load, spans_alone=True)

HTTP = {"mode": "http", "url": "http://127.0.0.1:HTTP_PORT/v1/bridge"}
FAIL_CLOSED = {**HTTP, "wait": "delivered", "timeout": 10, "dlq_vcon_on_error": True}

ROWS = [
    Row("every case, one worker", every_case, steadily, 96),
    Row("every case, storages one by one", replace(every_case, parallel_storages=False, threads=3), steadily, 96),
    Row("every case, no OpenTelemetry", replace(every_case, otel=False), steadily, 96, spans=False),
    Row("every case, spawn", replace(every_case, workers=2, start_method="spawn"), steadily, 96, spans=False),
    Row("every case, sampled out", replace(every_case, sampler="always_off"), steadily, 96, spans=False),
    Row("every case, our own provider", replace(every_case, otel=False, options={"own_provider": True}), steadily, 96, spans=False),
    Row("every case, two names", replace(every_case, second_name=True), steadily, 96),
    Row("every case, imports alone", replace(every_case, by_tracers=False), steadily, 96),
    Row("9 of 14 fail, no collections", Trial(FAILING, collections="off"), nine_of_fourteen_fail, 14),
    Row("9 of 14 fail, not healed", Trial(FAILING, collections="off", options={"heal": False}), nine_of_fourteen_fail, 14, spans=False),
    Row("tracer to the DLQ at 0", replace(load, tracer=TRACER), steadily, 60),
    Row("tracer to the DLQ at -1", replace(load, tracer={**TRACER, "raise_at": -1}), steadily, 60),
    Row("tracer fails, no flag", replace(load, tracer={"raise_at": 1}), steadily, 60),
    Row("operator's own hooks", replace(load, hooks=True), steadily, 120),
    Row("nothing after the last link", Trial(NOTHING_AFTER, threads=4), steadily, 120),
    Row("nothing after, no OpenTelemetry", Trial(NOTHING_AFTER, threads=4, otel=False), steadily, 120, spans=False),
    Row("load, 2 workers x 2 threads", load, steadily, 400),
    Row("load, 1 worker, serial", replace(load, workers=1, threads=1), steadily, 300),
    Row("collections forced, 4 threads", replace(load, threads=4, collections="forced"), steadily, 400),
    Row("collections forced, not healed", replace(load, threads=4, collections="forced", options={"heal": False}), steadily, 400, spans=False),
    Row("load, spawn", replace(load, start_method="spawn"), steadily, 300, spans=False),
    Row("load, no OpenTelemetry, 8 threads", replace(load, otel=False, threads=8), steadily, 400, spans=False),
    Row("over HTTP", replace(load, options=HTTP), steadily, 200, by_http=True),
    Row("over HTTP, fail closed", replace(load, options=FAIL_CLOSED), steadily, 200, by_http=True),
    Row("a link ends its worker", Trial(EXITS, workers=2), steadily, 40),
    Row("SIGTERM and start, 4 times", load, while_something_happens(stop_and_start), 300),
    Row("kill -9 of a worker, 4 times", load, while_something_happens(kill_a_worker), 600, spans=False),
    Row("kill -9, spawn", replace(load, start_method="spawn"), while_something_happens(kill_a_worker), 600, spans=False),
    Row("adapter killed -9, 4 times", load, while_something_happens(kill_the_adapter), 400),
    Row("adapter away 5 s, 4 times", load, while_something_happens(adapter_away), 400),
    Row("Redis restarted, 4 times", load, while_something_happens(restart_redis), 400, spans=False),
    Row("Redis frozen 4 s, 4 times", load, while_something_happens(freeze_redis), 300),
    Row("stream cut, adapter away 5 s", replace(load, options={"maxlen": 500}), while_something_happens(adapter_away), 400, spans=False),
    Row("queue full, Redis frozen 4 s", replace(load, options={"queue": 20}, threads=4), while_something_happens(freeze_redis), 400, spans=False),
    Row("OTLP alone, every case", replace(every_case, spans_alone=True), steadily, 96, spans=False),
    Row("OTLP alone, load", spans_alone, steadily, 400, spans=False),
    Row("OTLP alone, SIGTERM and start", spans_alone, while_something_happens(stop_and_start), 300, spans=False),
    Row("OTLP alone, kill -9 of a worker", spans_alone, while_something_happens(kill_a_worker), 600, spans=False),
    Row("OTLP alone, adapter killed -9", spans_alone, while_something_happens(kill_the_adapter), 400, spans=False),
    Row("OTLP alone, adapter away 5 s", spans_alone, while_something_happens(adapter_away), 400, spans=False),
]
