"""Counterparts of CDN drivers: a server that fails on purpose in front of a real one, or of a stand-in written after the
provider's published API."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Batch
from shipway.testing.cdn import AFTER, BROKEN, LIMIT, REFUSED, RESET, SILENT
from shipway.testing.memory_cdn import purges

Answer = tuple[int, Mapping[str, str], bytes]
HOP = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    @property
    def data(self) -> dict[str, list[str]]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class Front:
    """A server of this machine that answers with `answer`, unless it is to fail."""

    def __init__(self, answer: Callable[[Request], Answer], port: int = 0) -> None:
        self.requests: list[Request] = []
        self.faults: list[str] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(
                    self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body
                )
                fault = front.faults.pop(0) if front.faults and request.method != "GET" else ""
                if fault in (SILENT, RESET):
                    time.sleep(3.0 if fault == SILENT else 0.0)
                    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    self.close_connection = True
                    return
                front.requests.append(request)
                found = {
                    LIMIT: (429, {"Retry-After": str(AFTER)}, b"slow down"), BROKEN: (500, {}, b"broken"),
                    REFUSED: (403, {}, b"no"),
                }.get(fault) or answer(request)  # fmt: skip
                self._send(found)

            def _send(self, found: Answer) -> None:
                status, headers, body = found
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def fail(self, how: str, times: int = 1) -> None:
        self.faults = [how] * times

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def forward(port: int) -> Callable[[Request], Answer]:
    """Answers as the real server behind it does."""

    def answer(request: Request) -> Answer:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {name: value for name, value in request.headers.items() if name not in HOP}
        connection.request(request.method, request.path, request.body or None, headers)
        found = connection.getresponse()
        body = found.read()
        connection.close()
        kept = {name: value for name, value in found.getheaders() if name.lower() not in (*HOP, "server", "date")}
        return found.status, kept, body

    return answer


@dataclass
class Caches:
    """What a stand-in's caches keep: URLs with their tags."""

    urls: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def purge(self, kind: str, *items: str) -> None:
        self.urls = {url: tags for url, tags in self.urls.items() if not purges(Batch(kind, items), url, tags)}


def page(request: Request) -> Answer | None:
    """A visitor's request is answered with the age that caches give."""
    return (200, {"Age": "3", "ETag": '"one"'}, b"page") if request.method == "GET" else None


def cloudflare(caches: Caches, token: str) -> Callable[[Request], Answer]:
    """POST /client/v4/zones/ZONE/purge_cache, at most 100 items of one kind."""

    def refuse(status: int, code: int, message: str) -> Answer:
        return status, {}, json.dumps({"success": False, "errors": [{"code": code, "message": message}]}).encode()

    def answer(request: Request) -> Answer:
        if found := page(request):
            return found
        if request.headers.get("authorization") != f"Bearer {token}":
            return refuse(403, 10000, "Authentication error")
        if request.path != "/client/v4/zones/zone1/purge_cache":
            return refuse(404, 7003, "Could not route to the path")
        ((kind, items),) = request.data.items()
        if not 1 <= len(items) <= 100:
            return refuse(400, 1094, "the number of items exceeds the limit")
        if kind == "files":
            caches.purge(PATH, *items)
        elif kind == "tags":
            caches.purge(TAG, *items)
        elif kind == "prefixes" and not any("://" in item for item in items):
            caches.purge(PREFIX, *(f"http://{item}" for item in items))
        elif kind == "hosts" and not any(":" in item for item in items):
            caches.urls = {url: tags for url, tags in caches.urls.items() if urlsplit(url).hostname not in items}
        else:
            return refuse(400, 1012, "Request must contain one of the parameters")
        return 200, {}, json.dumps({"success": True, "errors": [], "result": {"id": "zone1"}}).encode()

    return answer


def fastly(caches: Caches, token: str) -> Callable[[Request], Answer]:
    """POST /purge/URL, /service/ID/purge with surrogate keys, /service/ID/purge_all."""

    def answer(request: Request) -> Answer:
        if found := page(request):
            return found
        if request.headers.get("fastly-key") != token:
            return 401, {}, b'{"msg": "Provided credentials are missing or invalid"}'
        if request.path.startswith("/purge/"):
            caches.purge(PATH, f"http://{request.path.removeprefix('/purge/')}")
        elif request.path == "/service/zone1/purge":
            keys = request.data["surrogate_keys"]
            if len(keys) > 256:
                return 400, {}, b'{"msg": "Too many keys"}'
            caches.purge(TAG, *keys)
        elif request.path == "/service/zone1/purge_all":
            caches.urls = {}
        else:
            return 404, {}, b'{"msg": "Record not found"}'
        return 200, {}, b'{"status": "ok", "id": "1-2"}'

    return answer


def bunny(caches: Caches, token: str) -> Callable[[Request], Answer]:
    """POST /purge?url=URL, /pullzone/ID/purgeCache with or without a tag."""

    def answer(request: Request) -> Answer:
        if found := page(request):
            return found
        if request.headers.get("accesskey") != token:
            return 401, {}, b'{"Message": "Authorization has been denied for this request."}'
        if request.path.startswith("/purge?"):
            url = request.query["url"]
            wild = url.endswith("*") or (url.endswith("/") and request.query.get("exactPath") != "true")
            caches.purge(PREFIX if wild else PATH, url.removesuffix("*"))
        elif request.path == "/pullzone/zone1/purgeCache":
            if request.body:
                caches.purge(TAG, json.loads(request.body)["CacheTag"])
            else:
                caches.urls = {}
        else:
            return 404, {}, b""
        return 204, {}, b""

    return answer


def origin(request: Request) -> Answer:
    """A server behind a real cache: the tags of a page are in its query of the lab."""
    tags = request.headers.get("x-tags", "")
    return 200, {"Cache-Control": "public, max-age=3600", "Cache-Tag": tags, "ETag": '"one"'}, b"page"


__all__ = ["ALL", "Caches", "Front", "bunny", "cloudflare", "fastly", "forward", "origin"]
