"""
A small vCon server for tests: takes vCons off lists, leads them through chains, calls hooks, links, tracers and storages at
the moments, and from functions of the names, at and from which the real one does. It shares its faults: the span of a chain
that fails is left open and current.

As a program it serves a Redis: `simulated_server.py REDIS_PORT CONFIG_FILE WORKERS THREADS START_METHOD`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

logger = logging.getLogger("main")

hook = types.ModuleType("hook")
hook.before_processing = lambda vcon_id, chain_details, context: vcon_id
hook.after_processing = lambda vcon_id, chain_details, context, error=None: None
after_link_hook = types.ModuleType("after_link_hook")
after_link_hook.after_link = lambda *args: None

config: dict[str, Any] = {}
imported_modules: dict[str, Any] = {}
shutdown_requested = False


class VconQueue:
    """Lists in memory, or, in a process of its own, in Redis."""

    lists: dict[str, list[Any]] = defaultdict(list)
    client: Any = None

    def enqueue(self, list_name: str, vcon_id: Any) -> None:
        if self.client is None:
            self.lists[list_name].append(vcon_id)
        else:
            self.client.execute_command("RPUSH", list_name, vcon_id)

    def enqueue_front(self, list_name: str, vcon_id: Any) -> None:
        if self.client is None:
            self.lists[list_name].insert(0, vcon_id)
        else:
            self.client.execute_command("LPUSH", list_name, vcon_id)

    def enqueue_dlq(self, ingress_list: str, vcon_id: Any) -> None:
        self.enqueue(f"DLQ:{ingress_list}", vcon_id)

    def dequeue(self, list_names: list[str], timeout: int) -> Any:
        return self.client.execute_command("BLPOP", *list_names, timeout)


class Storage:
    def __init__(self, storage_name: str) -> None:
        self.storage_name = storage_name

    def save(self, vcon_id: Any) -> None:
        config["storages"][self.storage_name](vcon_id)


queue = VconQueue()


def _tracer() -> Any:
    try:
        from opentelemetry import trace

        return trace.get_tracer(__name__)
    except ImportError:
        return None


@contextlib.contextmanager
def _span(name: str, **attributes: Any) -> Any:
    tracer = _tracer()
    if tracer is None:
        yield None
    else:
        with tracer.start_as_current_span(name, attributes=attributes) as span:
            yield span


class VconChainRequest:
    def __init__(self, chain_details: dict[str, Any], vcon_id: Any) -> None:
        self.chain_details, self.vcon_id = chain_details, vcon_id
        self._span: Any = None
        self._span_context_manager: Any = None

    def process(self) -> None:
        chain, links = self.chain_details["name"], self.chain_details["links"]
        if _tracer() is not None:
            attributes = {"vcon_id": self.vcon_id, "vcon.uuid": self.vcon_id, "chain_name": chain}
            self._span_context_manager = _tracer().start_as_current_span(f"vcon_processing.{chain}", attributes=attributes)
            self._span = self._span_context_manager.__enter__()
        should_continue_chain = self.vcon_id
        for place in range(len(links)):
            should_continue_chain = self._process_link(links, place)
            if not should_continue_chain:
                logger.info("Link %s halted chain processing for vCon %s", links[place], self.vcon_id)
                break
            self.vcon_id = should_continue_chain
        if should_continue_chain:
            self._wrap_up()
        if self._span_context_manager is not None:
            from opentelemetry.trace import Status, StatusCode, get_current_span

            get_current_span().set_status(Status(StatusCode.OK))
            self._span_context_manager.__exit__(None, None, None)

    def _process_link(self, links: list[str], link_index: int) -> Any:
        link_name = links[link_index]
        link = config["links"][link_name]
        chain = self.chain_details["name"]
        with _span(f"link.{link_name}", vcon_id=self.vcon_id, link_name=link_name, link_index=link_index, chain_name=chain) as span:
            if link is None:
                raise ModuleNotFoundError(link_name)
            try:
                if link_index == 0:
                    self._process_tracers(self.vcon_id, self.vcon_id, links, -1)
                should_continue_chain = link(self.vcon_id)
                after_link_hook.after_link(self.vcon_id, link_name, link, {}, {}, "success", None, [])
                self._process_tracers(should_continue_chain or self.vcon_id, self.vcon_id, links, link_index)
                return should_continue_chain
            except Exception as error:
                with contextlib.suppress(Exception):
                    after_link_hook.after_link(self.vcon_id, link_name, link, {}, {}, "error", error, [])
                if span is not None:
                    span.record_exception(error)
                raise

    def _process_tracers(self, after: Any, before: Any, links: list[str], index: int) -> None:
        for name, entry in config.get("tracers", {}).items():
            options = entry.get("options")
            try:
                module = entry["module"]
                if module not in imported_modules:
                    imported_modules[module] = importlib.import_module(module)
                imported_modules[module].run(after, before, name, links, index, options)
            except Exception:
                logger.error("Error in tracer %s", name)
                if options.get("dlq_vcon_on_error"):
                    raise

    def _wrap_up(self) -> None:
        for name in self.chain_details.get("egress_lists") or []:
            queue.enqueue(name, self.vcon_id)
        storages = self.chain_details.get("storages") or []
        if len(storages) < 2:
            for name in storages:
                self._process_storage(name)
            return
        with ThreadPoolExecutor(max_workers=len(storages)) as pool:
            list(pool.map(self._process_storage, storages))

    def _process_storage(self, storage_name: str) -> None:
        chain = self.chain_details["name"]
        with _span(f"storage.{storage_name}", vcon_id=self.vcon_id, storage_name=storage_name, chain_name=chain) as span:
            try:
                Storage(storage_name).save(self.vcon_id)
            except Exception as error:
                if span is not None:
                    from opentelemetry.trace import Status, StatusCode

                    span.set_status(Status(StatusCode.ERROR, str(error)))
                    span.record_exception(error)


def _handle_vcon(worker_name: str, ingress_list: str, vcon_id: Any, chain_details: dict[str, Any]) -> None:
    vcon_chain_request = VconChainRequest(chain_details, vcon_id)
    processing_error = None
    context = {"ingress_list": ingress_list}
    try:
        if not hook.before_processing(vcon_id, chain_details, context):
            return
        vcon_chain_request.process()
    except Exception as error:
        processing_error = error
        queue.enqueue_dlq(ingress_list, vcon_id)
    finally:
        hook.after_processing(vcon_chain_request.vcon_id, chain_details, context, error=processing_error)


def passage(chain: str, vcon_id: Any) -> None:
    """One vCon through one chain, on this thread."""
    _handle_vcon("Worker-1", f"{chain}-in", vcon_id, {"name": chain, **config["chains"][chain]})


def load_imports() -> None:
    for entry in config.get("imports", {}).values():
        imported_modules[entry["module"]] = importlib.import_module(entry["module"])


def worker_loop(worker_id: int, port: int, file: str, threads: int) -> None:
    global config
    from resp_client import Client

    signal.signal(signal.SIGTERM, _request_shutdown)
    queue.client = VconQueue.client = Client(port)
    redis_mgr = sys.modules["redis_mgr"] = types.ModuleType("redis_mgr")
    redis_mgr.redis = redis_client(port)
    redis_mgr.get_client = lambda: redis_mgr.redis
    config = _configured(file)
    sys.modules.setdefault("hook", hook)
    sys.modules.setdefault("after_link_hook", after_link_hook)
    load_imports()
    pool = ThreadPoolExecutor(threads, thread_name_prefix=f"Worker-{worker_id}-vcon") if threads > 1 else None
    lists = {f"{chain}-in": chain for chain in config["chains"]}
    slots = threading.Semaphore(threads)
    while not shutdown_requested:
        popped = queue.dequeue(list(lists), 1)
        if not popped:
            continue
        if shutdown_requested:
            queue.enqueue_front(*popped)
            break
        if pool is None:
            passage(lists[popped[0]], popped[1])
        else:
            slots.acquire()
            pool.submit(passage, lists[popped[0]], popped[1]).add_done_callback(lambda _: slots.release())
    if pool is not None:
        pool.shutdown(wait=True)


def redis_client(port: int) -> Any:
    """As far as our file looks at the server's: where its connections go."""
    pool = types.SimpleNamespace(connection_kwargs={"host": "127.0.0.1", "port": port}, connection_class=object)
    return types.SimpleNamespace(connection_pool=pool)


def _configured(file: str) -> dict[str, Any]:
    with open(file) as opened:
        given = json.load(opened)
    links = {name: _act(settings) for name, settings in given["links"].items()}
    storages = {name: _act(settings) for name, settings in given.get("storages", {}).items()}
    return {**given, "links": links, "storages": storages}


def _act(settings: dict[str, Any]) -> Any:
    def act(vcon_id: Any) -> Any:
        time.sleep(settings.get("ms", 0) / 1000)
        match settings.get("act"):
            case "raise":
                raise ValueError("exploded for +15551234567")
            case "halt":
                return None
            case "new":
                return f"{vcon_id}-new"
        return vcon_id

    return act


def _request_shutdown(*_: Any) -> None:
    global shutdown_requested
    shutdown_requested = True


def main(port: int, file: str, workers: int, threads: int, start_method: str) -> None:
    if workers == 1:
        worker_loop(1, port, file, threads)
        return
    method = multiprocessing.get_context(start_method)
    processes = [
        method.Process(target=worker_loop, args=(number, port, file, threads), name=f"vcon-worker-{number}")
        for number in range(1, workers + 1)
    ]
    for process in processes:
        process.start()

    def pass_on(*_: Any) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid or 0, signal.SIGTERM)

    signal.signal(signal.SIGTERM, pass_on)
    print(*[process.pid for process in processes], flush=True)
    for process in processes:
        process.join()


if os.environ.get("VCON_OTEL_TEST_STAND_IN"):
    # As the real server does, before it forks: in a spawned worker there is no provider.
    from opentelemetry_stand_in import HAS_SDK, use_provider

    if multiprocessing.parent_process() is None and not HAS_SDK:
        use_provider("heard")

if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
