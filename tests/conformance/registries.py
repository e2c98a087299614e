"""Real registries in containers, open, with a password, or with tokens that a server of our own gives out."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec, Publish
from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import Credentials, Keyring
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.testing.memory_files import pack
from tests.conformance.labs import DockerLab

USER, PASSWORD = "ada", "correct horse"
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"  # bcrypt of PASSWORD


class RegistryHost:
    """A registry in a container of the lab, which takes it away."""

    def __init__(
        self, docker: DockerLab, *, env: dict[str, str] | None = None, files: dict[str, bytes] | None = None,
        where: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        port = docker.port()
        self.address = f"{where}:{port}"
        spec = ContainerSpec(
            name=docker.name("registry"),
            image="registry:2",
            labels={LABEL_APP: docker.app, LABEL_CONFIG: "1"},
            env=env or {},
            publish=(Publish(5000, port, where),),
        )
        docker.runtime.create(spec)
        docker.runtime.put(spec.name, "/", pack(files or {}))
        docker.runtime.start(spec.name)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline, list(docker.runtime.logs(spec.name))
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            RemoteRegistry(self.address).ensure()
        except RegistryError as error:
            # It answers, but requires credentials or shows a certificate that nothing trusts.
            return "denies" in error.message or "certificate" in error.message
        return True


def password_host(docker: DockerLab) -> RegistryHost:
    env = {"REGISTRY_AUTH": "htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM": "conf", "REGISTRY_AUTH_HTPASSWD_PATH": "/users"}
    return RegistryHost(docker, env=env, files={"users": HTPASSWD.encode()})


def token_host(docker: DockerLab, tokens: TokenServer) -> RegistryHost:
    env = {
        "REGISTRY_AUTH": "token",
        "REGISTRY_AUTH_TOKEN_REALM": f"http://127.0.0.1:{tokens.port}/token",
        "REGISTRY_AUTH_TOKEN_SERVICE": "conf",
        "REGISTRY_AUTH_TOKEN_ISSUER": "conf-issuer",
        "REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE": "/certificate.pem",
    }
    return RegistryHost(docker, env=env, files={"certificate.pem": tokens.certificate})


class TokenServer:
    """Gives signed tokens to the one user that it knows, for whatever scope is asked. Lives in a thread."""

    def __init__(self, folder: Path) -> None:
        self._key = folder / "key.pem"
        certificate = folder / "certificate.pem"
        command = (
            f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=conf -days 2 -keyout {self._key} -out {certificate}"
        )
        subprocess.run(command.split(), check=True, capture_output=True)
        self.certificate = certificate.read_bytes()
        self.password, self.told = PASSWORD, "who are you"
        self.scopes: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, scopes: list[str]) -> str:
        now = int(time.time())
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")} for kind, name, actions in map(_split, scopes)
        ]
        der = "".join(self.certificate.decode().splitlines()[1:-1])
        head = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        claims = {"iss": "conf-issuer", "sub": USER, "aud": "conf", "iat": now, "nbf": now - 10, "exp": now + 300}
        body = f"{_encode(head)}.{_encode({**claims, 'jti': uuid.uuid4().hex, 'access': access})}"
        command = ["openssl", "dgst", "-sha256", "-sign", str(self._key)]
        signature = subprocess.run(command, input=body.encode(), check=True, capture_output=True).stdout
        return f"{body}.{_base64(signature)}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                known = "Basic " + base64.b64encode(f"{USER}:{server.password}".encode()).decode()
                if self.headers.get("Authorization") != known:
                    return self._answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": server.told}]})
                scopes = [part for text in query.get("scope", []) for part in text.split()]
                server.scopes.extend(scopes)
                self._answer(200, {"token": server.token(scopes)})

            def _answer(self, status: int, data: dict[str, Any]) -> None:
                content = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def push_tiny(
    docker: DockerLab, repository: str, tag: str, content: str, credentials: Credentials | None = None
) -> str:
    """Make an image of one small file and push it; returns its digest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content.encode()))
    query = {"fromSrc": "-", "repo": repository, "tag": tag}
    with docker.engine.open("POST", "/images/create", query=query, body=buffer.getvalue()) as reply:
        reply.read()
    address = repository.partition("/")[0]
    images = DockerImages(docker.engine, Keyring({address: credentials} if credentials else {}))
    return images.push(repository, tag, lambda line: None)


def _split(scope: str) -> tuple[str, str, str]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return kind, name, actions


def _encode(data: object) -> str:
    return _base64(json.dumps(data).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
