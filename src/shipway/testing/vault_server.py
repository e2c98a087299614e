"""A stand-in for HashiCorp Vault or OpenBao: the parts of the published HTTP API that Shipway uses.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and …/auth/approle. No server of either can be had from the
package registries that the tests may use.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class VaultServer:
    """The secrets of one mount, and who may read them."""

    def __init__(self, mount: str = "secret") -> None:
        self.mount = mount
        self.tokens: dict[str, float] = {}  # with their expiry, seconds since the epoch
        self.roles: dict[str, str] = {}  # secret id by role id
        self.denied: set[str] = set()  # paths that no policy allows
        self.sealed = False
        self.redirect = ""  # address that requests are sent to
        self.broken = False  # answers with a page that is no JSON
        self.versions: dict[str, list[dict[str, Any] | None]] = {}  # by path; None: deleted
        self.requests: list[tuple[str, str, str]] = []  # method, path, token

    def write(self, path: str, **fields: Any) -> int:
        """Replace a secret's fields; the number of its new version."""
        self.versions.setdefault(path, []).append(fields)
        return len(self.versions[path])

    def delete(self, path: str) -> None:
        """Delete the newest version: its metadata remains."""
        self.versions[path].append(None)

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        """Status and body."""
        self.requests.append((method, path, token))
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if path == "/v1/auth/approle/login" and method in ("POST", "PUT"):
            given = json.loads(body)
            if self.roles.get(given.get("role_id")) != given.get("secret_id"):
                return 400, {"errors": ["invalid role or secret ID"]}
            made = f"s.{given['role_id']}"
            self.tokens[made] = time.time() + 60
            return 200, {"auth": {"client_token": made, "lease_duration": 60}}
        prefix = f"/v1/{self.mount}/data/"
        name = path.removeprefix(prefix)
        if self.tokens.get(token, 0.0) < time.time() or name in self.denied:
            return 403, {"errors": ["permission denied"]}
        versions = self.versions.get(name, [])
        if not path.startswith(prefix) or not versions:
            return 404, {"errors": []}
        metadata = {"version": len(versions), "destroyed": False, "deletion_time": "", "created_time": ""}
        if versions[-1] is None:
            return 404, {"data": {"data": None, "metadata": {**metadata, "deletion_time": "2026-01-01T00:00:00Z"}}}
        return 200, {"data": {"data": versions[-1], "metadata": metadata}}

    @contextmanager
    def serving(self, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """Its address while the block runs. port: 0 is any free one."""
        own = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if own.redirect:
                    self.send_response(307)
                    self.send_header("Location", own.redirect)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                status, data = own.answer(self.command, self.path, self.headers.get("X-Vault-Token", ""), body)
                content = b"<html>" if own.broken else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
