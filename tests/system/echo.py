"""A server that repeats the key that it was called with."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Echo:
    """The server of a CDN and of a DNS zone. While it refuses, it tells which key it got, as some do: so that the place where
    Shipway cuts the message is within the key."""

    def __init__(self) -> None:
        self.refuses, self.keys = False, set[str]()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        echo = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                key = self.headers.get("X-API-Key") or (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                echo.keys |= {key} if key else set()
                dns = self.path.startswith("/api/")
                body = json.dumps({"rrsets": []} if dns else {}) if not echo.refuses else key.rjust(len(key) + 174, ".")
                if echo.refuses and key:
                    self.send_response(500, key.rjust(len(key) + 356, ".") if dns else None)
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_PURGE = do_BAN = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
