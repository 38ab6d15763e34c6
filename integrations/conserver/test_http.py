"""Tests of `mode: http`, and of calls that wait."""

from __future__ import annotations

import email.utils
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import uuid
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from stand_ins import LINKS, WHO, Case, Receiver, V, call, free_port, hang_up, http, wait_for

import vcon_otel

RETRY_AT_ONCE = mock.patch.object(vcon_otel.random, "uniform", lambda low, high: 0.001)


def durable(url: str, **options: Any) -> dict[str, Any]:
    return http(url, wait="durable", **options)


def delivered(url: str, **options: Any) -> dict[str, Any]:
    return http(url, wait="delivered", **options)


class HttpCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.listener()

    def receiver(self, *answers: Any) -> Receiver:
        return self.enterContext(Receiver(*answers))

    def failing(self, message: str, opts: dict[str, Any]) -> None:
        with self.assertRaisesRegex(vcon_otel.ForwardingError, message) as raised:
            call(opts=opts)
        self.assertIsNone(raised.exception.__cause__)
        self.assertTrue(raised.exception.__suppress_context__ or raised.exception.__context__ is None)

    @staticmethod
    def posted(receiver: Receiver) -> list[dict[str, Any]]:
        return [fact for request in receiver.requests for fact in (request.body if isinstance(request.body, list) else [])]


class Posting(HttpCase):
    def test_facts_go_in_arrays_over_one_connection_that_nobody_waits_for(self) -> None:
        receiver = self.receiver()
        for index in (-1, 0, 1):
            self.assertIs(call(index=index, opts=http(receiver.url, token="s3cret")), True)
            self.sent()
        facts = [fact for fact in self.posted(receiver) if fact["kind"] in ("attach", "tracer")]
        self.assertEqual([fact.get("index") for fact in facts], [None, -1, 0, 1])
        headers = receiver.requests[0].headers
        self.assertEqual((headers["Authorization"], headers["Content-Type"]), ("Bearer s3cret", "application/json"))
        self.assertEqual((receiver.requests[0].path, receiver.connections), ("/v1/bridge", 1))

    def test_a_receiver_that_is_away_holds_up_nothing_and_hears_everything_later(self) -> None:
        port = free_port()
        started = time.monotonic()
        for index in range(500):
            self.assertIs(call(index=index, opts=http(f"http://127.0.0.1:{port}/v1/bridge")), True)
        self.assertLess(time.monotonic() - started, 2)
        wait_for(lambda: vcon_otel._listener.failures["records"] > 1)
        with mock.patch("socketserver.TCPServer.server_bind", bind_to(port)):
            receiver = self.receiver()
        self.sent(20)
        indexes = [fact["index"] for fact in self.posted(receiver) if fact["kind"] == "tracer"]
        self.assertEqual(indexes, list(range(500)))

    def test_what_may_pass_is_sent_again_and_what_is_of_the_sender_is_kept(self) -> None:
        for status in (401, 403, 404, 408, 425, 429, 500, 503):
            receiver = self.receiver(status, status)
            with RETRY_AT_ONCE, mock.patch.object(vcon_otel, "_Refused", impatient):
                self.listener()
                call(opts=http(receiver.url))
                self.sent()
            self.assertEqual([fact["seq"] for fact in receiver.requests[0].body][:1], [1])
            self.assertIn("tracer", {fact["kind"] for fact in receiver.requests[-1].body} | {f["kind"] for f in self.posted(receiver)})

    def test_one_fact_that_is_refused_is_found_and_left_out_and_told(self) -> None:
        def answer(handler: Any) -> None:
            body = receiver.requests[-1].body
            handler.send_response(400 if any(fact.get("index") == 7 for fact in body) else 200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        receiver = self.receiver(*[answer] * 100)
        for index in range(20):
            call(index=index, opts=http(receiver.url))
        self.sent()
        accepted = {}
        for request in receiver.requests:
            if not any(fact.get("index") == 7 for fact in request.body):
                accepted.update({fact["seq"]: fact for fact in request.body})
        self.assertEqual({fact["index"] for fact in accepted.values() if fact["kind"] == "tracer"}, {*range(20)} - {7})
        (gap,) = [fact for fact in accepted.values() if fact["kind"] == "gap"]
        self.assertEqual((gap["dropped"], gap["reason"], gap["thread"]), (1, "refused", threading.get_ident()))


    def test_a_receiver_that_refuses_everything_is_asked_only_now_and_then(self) -> None:
        """Something else than vcon-otel may answer there: every fact is refused, and so is the gap that says so."""
        receiver = self.receiver(*[400] * 10_000)
        for index in range(20):
            call(index=index, opts=http(receiver.url))
        wait_for(lambda: vcon_otel._listener.sender.failed >= 1)
        before = len(receiver.requests)
        time.sleep(1)
        self.assertLessEqual(len(receiver.requests) - before, 3)

    def test_a_gap_that_is_refused_is_not_told_by_another(self) -> None:
        receiver = self.receiver(*[400] * 10_000)
        with mock.patch.object(vcon_otel, "_GIVE_UP_AFTER", 10_000):
            call(opts=http(receiver.url))
            wait_for(lambda: len(receiver.requests) >= 4)
            wait_for(lambda: not vcon_otel._listener.sender.entries)
        kinds = [fact["kind"] for request in receiver.requests for fact in request.body if len(request.body) == 1]
        self.assertEqual(sorted(kinds), ["attach", "gap", "gap", "tracer"])

    def test_an_answer_without_end_is_left(self) -> None:
        def endless(handler: Any) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(10_000):
                handler.wfile.write(b"x-%d: 1\r\n" % number)

        receiver = self.receiver(endless)
        call(opts=http(receiver.url))
        self.sent()
        self.assertEqual(self.posted(receiver)[0]["kind"], "attach")
        self.failures(records=1)

    def test_facts_that_are_rejected_out_of_a_list_are_told_and_a_call_that_waits_for_one_fails(self) -> None:
        def answer(handler: Any) -> None:
            places = [at for at, fact in enumerate(receiver.requests[-1].body) if fact.get("index") == 7]
            body = json.dumps({"accepted": 1, "rejected": [{"index": at, "error": "x"} for at in places]}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        receiver = self.receiver(*[answer] * 100)
        self.assertIs(call(index=6, opts=durable(receiver.url)), True)
        with self.assertRaisesRegex(vcon_otel.ForwardingError, "refused the record .rejected"):
            call(index=7, opts=durable(receiver.url))
        self.sent()
        self.assertEqual([fact["reason"] for fact in self.posted(receiver) if fact["kind"] == "gap"], ["refused"])


def impatient(what: str, is_of_the_body: bool) -> Any:
    refused = REFUSED(what, is_of_the_body)
    refused.retry_after = 0.0
    return refused


REFUSED = vcon_otel._Refused


def bind_to(port: int) -> Any:
    def bind(server: Any) -> None:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.socket.bind(("127.0.0.1", port))
        server.server_address = server.socket.getsockname()

    return bind


class Waiting(HttpCase):
    def test_hands_over_everything_before_and_returns_when_it_is_taken(self) -> None:
        receiver = self.receiver()
        for index in (-1, 0, 1):
            self.assertIs(call(index=index, opts=durable(receiver.url)), True)
            self.assertEqual(self.posted(receiver)[-1]["index"], index)
        self.assertEqual([fact["seq"] for fact in self.posted(receiver)], [1, 2, 3, 4])

    def test_the_token_may_be_in_the_environment(self) -> None:
        receiver = self.receiver()
        with mock.patch.dict(os.environ, {"VCON_OTEL_TOKEN": "from-env"}):
            call(opts=durable(receiver.url))
            call(opts=durable(receiver.url, token="own"))
        with mock.patch.dict(os.environ, {"VCON_OTEL_TOKEN": ""}):
            call(opts=durable(receiver.url))
        self.assertEqual([r.headers["Authorization"] for r in receiver.requests], ["Bearer from-env", "Bearer own", None])

    def test_for_delivery_sends_the_same_fact_once_more_and_says_how_long(self) -> None:
        receiver = self.receiver()
        call(opts=delivered(receiver.url, timeout=8))
        call(opts=delivered(receiver.url + "?via=a", timeout=0.5))
        call(opts=delivered(receiver.url, timeout=3600))
        asked = [request for request in receiver.requests if not isinstance(request.body, list)]
        self.assertEqual([request.body for request in asked], [f for f in self.posted(receiver) if f["kind"] == "tracer"])
        first, second, third = (parse_qs(urlsplit(request.path).query) for request in asked)
        self.assertEqual(first, {"wait": ["delivered"], "timeout": ["7"]})
        self.assertEqual(second, {"via": ["a"], "wait": ["delivered"], "timeout": ["1"]})
        self.assertEqual(third, {"wait": ["delivered"], "timeout": ["300"]})

    def test_a_refusal_is_raised_at_once(self) -> None:
        for status in (400, 401, 403, 404, 413, 301):
            receiver = self.receiver(*[status] * 3)
            self.listener()
            started = time.monotonic()
            self.failing(f"refused the record .status {status}", durable(receiver.url))
            self.assertLess(time.monotonic() - started, 2)
            self.assertEqual(vcon_otel._listener.failures["records"] > 0, True)

    def test_what_may_pass_is_tried_again_with_the_same_facts(self) -> None:
        for status in (408, 425, 429, 500, 502, 503, 504):
            receiver = self.receiver(status, status)
            self.listener()
            self.assertIs(call(opts=durable(receiver.url)), True)
            numbers = [fact["seq"] for fact in self.posted(receiver) if fact["kind"] == "tracer"]
            self.assertEqual((set(numbers), len(receiver.requests) >= 3), ({2}, True))

    def test_it_is_not_tried_more_often_than_retries_says(self) -> None:
        with mock.patch.object(vcon_otel, "_LINGER", 0.05):
            self.listener()
            self.failing("status 503, attempts: 3", durable(self.receiver(*[503] * 9).url))
            self.failing("status 503, attempts: 1", durable(self.receiver(*[503] * 9).url, retries=0))

    def test_retry_after_is_honoured(self) -> None:
        for value, at_least in (("1", 1.0), ("a date", 0.9), ("soon", 0.0), ("-5", 0.0)):
            self.listener()
            date = email.utils.formatdate(time.time() + 2, usegmt=True)
            receiver = self.receiver((503, {"Retry-After": date if value == "a date" else value}))
            started = time.monotonic()
            self.assertIs(call(opts=durable(receiver.url)), True)
            self.assertGreaterEqual(time.monotonic() - started, at_least)

    def test_a_retry_after_beyond_the_timeout_is_not_waited_for(self) -> None:
        for value in ("60", "9" * 400):
            receiver = self.receiver((429, {"Retry-After": value}), (429, {"Retry-After": value}))
            self.listener()
            started = time.monotonic()
            self.failing("status 429", durable(receiver.url))
            self.assertLess(time.monotonic() - started, 3)

    def test_a_receiver_that_does_not_answer_holds_a_chain_no_longer_than_the_timeout(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        for wait in ("durable", "delivered"):
            receiver = self.receiver(*[lambda _: release.wait(30)] * 9)
            self.listener()
            started = time.monotonic()
            self.failing("TimeoutError", http(receiver.url, wait=wait, timeout=0.5))
            self.assertLess(time.monotonic() - started, 1.5)

    def test_a_receiver_that_answers_byte_by_byte_holds_a_chain_no_longer_than_the_timeout(self) -> None:
        def drip(handler: Any) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.05)

        def drip_once_it_is_told(handler: Any) -> None:
            if isinstance(receiver.requests[-1].body, list):
                handler.send_response(200)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
            else:
                drip(handler)

        for answer, wait in ((drip, "durable"), (drip_once_it_is_told, "delivered")):
            receiver = self.receiver(*[answer] * 9)
            self.listener()
            started = time.monotonic()
            self.failing("", http(receiver.url, wait=wait, timeout=0.5))
            self.assertLess(time.monotonic() - started, 1.5)

    def test_a_name_that_does_not_resolve_holds_a_chain_no_longer_than_the_timeout(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        with mock.patch.object(vcon_otel.socket, "getaddrinfo", lambda *_, **__: release.wait(20)):
            started = time.monotonic()
            self.failing("TimeoutError", durable("http://name.invalid/", timeout=0.5))
            self.assertLess(time.monotonic() - started, 1.5)
            release.set()

    def test_after_some_failures_in_a_row_calls_are_refused_at_once_but_for_a_probe(self) -> None:
        url = f"http://127.0.0.1:{free_port()}/x"
        for _ in range(3):
            self.failing("", durable(url, timeout=0.2, retries=99))
        started = time.monotonic()
        for _ in range(100):
            self.failing("failed 3 calls in a row", durable(url, timeout=0.2, retries=99))
        self.assertLess(time.monotonic() - started, 0.5)
        vcon_otel._listener.waiting.probe_at = 0.0
        self.failing("did not take", durable(url, timeout=0.2, retries=99))
        self.failing("failed 4 calls in a row", durable(url, timeout=0.2, retries=99))

    def test_once_the_receiver_is_back_calls_are_taken_again_and_it_hears_those_that_were_refused(self) -> None:
        port = free_port()
        opts = durable(f"http://127.0.0.1:{port}/x", timeout=0.2, retries=99)
        for _ in range(6):
            self.failing("", opts)
        with mock.patch("socketserver.TCPServer.server_bind", bind_to(port)):
            receiver = self.receiver()
        self.sent(20)
        self.assertIs(call(index=1, opts=opts), True)
        self.assertEqual([fact.get("index") for fact in self.posted(receiver) if fact["kind"] == "tracer"], [0] * 6 + [1])

    def test_a_tracer_that_is_down_is_asked_for_only_now_and_then(self) -> None:
        def answer(handler: Any) -> None:
            handler.send_response(200 if isinstance(receiver.requests[-1].body, list) else 504)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        receiver = self.receiver(*[answer] * 99)
        for _ in range(3):
            self.failing("status 504, attempts: 1", delivered(receiver.url, retries=0))
        self.failing("failed 3 calls in a row", delivered(receiver.url, retries=0))

    def test_a_queue_that_is_full_is_told(self) -> None:
        with self.subTest():
            self.listener({"tracers": {"t": {"module": "vcon_otel", "options": durable("http://127.0.0.1:1/", queue=0)}}})
            self.failing("queue of facts is full", durable("http://127.0.0.1:1/", queue=0))

    def test_a_receiver_that_is_down_is_told_by_kind_only(self) -> None:
        self.failing("ConnectionRefusedError", durable(f"http://127.0.0.1:{free_port()}/x"))
        self.listener()
        self.failing("gaierror", durable("http://name.invalid/", retries=0))

    def test_a_kept_connection_that_was_closed_is_no_failure(self) -> None:
        receiver = self.receiver()
        call(opts=durable(receiver.url, retries=0))
        receiver.close_kept()
        self.assertIs(call(opts=durable(receiver.url, retries=0)), True)
        self.assertEqual(receiver.connections, 2)

    def test_a_kept_connection_that_closes_after_the_facts_is_tried_once_more(self) -> None:
        receiver = self.receiver(200, hang_up)
        call(opts=durable(receiver.url, retries=0))
        self.assertIs(call(opts=durable(receiver.url, retries=0)), True)
        self.assertEqual(receiver.requests[1].body, receiver.requests[2].body)

    def test_a_fresh_connection_that_closes_counts_as_an_attempt(self) -> None:
        self.failing("ConnectionResetError, attempts: 1", durable(self.receiver(*[hang_up] * 5).url, retries=0))
        self.listener()
        self.assertIs(call(opts=durable(self.receiver(hang_up).url, retries=1)), True)

    def test_an_answer_that_is_not_http_is_told_by_kind_only(self) -> None:
        receiver = self.receiver(*[lambda handler: (handler.wfile.write(WHO.encode() + b"\r\n\r\n"), hang_up(handler))] * 3)
        self.failing("BadStatusLine, attempts: 1", durable(receiver.url, retries=0))

    def test_a_server_that_closes_each_connection_is_served_as_well(self) -> None:
        receiver = self.receiver(*[(200, {"Connection": "close"})] * 3)
        for _ in range(3):
            self.assertIs(call(opts=durable(receiver.url, retries=0)), True)
        self.assertEqual(receiver.connections, 3)

    def test_many_threads_share_the_sender_s_connection_and_each_has_one_to_wait_on(self) -> None:
        for wait, connections in (("durable", 1), ("delivered", 9)):
            receiver = self.receiver()
            self.listener()
            opts = http(receiver.url, wait=wait)
            threads = [threading.Thread(target=lambda opts=opts: [call(opts=opts) for _ in range(25)]) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            calls = [fact["seq"] for fact in self.posted(receiver) if fact["kind"] == "tracer"]
            self.assertEqual((len(calls), calls), (200, sorted(calls)))
            self.assertLessEqual(receiver.connections, connections)
            if wait == "delivered":
                asked = [request.body["seq"] for request in receiver.requests if not isinstance(request.body, list)]
                self.assertEqual(sorted(asked), calls)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_certificate_is_checked(self) -> None:
        receiver, certificate = self.receiver(), self.certificate()
        receiver.url = receiver.url.replace("http:", "https:")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
        self.failing("SSLCertVerificationError", durable(receiver.url, retries=0))
        self.assertEqual(receiver.requests, [])
        self.listener()
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": certificate}):
            for _ in range(2):
                self.assertIs(call(opts=durable(receiver.url, retries=0)), True)
            receiver.close_kept()
            self.assertIs(call(opts=durable(receiver.url, retries=0)), True)

    def certificate(self) -> str:
        """A file with a key and a certificate for 127.0.0.1 that it has signed itself."""
        file = f"{self.enterContext(tempfile.TemporaryDirectory())}/both.pem"
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
        subprocess.run([*command, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
        Path(file).write_text(Path(file).read_text() + Path(f"{file}.crt").read_text())
        return file


BRIDGE_URL = os.environ.get("VCON_OTEL_BRIDGE_URL", "")


@unittest.skipUnless(BRIDGE_URL, "VCON_OTEL_BRIDGE_URL is not set")
class ToARunningVconOtel(HttpCase):
    """The calls of one vCon in a chain of two links, the second of which makes a new vCon of it."""

    def test_a_run_is_delivered(self) -> None:
        before, after = str(uuid.uuid4()), str(uuid.uuid4())
        for calls in ((before, before, -1), (before, before, 0), (after, before, 1)):
            self.assertIs(vcon_otel.run(*calls[:2], "vcon_otel", LINKS, calls[2], delivered(BRIDGE_URL, timeout=30)), True)


class Numbers(unittest.TestCase):
    def test_retry_after_is_read_whatever_it_says(self) -> None:
        for text, seconds in ((b"3", 3.0), (b"-1", -1.0), (b"x", 0.0), (b"", 0.0), (None, 0.0), (b"9" * 5000, vcon_otel.math.inf)):
            self.assertEqual(vcon_otel._seconds(text), seconds)

    def test_facts_are_plain_ascii_json(self) -> None:
        text = vcon_otel._wire({"kind": "tracer", "ts": 1, "in": "Grüße \ud800", "links": ["ü"], "index": True, "out": V})
        self.assertTrue(text.isascii())
        self.assertEqual(json.loads(text), {"kind": "tracer", "ts": "1", "in": "Grüße \ud800", "links": ["ü"], "out": V})


if __name__ == "__main__":
    unittest.main()
