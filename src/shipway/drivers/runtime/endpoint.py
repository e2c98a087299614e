"""Find this machine's Docker Engine in the same way as the docker command."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shipway.domain.errors import EngineError, RegistryError
from shipway.domain.value import dataclass
from shipway.drivers import docker_config

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
TLS_PORT, PORT = 2376, 2375
IsSocket = Callable[[Path], bool]


@dataclass(frozen=True)
class Endpoint:
    """An engine's address, and its certificates if it uses TLS."""

    address: str
    certificates: Path | None = None  # folder of ca.pem, cert.pem and key.pem, each optional; None: no TLS
    verify: bool = True
    source: str = ""  # origin of the setting, for messages

    @property
    def port(self) -> int:
        """Port of a tcp address."""
        return urlsplit(self.address).port or (PORT if self.certificates is None else TLS_PORT)

    def variables(self) -> dict[str, str]:
        """Variables by which the docker command reaches the same engine."""
        found = {"DOCKER_HOST": self.address}
        if self.certificates is not None:
            found["DOCKER_CERT_PATH"] = str(self.certificates)
            found["DOCKER_TLS_VERIFY" if self.verify else "DOCKER_TLS"] = "1"
        return found

    def wrap(self, plain: socket.socket) -> socket.socket:
        """Wrap a connection in TLS if it is used. OSError (ssl.SSLError) and EngineError."""
        if self.certificates is None:
            return plain
        import ssl  # its import takes long, and every command imports this module

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.verify:
            own = self.certificates / "ca.pem"
            if own.is_file():
                context.load_verify_locations(own)
            else:
                context.load_default_certs()
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        certificate, key = self.certificates / "cert.pem", self.certificates / "key.pem"
        if certificate.is_file() and key.is_file():
            context.load_cert_chain(certificate, key)
        return context.wrap_socket(plain, server_hostname=urlsplit(self.address).hostname)


def find(environ: Mapping[str, str] = os.environ, is_socket: IsSocket | None = None) -> Endpoint:
    """DOCKER_HOST; else the context of DOCKER_CONTEXT or `docker context use`; else the socket of this machine, or a
    rootless one if it is missing. EngineError if the named context doesn't exist."""
    if environ.get("DOCKER_HOST"):
        return of_address(environ["DOCKER_HOST"], environ)
    try:
        config = docker_config.read(docker_config.folder() / "config.json")
    except RegistryError as error:
        raise EngineError(error.message, hint=error.hint) from error
    context = environ.get("DOCKER_CONTEXT") or str(config.get("currentContext") or "default")
    if context != "default":
        return _of_context(context, docker_config.folder() / "contexts")
    is_socket = is_socket or _is_socket
    standard = Path(urlsplit(DEFAULT_ADDRESS).path)
    if not is_socket(standard):
        for path in _rootless(environ):
            if is_socket(path):
                return Endpoint(f"unix://{path}", source="rootless Docker")
    return Endpoint(DEFAULT_ADDRESS)


def of_address(address: str, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """An address, with TLS according to DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH."""
    verify, tls = bool(environ.get("DOCKER_TLS_VERIFY")), bool(environ.get("DOCKER_TLS"))
    scheme = urlsplit(address).scheme
    if scheme not in ("tcp", "https") or not (verify or tls or scheme == "https"):
        return Endpoint(address, source="DOCKER_HOST")
    folder = Path(environ.get("DOCKER_CERT_PATH") or docker_config.folder())
    return Endpoint(address, folder, verify or not tls, "DOCKER_HOST")


def _of_context(name: str, contexts: Path) -> Endpoint:
    place = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta: dict[str, Any] = docker_config.read(contexts / "meta" / place / "meta.json")
        endpoint = meta["Endpoints"]["docker"]
        address = str(endpoint["Host"])
    except (RegistryError, KeyError, TypeError) as error:
        raise EngineError(
            f"the docker context {name!r} doesn't exist or can't be read",
            hint="`docker context ls` lists all; `docker context use default` selects this machine's own engine",
        ) from error
    tls = contexts / "tls" / place / "docker"
    return Endpoint(
        address, tls if tls.is_dir() else None, not endpoint.get("SkipTLSVerify"), f"docker context {name!r}"
    )


def _rootless(environ: Mapping[str, str]) -> list[Path]:
    """Socket paths of rootless Docker, Docker Desktop and Colima."""
    run, home = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}", Path(environ.get("HOME") or Path.home())
    return [
        Path(run) / "docker.sock",
        home / ".docker/run/docker.sock",
        home / ".docker/desktop/docker.sock",
        home / ".colima/default/docker.sock",
    ]


def _is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:  # an unreadable folder
        return False
