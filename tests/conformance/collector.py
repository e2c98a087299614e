"""A collector of OpenTelemetry that takes only what the protocol's own classes can read."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = ("traceId", "spanId", "parentSpanId")  # in hex, other than in protobuf's own JSON: the protocol says so


class Collector:
    """On loopback. statuses: of the answers, the last one for all others; pause: seconds before each."""

    def __init__(self, *statuses: int, pause: float = 0.0) -> None:
        self.statuses, self.pause = list(statuses or (200,)), pause
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.problems: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self, count: int = 1) -> list[Any]:
        """Of this many requests, once they are there."""
        for _ in range(1200):
            if len(self.requests) >= count or self.problems:
                break
            time.sleep(0.05)
        assert not self.problems
        assert len(self.requests) >= count, "no trace came"
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.paths.append(path)
        self.headers.append(headers)
        time.sleep(self.pause)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 200:
            try:
                text = json.dumps(_binary(json.loads(body)))
                self.requests.append(json_format.Parse(text, ExportTraceServiceRequest()))
            except Exception as error:
                self.problems.append(str(error))
                return 400
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _binary(found: Any) -> Any:
    if isinstance(found, list):
        return [_binary(item) for item in found]
    if not isinstance(found, dict):
        return found
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode() if key in IDS else _binary(value)
        for key, value in found.items()
    }
