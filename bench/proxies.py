"""Reverse proxies in front of the same containers, each switched with its best mechanism.

All run in a container on the host's network, with one folder mounted, so that they differ in nothing else.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.certificate import self_signed
from bench.tools import HAPROXY, docker, unpacked

HOST = "app.localhost"
Shares = Mapping[str, int]  # percent by version


class Proxy:
    """One proxy; `versions`: the addresses of each version's replicas.

    start: serves by `shares`. share: changes the shares, and returns when they are in effect. add: adds an application.
    """

    name = image = ""
    arguments: Sequence[str] = ()
    mounts: Sequence[str] = ()

    def __init__(self, folder: Path, port: int, versions: Mapping[str, Sequence[str]]) -> None:
        self.folder, self.port, self.metrics, self.versions = folder, port, port + 1, versions
        self.container = f"bench-edge-{self.name.lower()}"
        self.shares: Shares = {}

    def start(self, shares: Shares) -> None:
        self.remove()
        self.shares = shares
        self.prepare()
        docker("run", "--detach", "--name", self.container, "--network", "host", "--volume", f"{self.folder}:/routes",
               *self.mounts, self.image, *self.arguments)  # fmt: skip

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.container, check=False)

    def prepare(self) -> None:
        raise NotImplementedError

    def share(self, shares: Shares) -> None:
        raise NotImplementedError

    def add(self, host: str, addresses: Sequence[str]) -> None:
        raise NotImplementedError

    def write(self, name: str, text: str) -> None:
        """Write it atomically."""
        (self.folder / f".{name}").write_text(text)
        (self.folder / f".{name}").rename(self.folder / name)


class Traefik(Proxy):
    """One file per application, replaced by a rename. The settings are those of Shipway's edge."""

    name, image = "Traefik", "traefik:v3"

    def prepare(self) -> None:
        self.arguments = [
            "--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=WARN",
            "--providers.file.directory=/routes", "--providers.file.watch=true", "--providers.providersthrottleduration=20ms",
            "--serverstransport.forwardingtimeouts.idleconntimeout=1s",
            f"--entrypoints.web.address=127.0.0.1:{self.port}", "--entrypoints.web.transport.respondingtimeouts.readtimeout=0s",
            f"--entrypoints.metrics.address=127.0.0.1:{self.metrics}", "--metrics.prometheus.entrypoint=metrics",
        ]  # fmt: skip
        self.share(self.shares)

    def share(self, shares: Shares) -> None:
        self.write(
            "app.yml",
            self._file("app", HOST, {version: (self.versions[version], part) for version, part in shares.items()}),
        )

    def add(self, host: str, addresses: Sequence[str]) -> None:
        self.write("other.yml", self._file("other", host, {"only": (addresses, 100)}))

    def _file(self, app: str, host: str, groups: Mapping[str, tuple[Sequence[str], int]]) -> str:
        services: dict[str, object] = {
            f"{app}-{name}": {"loadBalancer": {"servers": [{"url": f"http://{address}"} for address in addresses]}}
            for name, (addresses, _) in groups.items()
        }
        weights = [{"name": f"{app}-{name}", "weight": part} for name, (_, part) in groups.items()]
        services[app] = {"weighted": {"services": weights}}
        routers = {app: {"rule": f"Host(`{host}`)", "service": app, "entryPoints": ["web"]}}
        return json.dumps({"http": {"routers": routers, "services": services}})


class TraefikCertified(Traefik):
    """With a default certificate, so that no RSA key is generated on each change of its configuration."""

    name = "Traefik-certified"

    def prepare(self) -> None:
        certificate, key = self_signed("edge")
        given = {"certFile": certificate, "keyFile": key}
        self.write("tls.yml", json.dumps({"tls": {"stores": {"default": {"defaultCertificate": given}}}}))
        super().prepare()


class HAProxy(Proxy):
    """Servers of all versions in one backend, switched by one line to the runtime API. A new application requires a reload."""

    name, image = "HAProxy", "python:3.11-slim-bookworm"  # any Debian 12: the program is mounted
    others: Mapping[str, Sequence[str]] = {}

    def prepare(self) -> None:
        root = unpacked("haproxy", HAPROXY)
        if root is None:
            raise FileNotFoundError("the package haproxy")
        libraries = sorted({f"/opt/{path.parent.relative_to(root)}" for path in root.rglob("*.so.*")})
        self.mounts = ["--volume", f"{root}:/opt:ro", "--env", f"LD_LIBRARY_PATH={':'.join(libraries)}"]
        self.arguments = ["/opt/usr/sbin/haproxy", "-W", "-db", "-f", "/routes/haproxy.cfg"]
        self._configure()

    def share(self, shares: Shares) -> None:
        before, self.shares = self.shares, shares
        lines = []
        for version in sorted(
            self.versions, key=lambda version: version not in shares
        ):  # first the added servers, then the removed ones
            for index in range(len(self.versions[version])):
                server = f"app/{version}-{index}"
                if version in shares:
                    lines += [f"set server {server} weight {shares[version]}", f"set server {server} state ready"]
                elif version in before:
                    lines.append(f"set server {server} state drain")
        with socket.socket(socket.AF_UNIX) as api:
            api.connect(str(self.folder / "admin.sock"))
            api.sendall((";".join(lines) + "\n").encode())
            said = (
                b"".join(iter(lambda: api.recv(65536), b"")).decode().strip()
            )  # to the end: closing earlier aborts the command
        if said:
            raise RuntimeError(f"haproxy: {said}")

    def add(self, host: str, addresses: Sequence[str]) -> None:
        self.others = {host: addresses}
        self._configure()
        docker("kill", "--signal", "USR2", self.container)

    def _configure(self) -> None:
        lines = [
            "global", " maxconn 4000", " hard-stop-after 30s", " stats socket /routes/admin.sock mode 660 level admin expose-fd listeners",
            "defaults", " mode http", " option redispatch", " option idle-close-on-response", " timeout connect 2s", " timeout client 60s", " timeout server 60s",
            " timeout tunnel 1h", " unique-id-format %[uuid()]", " unique-id-header X-Request-Id", " option forwardfor",
            "frontend metrics", f" bind 127.0.0.1:{self.metrics}", " http-request use-service prometheus-exporter",
            "frontend web", f" bind 127.0.0.1:{self.port}", f" use_backend app if {{ hdr(host),host_only {HOST} }}",
            *(f" use_backend other if {{ hdr(host),host_only {host} }}" for host in self.others),
            "backend app", " balance roundrobin",
            *(
                f" server {version}-{index} {address} weight {self.shares.get(version, 100)}{'' if version in self.shares else ' disabled'}"
                for version, addresses in self.versions.items()
                for index, address in enumerate(addresses)
            ),
        ]  # fmt: skip
        for addresses in self.others.values():
            lines += ["backend other", *(f" server other-{index} {address}" for index, address in enumerate(addresses))]
        self.write("haproxy.cfg", "\n".join(lines) + "\n")


class Caddy(Proxy):
    """Twenty upstreams, each read from a file on every request; one renamed link changes all. A new application requires a reload."""

    name, image = "Caddy", "caddy:2"
    slots = 20  # shares in steps of 5 % at best, and only if they divide by the replicas

    def prepare(self) -> None:
        self.sets = 0
        self.arguments = ["caddy", "run", "--config", "/routes/caddy.json"]
        self._configure({})
        self.share(self.shares)

    def share(self, shares: Shares) -> None:
        self.sets += 1
        folder = self.folder / f"set{self.sets}"
        folder.mkdir()
        addresses = [
            self.versions[version][index % len(self.versions[version])]
            for version, part in shares.items()
            for index in range(self.slots * part // 100)
        ]
        for index, address in enumerate(addresses):
            (folder / str(index)).write_text(address)
        os.symlink(folder.name, self.folder / "next")
        os.rename(self.folder / "next", self.folder / "current")

    def add(self, host: str, addresses: Sequence[str]) -> None:
        self._configure({host: addresses})
        docker(
            "exec",
            self.container,
            "caddy",
            "reload",
            "--config",
            "/routes/caddy.json",
            "--address",
            "unix//routes/admin.sock",
        )

    def _configure(self, others: Mapping[str, Sequence[str]]) -> None:
        routes = [_route(HOST, [f"{{file./routes/current/{index}}}" for index in range(self.slots)])]
        routes += [_route(host, addresses) for host, addresses in others.items()]
        web = {"listen": [f"127.0.0.1:{self.port}"], "automatic_https": {"disable": True}, "routes": routes}
        metrics = {
            "listen": [f"127.0.0.1:{self.metrics}"],
            "automatic_https": {"disable": True},
            "routes": [{"handle": [{"handler": "metrics"}]}],
        }
        http = {"servers": {"web": web, "metrics": metrics}, "metrics": {"per_host": True}}
        self.write("caddy.json", json.dumps({"admin": {"listen": "unix//routes/admin.sock"}, "apps": {"http": http}}))


def _route(host: str, upstreams: Sequence[str]) -> dict[str, object]:
    handler = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream} for upstream in upstreams],
        "load_balancing": {"selection_policy": {"policy": "round_robin"}},
        "headers": {"request": {"set": {"X-Request-Id": ["{http.request.uuid}"]}}},
        "stream_close_delay": "30s",  # otherwise a reload closes all websockets
        # Below the keep-alive timeout of common servers, as with Traefik.
        "transport": {"protocol": "http", "keep_alive": {"idle_timeout": "1s"}},
    }
    return {"match": [{"host": [host]}], "handle": [handler]}


PROXIES: tuple[type[Proxy], ...] = (Traefik, TraefikCertified, HAProxy, Caddy)
