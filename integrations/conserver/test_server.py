"""Tests of what is heard inside a (simulated) server, situation by situation: the picture that docs/facts.md draws."""

from __future__ import annotations

import gc
import importlib.util
import logging
import sys
import threading
import time
import unittest
from typing import Any
from unittest import mock

import vcon_otel
from stand_ins import FOLDER, STREAM, WHO, N, ServerCase, V, boom, facts_in, short, use_provider, wait_for


class WithSpans(ServerCase):
    def test_a_complete_run(self) -> None:
        self.assertEqual(self.told("a", "b", storages=["s1"]), "B +c +l0 T-1 L T0 -l0 +l1 L T1 -l1 +s -s -c= E")

    def test_a_link_that_makes_a_new_vcon(self) -> None:
        self.assertEqual(self.told("a", "new", "b", storages=["s1"]), "B +c +l0 T-1 L T0 -l0 +l1 L T1 -l1 +l2 L T2 -l2 +s -s -c= E")
        facts = self.facts()
        self.assertEqual([f["next"] for f in facts if f["kind"] == "after_link"], [V, f"{V}-new", f"{V}-new"])
        self.assertEqual([f["in"] for f in facts if f["kind"] == "tracer"], [V, V, f"{V}-new", f"{V}-new"])
        self.assertEqual(facts[-1]["vcon"], f"{V}-new")

    def test_a_halt_in_the_middle_and_at_the_end(self) -> None:
        self.assertEqual(self.told("a", "halt", "b", storages=["s1"]), "B +c +l0 T-1 L T0 -l0 +l1 LH T1 -l1 -c= E")
        self.assertEqual(self.told("a", "halt"), "B +c +l0 T-1 L T0 -l0 +l1 LH T1 -l1 -c= E")

    def test_a_link_that_raises(self) -> None:
        self.assertEqual(
            self.told("a", "boom", "b"), "B +c +l0 T-1 L T0 -l0 +l1 L(ValueError) -l1!(ValueError) dlq E(ValueError) -c!".replace("!(ValueError)", "!2")
        )
        end = self.facts("run_end")[0]
        self.assertEqual((end["index"], end["chain_ended"], end["last_told"]), (1, False, False))

    def test_a_link_that_cannot_be_imported_or_is_not_configured(self) -> None:
        missing = "ModuleNotFoundError"
        self.assertEqual(self.told("a", "missing"), f"B +c +l0 T-1 L T0 -l0 +l1 -l1!1 dlq E({missing}) -c!")
        self.assertEqual(self.told("missing"), f"B +c +l0 -l0!1 dlq E({missing}) -c!")
        self.assertEqual(self.told("a", "unknown"), "B +c +l0 T-1 L T0 -l0 dlq E(KeyError) -c!")
        self.assertNotIn("index", self.facts("run_end")[0])

    def test_a_tracer_of_the_server_that_fails_after_a_good_link(self) -> None:
        failing = mock.Mock(run=mock.Mock(side_effect=lambda *call: call[4] == 0 and boom(V)))
        self.server.imported_modules["failing"] = failing
        self.server.config["tracers"]["failing"] = {"module": "failing", "options": {"dlq_vcon_on_error": True}}
        self.assertEqual(self.told("a", "b"), "B +c +l0 T-1 L T0 L(ValueError) -l0!2 dlq E(ValueError) -c!")
        failing.run.side_effect = lambda *call: boom(V)
        self.assertEqual(self.told("a", "b"), "B +c +l0 T-1 L(ValueError) -l0!2 dlq E(ValueError) -c!")
        self.server.config["tracers"]["failing"]["options"] = {"dlq_vcon_on_error": False}
        self.assertEqual(self.told("a"), "B +c +l0 T-1 L T0 -l0 -c= E")

    def test_a_link_that_ends_the_worker(self) -> None:
        self.assertEqual(self.told("a", "exit"), "B +c +l0 T-1 L T0 -l0 +l1 -l1 E(SystemExit!) -c!")
        end = self.facts("run_end")[0]
        self.assertEqual((end["chain_ended"], end["last_told"]), (False, False))

    def test_a_chain_without_links(self) -> None:
        self.assertEqual(self.told(storages=["s1"]), "B +c +s -s -c= E")

    def test_a_link_that_returns_true(self) -> None:
        self.assertEqual(self.told("true", "b"), "B +c +l0 T-1 L T0 -l0 +l1 L T1 -l1 -c= E")
        self.assertIs(self.facts("run_end")[0]["vcon"], True)

    def test_a_storage_that_fails(self) -> None:
        self.assertEqual(self.told("a", storages=["bad"]), "B +c +l0 T-1 L T0 -l0 +s -s!1 -c= E")

    def test_storages_side_by_side_belong_to_their_run(self) -> None:
        self.told("a", storages=["s1", "s2", "bad"])
        steps = [fact for fact in self.facts() if fact.get("stage") == "storage"]
        self.assertEqual({(f["name"], f.get("status"), f["run"]) for f in steps if f["kind"] == "span_end"}, {("s1", "UNSET", 1), ("s2", "UNSET", 1), ("bad", "ERROR", 1)})
        self.assertEqual(len(steps), 6)
        # Nobody hands these threads the span of the chain.
        self.assertTrue(all("parent" not in step for step in steps))

    def test_egress_and_the_next_chain(self) -> None:
        self.assertEqual(self.told("a", egress_lists=["out", "other"]), "B +c +l0 T-1 L T0 -l0 egress egress -c= E")
        self.assertEqual([(f["list"], f["vcon"], f["run"]) for f in self.facts("egress")], [("out", V, 1), ("other", V, 1)])

    def test_a_link_s_own_use_of_queues_and_storages_is_none_of_the_chain_s(self) -> None:
        self.server.config["links"]["a"] = lambda vcon: (self.server.queue.enqueue("own", vcon), self.server.Storage("s1").save(vcon), vcon)[2]
        self.assertEqual(self.told("a"), "B +c +l0 T-1 L T0 -l0 -c= E")

    def test_a_run_carries_what_is_configured_and_who_queued_it(self) -> None:
        context = {"trace_id": "1" * 32, "span_id": "2" * 16, "trace_flags": 1, "is_sampled": True, "tel": WHO}
        with mock.patch.object(self.server.hook, "before_processing", self.server.hook.before_processing):
            details = {"name": "main", "links": ["a"], "storages": ["s1"], "egress_lists": ["out"]}
            self.server.hook.before_processing(V, details, {**context, "ingress_list": "in"})
            self.server.hook.after_processing(V, details, context)
        (start,) = self.facts("run_start")
        del context["tel"]
        self.assertEqual(
            {key: start[key] for key in ("links", "storages", "egress_lists", "ingress_list", "producer", "proceed")},
            {"links": ["a"], "storages": ["s1"], "egress_lists": ["out"], "ingress_list": "in", "producer": context, "proceed": True},
        )

    def test_runs_are_numbered_and_facts_of_concurrent_ones_stay_apart(self) -> None:
        self.server.config["links"]["slow"] = lambda vcon: (time.sleep(0.01), vcon)[1]
        threads = [threading.Thread(target=self.passage, args=(["slow", "new", "slow"], f"v{i}", f"chain{i}")) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        facts = [fact for fact in self.facts() if fact["kind"] != "attach"]
        self.assertEqual({fact["run"] for fact in facts}, set(range(1, 9)))
        for number in range(1, 9):
            own = [fact for fact in facts if fact["run"] == number]
            self.assertEqual(len({fact["thread"] for fact in own}), 1)
            self.assertEqual(len({fact["chain"] for fact in own if "chain" in fact}), 1)
            self.assertEqual(" ".join(map(short, own)), "B +c +l0 T-1 L T0 -l0 +l1 L T1 -l1 +l2 L T2 -l2 -c= E")

    def test_nothing_of_an_error_s_message_is_told(self) -> None:
        self.told("boom", storages=["bad"])
        self.told("a", storages=["bad"])
        self.assertNotIn(WHO, str(self.facts()))

    def test_without_extras_only_the_official_hooks_are_heard(self) -> None:
        self.serve(extras=False)
        self.assertEqual(self.told("a", "halt"), "B +c +l0 T-1 L? T0 -l0 +l1 L? T1 -l1 -c= E")
        self.assertEqual(self.told("boom", egress_lists=["x"]), "B +c +l0 T-1 L(ValueError) -l0!2 E(ValueError) -c!")
        self.assertNotIn("index", self.facts("run_end")[0])


class WithoutSpans(ServerCase):
    KIND = "none"

    def setUp(self) -> None:
        super().setUp()
        self.serve(self.KIND)

    def test_runs_and_their_links_are_heard(self) -> None:
        self.assertEqual(self.told("a", "new"), "B T-1 L T0 L T1 E")
        self.assertEqual([fact["index"] for fact in self.facts("after_link")], [0, 1])
        self.assertEqual(self.told("a", "halt", "b"), "B T-1 L T0 LH T1 E")
        self.assertEqual(self.told("a", "boom"), "B T-1 L T0 L(ValueError) dlq E(ValueError)")

    def test_of_a_link_that_cannot_be_imported_the_end_says_which(self) -> None:
        self.assertEqual(self.told("a", "missing"), "B T-1 L T0 dlq E(ModuleNotFoundError)")
        self.assertEqual(self.facts("run_end")[0]["index"], 1)
        self.assertEqual(self.told("a", "unknown"), "B T-1 L T0 dlq E(KeyError)")
        self.assertNotIn("index", self.facts("run_end")[0])

    def test_storages_are_heard_one_by_one_and_side_by_side(self) -> None:
        self.assertEqual(self.told("a", storages=["bad"]), "B T-1 L T0 storage_call storage_return(ValueError) E")
        self.told("a", storages=["s1", "bad"])
        told = {(f["storage"], f["vcon"], f["run"], f.get("error")) for f in self.facts("storage_return")}
        self.assertEqual(told, {("s1", V, 2, None), ("bad", V, 2, "ValueError")})

    def test_storages_of_the_same_vcon_in_the_same_chain_at_once_belong_each_to_its_run(self) -> None:
        both = threading.Barrier(4)
        self.server.config["storages"] = {"s1": lambda vcon: both.wait(10), "s2": lambda vcon: both.wait(10)}
        self.server.config["chains"]["main"] = {"links": ["a"], "storages": ["s1", "s2"]}
        threads = [threading.Thread(target=self.server.passage, args=("main", V)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted((f["run"], f["storage"]) for f in self.facts("storage_return")), [(1, "s1"), (1, "s2"), (2, "s1"), (2, "s2")])

    def test_the_end_tells_whether_the_last_link_was_heard(self) -> None:
        for links, told in ((["a", "b"], True), (["a", "halt", "b"], False), ([], None)):
            self.told(*links)
            end = self.facts("run_end")[0]
            self.assertEqual((end.get("last_told"), end.get("chain_ended")), (told, None))


class SampledOut(WithoutSpans):
    KIND = "sampled out"

    def test_a_leaked_context_is_taken_back_all_the_same(self) -> None:
        self.told("boom")
        from opentelemetry.trace import get_current_span

        self.assertFalse(get_current_span().get_span_context().is_valid)


class WithoutOpenTelemetry(WithoutSpans):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(sys.modules, {"opentelemetry": None, "opentelemetry.trace": None}))
        super().setUp()


    def test_a_provider_of_our_own_that_cannot_be_had_leaves_the_rest_to_be_heard(self) -> None:
        self.serve("none", own_provider=True)
        self.assertEqual(self.facts("attach")[-1]["spans"], "none")
        self.assertEqual(self.told("a"), "B T-1 L T0 E")


class OwnProvider(ServerCase):
    def test_is_set_where_it_is_asked_for_and_its_spans_are_heard(self) -> None:
        self.serve("none", own_provider=True)
        self.assertEqual(self.facts("attach")[-1]["spans"], "own")
        self.assertEqual(self.told("a", "boom"), "B +c +l0 T-1 L T0 -l0 +l1 L(ValueError) -l1!2 dlq E(ValueError) -c!")

    def test_is_set_by_itself_only_where_extras_cannot_stand_in(self) -> None:
        self.serve("none")
        self.assertEqual(self.facts("attach")[-1]["spans"], "none")
        self.serve("none", extras=False)
        self.assertEqual(self.facts("attach")[-1]["spans"], "own")
        self.serve("none", extras=False, own_provider=False)
        self.assertEqual(self.facts("attach")[-1]["spans"], "none")

    def test_that_takes_no_processor_is_none_that_is_heard(self) -> None:
        refuses = mock.Mock(side_effect=TypeError)
        with mock.patch.object(vcon_otel, "_span_processor", refuses):
            self.serve("heard")
        self.assertEqual(self.facts("attach")[-1]["spans"], "none")
        self.assertEqual(self.told("a", storages=["s1"]), "B T-1 L T0 storage_call storage_return E")

    def test_never_takes_the_place_of_the_server_s(self) -> None:
        self.serve("heard", own_provider=True)
        self.assertEqual(self.facts("attach")[-1]["spans"], "server")


class TheOperatorsOwnHooks(ServerCase):
    def hooks(self, server: Any, before: Any, after: Any = lambda *args, **kwargs: None) -> None:
        server.hook.before_processing, server.hook.after_processing = before, after

    def test_may_skip_a_vcon(self) -> None:
        self.serve(change=lambda server: self.hooks(server, lambda *args: None))
        self.assertEqual(self.told("a"), "B- E")

    def test_may_raise_and_the_vcon_goes_to_the_dlq(self) -> None:
        self.serve(change=lambda server: self.hooks(server, boom_with))
        self.assertEqual(self.told("a"), "B-(ValueError) dlq E(ValueError)")
        self.assertEqual(self.server.VconQueue.lists["DLQ:main-in"], [V])

    def test_are_called_with_what_the_server_passes_and_their_answers_come_through(self) -> None:
        seen: list[Any] = []

        def before(*args: Any) -> str:
            seen.append(args)
            return "anything"

        def after(*args: Any, **kwargs: Any) -> None:
            seen.append((args, kwargs))
            raise KeyError(WHO)

        self.serve(change=lambda server: self.hooks(server, before, after))
        with self.assertRaises(KeyError):
            self.passage(["boom"])
        (vcon, details, context), (ended, error) = seen
        self.assertEqual((vcon, details["name"], context["ingress_list"], ended[0]), (V, "main", "main-in", V))
        self.assertIsInstance(error["error"], ValueError)
        self.assertEqual(self.facts("run_end")[0]["error"], "ValueError")

    def test_that_are_put_in_place_later_still_leave_ours_to_be_called(self) -> None:
        ours = self.server.hook.before_processing
        self.hooks(self.server, lambda *args: ours(*args) and None, self.server.hook.after_processing)
        # Theirs has the last word, which ours cannot hear: what follows tells.
        self.assertEqual(self.told("a"), "B E")

    def test_after_link_that_raises_fails_the_link(self) -> None:
        def after_link(*args: Any) -> None:
            if args[5] == "success":
                raise LookupError

        def change(server: Any) -> None:
            server.after_link_hook.after_link = after_link

        self.serve(change=change)
        self.assertEqual(self.told("a"), "B +c +l0 T-1 L L(LookupError) -l0!2 dlq E(LookupError) -c!")


def boom_with(*args: Any) -> Any:
    return boom(args[0])


class OlderServers(ServerCase):
    def test_without_after_link_the_call_of_the_tracer_tells_a_halt(self) -> None:
        def change(server: Any) -> None:
            server.after_link_hook = Silent()

        self.serve(change=change)
        self.assertEqual(self.told("a", "halt"), "B +c +l0 T-1 T0 -l0 +l1 T1 -l1 -c= E")
        self.assertEqual([fact.get("halted") for fact in self.facts("tracer")], [None, False, True])

    def test_without_hooks_there_are_no_runs_but_spans(self) -> None:
        def change(server: Any) -> None:
            server.hook = Silent()

        self.serve(change=change)
        self.assertEqual(self.told("a"), "+c +l0 T-1 L T0 -l0 -c=")
        self.assertEqual({fact.get("run") for fact in self.facts()}, {None})

    def test_that_drop_the_answer_of_before_processing_run_the_chain_all_the_same(self) -> None:
        details = {"name": "main", "links": [], "storages": []}
        self.serve(change=lambda server: setattr(server.hook, "before_processing", lambda *args: None))
        self.server.hook.before_processing(V, details, {})
        if self.server.hook.before_processing(V, details, {}):
            self.fail("it answers what it answered before")
        self.assertEqual([fact["proceed"] for fact in self.facts("run_start")], [True, False])

    def test_whose_code_is_not_as_expected_are_told_so(self) -> None:
        def change(server: Any) -> None:
            del server.VconChainRequest, server._handle_vcon

        self.serve(change=change)
        found = {name for name, there in self.facts("attach")[-1]["extras"].items() if there}
        self.assertEqual(found, {"requeue"})

    def test_whose_queue_has_static_methods_is_called_as_before(self) -> None:
        def change(server: Any) -> None:
            pushed = []
            server.VconQueue = type("VconQueue", (), {"enqueue": staticmethod(lambda *given: pushed.append(given))})
            server.queue = server.VconQueue()
            self.pushed = pushed

        self.serve("heard", change)
        self.passage(["a"], egress_lists=["out"])
        self.assertEqual(self.pushed, [("out", V)])
        self.assertIs(self.facts("attach")[-1]["extras"]["egress"], False)

    def test_whose_links_halt_in_the_log_alone(self) -> None:
        def change(server: Any) -> None:
            logging.getLogger("main").setLevel(logging.INFO)
            self.addCleanup(logging.getLogger("main").setLevel, logging.NOTSET)
            self.addCleanup(logging.getLogger("main").filters.clear)
            self.enterContext(mock.patch.object(vcon_otel, "_variables", lambda function: {"vcon_chain_request"}))

        self.serve(change=change)
        self.assertEqual(self.told("a", "halt"), "B +c +l0 T-1 L? T0 -l0 +l1 L? T1 -l1 halt -c= E")
        self.assertEqual(self.facts("halt")[0]["link"], "halt")

    def test_that_return_something_else_than_is_found_are_left_alone(self) -> None:
        self.told("a")
        vcon_otel._listener.facts.runs[threading.get_ident()] = run = vcon_otel._Run(9, V, "main", ["a"], None)
        run.heard, run.returned = 0, N
        vcon_otel.run(V, V, "vcon_otel", ["a"], 0, {})
        self.assertFalse(vcon_otel._listener.extras["returned"])
        self.assertEqual(self.told("halt"), "B +c +l0 T-1 L? T0 -l0 -c= E")


class Silent:
    """A module without the hook that is looked for."""

    @staticmethod
    def before_processing(*_: Any) -> bool:
        return True

    @staticmethod
    def after_processing(*_: Any, **__: Any) -> None:
        pass

    @staticmethod
    def after_link(*_: Any) -> None:
        pass

    def __getattribute__(self, name: str) -> Any:
        if sys._getframe(1).f_globals["__name__"] == "vcon_otel":
            raise AttributeError(name)
        return object.__getattribute__(self, name)


class LoadedTwice(ServerCase):
    def test_under_two_names_it_is_heard_once(self) -> None:
        shared = mock.Mock(listener=vcon_otel._listener)
        spec = importlib.util.spec_from_file_location("custom.vcon_otel", FOLDER / "vcon_otel.py")
        assert spec is not None and spec.loader is not None
        again = importlib.util.module_from_spec(spec)
        with mock.patch.dict(sys.modules, {"_vcon_otel": shared}):
            spec.loader.exec_module(again)
        self.assertIs(again.failures, vcon_otel._listener.failures)
        self.server.imported_modules["again"] = again
        self.server.config["tracers"]["again"] = {"module": "again", "options": {}}
        self.assertEqual(self.told("a"), "B +c +l0 T-1 L T0 -l0 -c= E")

    def test_even_a_second_listener_leaves_wrapped_hooks_as_they_are(self) -> None:
        hook, provider = self.server.hook.before_processing, self.provider
        self.listener(main=self.server, attach=True)
        self.assertIs(self.server.hook.before_processing, hook)
        self.assertIs(self.provider, provider)

    def test_loaded_by_its_first_call_it_hears_what_comes_after(self) -> None:
        def change(server: Any) -> None:
            del server.config["imports"]

        self.serve(change=change)
        # As if it had been attached inside of this link.
        listener, attach = self.listener(main=self.server), vcon_otel._Listener.attach
        self.server.hook.before_processing = self.server.hook.before_processing.__wrapped__
        self.server.hook.after_processing = self.server.hook.after_processing.__wrapped__
        self.server.after_link_hook.after_link = self.server.after_link_hook.after_link.__wrapped__
        self.provider = use_provider("heard")
        self.assertIs(attach, type(listener).attach)
        self.assertEqual(self.told("a", "b"), "attach T-1 L T0 -l0 +l1 L T1 -l1 -c= E")
        first = self.facts("tracer")[0]
        self.assertEqual((first["chain"], len(first["span"]), len(first["parent"]), first["links"]), ("main", 16, 16, ["a", "b"]))
        self.assertEqual(self.told("a"), "B +c +l0 T-1 L T0 -l0 -c= E")


class Healed(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        gc.disable()
        self.addCleanup(gc.enable)
        self.addCleanup(gc.collect)

    def chains(self) -> list[dict[str, Any]]:
        return [fact for fact in self.facts("span_end") if fact["stage"] == "chain"]

    def test_a_failed_chain_s_span_ends_with_its_run_and_is_current_no_longer(self) -> None:
        for links in (["a"], ["boom"], ["a"], ["a", "boom"], ["missing"], ["a"]):
            self.passage(links)
        self.assertEqual([chain["status"] for chain in self.chains()], ["OK", "ERROR", "OK", "ERROR", "ERROR", "OK"])
        self.assertEqual(len({chain["trace"] for chain in self.chains()}), 6)
        self.assertFalse(any("parent" in chain for chain in self.chains()))

    def test_without_it_the_span_stays_open_and_later_runs_hang_below_it(self) -> None:
        self.serve(heal=False)
        self.passage(["boom"])
        self.passage(["a"])
        (chain,) = self.chains()
        self.assertIn("parent", chain)

    def test_spans_say_halts_errors_and_the_final_uuid(self) -> None:
        seen: dict[str, dict[str, Any]] = {}
        processor = mock.Mock()
        processor.on_end = lambda span: seen.setdefault(span.name, dict(span.attributes))
        self.provider.add_span_processor(processor)
        for chain, links in (("good", ["a", "new"]), ("halted", ["new", "halt", "b"]), ("failed", ["boom"])):
            self.passage(links, chain=chain)
        told = {name: {key: value for key, value in seen[f"vcon_processing.{name}"].items() if "." in key and key != "vcon.uuid"} for name in ("good", "halted", "failed")}
        self.assertEqual(told["good"], {"vcon.chain.outcome": "complete", "vcon.out_uuid": f"{V}-new"})
        self.assertEqual(told["halted"], {"vcon.chain.outcome": "halted", "vcon.out_uuid": f"{V}-new"})
        self.assertEqual(told["failed"], {"vcon.chain.outcome": "error", "error.type": "ValueError"})

    def test_by_hand_where_the_server_s_own_context_manager_is_not_found(self) -> None:
        with mock.patch.object(vcon_otel, "_caller", lambda name, reach: None):
            self.passage(["boom"])
            self.passage(["a"])
        self.assertEqual([chain["status"] for chain in self.chains()], ["ERROR", "OK"])
        self.assertFalse(any("parent" in chain for chain in self.chains()))

    def test_a_worker_that_exits_closes_its_span_too(self) -> None:
        with self.assertRaises(SystemExit):
            self.passage(["exit"])
        self.assertEqual([chain["status"] for chain in self.chains()], ["ERROR"])


class TheQueue(ServerCase):
    def test_that_is_full_costs_facts_but_says_where_and_how_many(self) -> None:
        listener = vcon_otel._listener
        self.passage(["a"])
        self.sent()
        with mock.patch.object(listener.facts, "limit", 0):
            self.passage(["b"])
            self.passage(["c"])
        self.passage(["d"])
        kinds = [fact["kind"] for fact in self.facts()]
        gap = self.facts("gap")
        self.assertEqual([(one["dropped"], one["reason"], one["run"], one["thread"]) for one in gap], [(18, "full", 2, threading.get_ident())])
        self.assertEqual(kinds[kinds.index("gap") + 1], "run_start")
        self.assertEqual(self.facts("run_start")[-1]["run"], 4)
        numbers = [fact["seq"] for fact in facts_in(self.client, STREAM, ("tested", *kinds))]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_what_a_thread_lost_that_has_ended_is_told_in_its_place(self) -> None:
        self.passage(["a"])
        with mock.patch.object(vcon_otel._listener.facts, "limit", 0):
            thread = threading.Thread(target=self.passage, args=(["a"],))
            thread.start()
            thread.join()
        wait_for(lambda: not vcon_otel._listener.facts.lost)
        self.assertEqual([gap["dropped"] for gap in self.facts("gap")], [9])

    def test_what_a_storage_s_thread_lost_is_told_before_its_run_ends(self) -> None:
        facts, limit = vcon_otel._listener.facts, vcon_otel._listener.facts.limit
        ended = facts.span_ended

        def full_for_storages(span: Any) -> None:
            facts.limit = 0 if span.name.startswith("storage.") else limit
            ended(span)
            facts.limit = limit

        with (
            mock.patch.object(facts, "span_ended", full_for_storages),
            mock.patch.object(vcon_otel._Sender, "report_losses_of_dead_threads"),
        ):
            self.passage(["a"], storages=["s1", "s2"])
            told = [(fact["kind"], fact.get("run")) for fact in self.facts()]
        # Both may have had the same thread.
        self.assertIn(("gap", 1), told[: told.index(("run_end", 1))])
        self.assertEqual(sum(fact["dropped"] for fact in self.facts("gap")), 2)

    def test_alive_names_the_open_runs(self) -> None:
        release = threading.Event()
        self.server.config["links"]["slow"] = lambda vcon: (release.wait(20), vcon)[1]
        with mock.patch.object(vcon_otel, "_ALIVE_EVERY", 0.05):
            vcon_otel._listener.sender.next_alive = 0.0
            thread = threading.Thread(target=self.passage, args=(["slow"],))
            thread.start()
            wait_for(lambda: len(facts_in(self.client, STREAM, ("alive",))) >= 3)
            release.set()
            thread.join()
            self.sent()
            before = len(facts_in(self.client, STREAM, ("alive",)))
            time.sleep(0.3)
        alive = self.facts("alive")
        self.assertEqual(({tuple(fact["runs"]) for fact in alive}, {fact["dropped"] for fact in alive}), ({(1,)}, {0}))
        self.assertLessEqual(len(alive), before + 1)


if __name__ == "__main__":
    unittest.main()
