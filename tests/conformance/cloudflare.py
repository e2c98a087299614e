"""A stand-in for Cloudflare's API of zones and records, as far as octoDNS uses it. No real account was used."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Cloudflare:
    """One zone. busy: how many of the next requests are answered with 429."""

    token = "token-of-the-test"

    def __init__(self, zone: str) -> None:
        self.zone, self.records, self.busy, self.url = zone, dict[str, dict[str, Any]](), 0, ""

    def add(self, name: str, kind: str, content: str, ttl: int, **more: Any) -> None:
        number = uuid.uuid4().hex
        self.records[number] = {"id": number, "name": name, "type": kind, "content": content, "ttl": ttl, **more}

    @contextmanager
    def running(self) -> Iterator[Cloudflare]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "/zones" and method == "GET":
            found = [{"id": "zone1", "name": self.zone, "plan": {"legacy_id": "free"}, "name_servers": []}]
            return 200, _page(found, query)
        if path == "/zones":
            return 403, {"errors": [{"message": "this token may not create zones"}]}
        if path == "/zones/zone1/dns_records" and method == "GET":
            return 200, _page(list(self.records.values()), query)
        if path == "/zones/zone1/dns_records" and method == "POST":
            self.add(
                **{key: body[key] for key in ("name", "content", "ttl")},
                kind=body["type"],
                priority=body.get("priority"),
            )
            return 200, {"result": list(self.records.values())[-1]}
        if path == "/zones/zone1/dns_records/batch":
            for item in body.get("deletes", []):
                del self.records[item["id"]]
            for item in body.get("patches", []) + body.get("puts", []):
                self.records[item["id"]] |= item
            for item in body.get("posts", []):
                self.add(item["name"], item["type"], item["content"], item["ttl"])
            return 200, {"result": {}}
        number = path.rpartition("/")[2]
        if number in self.records and method in ("PUT", "PATCH"):
            self.records[number] |= body
            return 200, {"result": self.records[number]}
        if number in self.records and method == "DELETE":
            return 200, {"result": self.records.pop(number)}
        return 404, {"errors": [{"message": f"no {method} {path}"}]}


def _page(found: list[Any], query: dict[str, list[str]]) -> Any:
    size, page = int(query.get("per_page", ["50"])[0]), int(query.get("page", ["1"])[0])
    part = found[(page - 1) * size : page * size]
    return {"result": part, "result_info": {"count": len(part), "per_page": size}}


def _handler(account: Cloudflare) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if account.busy > 0:
                account.busy -= 1
                status, data = 429, {"errors": [{"message": "rate limit exceeded"}]}
            elif self.headers.get("Authorization") != f"Bearer {account.token}":
                status, data = 403, {"errors": [{"message": "Authentication error"}]}
            else:
                parts = urlsplit(self.path)
                status, data = account.answer(
                    self.command, parts.path, parse_qs(parts.query), json.loads(body) if body else None
                )
            text = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *args: object) -> None:
            """Quiet."""

    return Handler
