"""
Receives OTLP over HTTP and writes the server's own spans down, one JSON object a line; keeps the bodies as well, without
stack traces, which have paths of this machine in them. Runs in the server's environment.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

target = open(sys.argv[1], "a", buffering=1)
bodies = Path(sys.argv[2])
bodies.mkdir(exist_ok=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    if span.name.startswith(("vcon_processing.", "link.", "storage.")):
                        target.write(json.dumps(plain(span)) + "\n")
        (bodies / f"{len(list(bodies.iterdir())):03}.bin").write_bytes(without_stack_traces(request))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def without_stack_traces(request: ExportTraceServiceRequest) -> bytes:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for event in (event for span in scope.spans for event in span.events):
                kept = [one for one in event.attributes if one.key != "exception.stacktrace"]
                del event.attributes[:]
                event.attributes.extend(kept)
    return request.SerializeToString()


def plain(span) -> dict:
    return {
        "name": span.name,
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": {0: "UNSET", 1: "OK", 2: "ERROR"}[span.status.code],
        "attributes": {one.key: one.value.string_value for one in span.attributes if one.value.string_value},
    }


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
