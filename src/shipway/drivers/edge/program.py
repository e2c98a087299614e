"""Traefik's static configuration and arguments, and Shipway's plugin for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.domain.release import digest_of
from shipway.drivers.edge.control import AUTHORITY, FILES, METRICS, PORT
from shipway.drivers.edge.dynamic import entry_point, resolver, to_line

ROUTES = "/routes"
PLUGIN = "plugins-local/src/shipway"  # where Traefik finds local plugins
SOURCES = tuple(sorted((Path(__file__).parent / "plugin").glob("*.go")))
MANIFEST = {
    "displayName": "Shipway",
    "type": "middleware",
    "import": "shipway",
    "summary": "Request ids, maintenance pages, and the files of routes",
    "testData": {"mode": "identify"},
}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
INTERNAL = "internal"  # the control port's entry point
SETTINGS = (
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
    "--log.level=WARN",
    "--log.format=json",
    "--accesslog=true",
    "--accesslog.format=json",
    "--accesslog.fields.headers.defaultmode=drop",
    "--accesslog.fields.headers.names.X-Request-Id=keep",
    "--accesslog.fields.headers.names.User-Agent=keep",
    f"--providers.file.directory={ROUTES}",
    "--providers.file.watch=true",
    # Traefik's default of 2 s would delay each switch.
    "--providers.providersthrottleduration=1ms",
    # Below the keep-alive timeout of common servers (gunicorn 2 s, uvicorn and Node 5 s): a POST on a connection that
    # the server is just closing would be lost.
    "--serverstransport.forwardingtimeouts.idleconntimeout=1s",
    "--experimental.localplugins.shipway.modulename=shipway",
    "--metrics.prometheus=true",
    "--metrics.prometheus.manualrouting=true",
    "--metrics.prometheus.addentrypointslabels=false",
    "--metrics.prometheus.addserviceslabels=true",
    f"--metrics.prometheus.buckets={','.join(map(str, BUCKETS))}",
    f"--entrypoints.{INTERNAL}.address=:{PORT}",
)


def command(
    ports: Sequence[int], authorities: Sequence[Mapping[str, Any]], trusted: Sequence[str] = ()
) -> tuple[str, ...]:
    """All flags. authorities: `acme` of the tables whose certificates are obtained by ACME. trusted: trusted
    proxies."""
    flags = list(SETTINGS)
    for number in ports:
        flag = f"--entrypoints.{entry_point(number)}"
        # The container's port equals the public one, so that containers sharing its network use the same addresses. No
        # timeout for reading a request: uploads may take long.
        flags += [f"{flag}.address=:{number}", f"{flag}.transport.respondingtimeouts.readtimeout=0s"]
        if trusted:
            proxies = ",".join(trusted)
            flags += [f"{flag}.forwardedheaders.trustedips={proxies}", f"{flag}.proxyprotocol.trustedips={proxies}"]
    for acme in authorities:
        flag = f"--certificatesresolvers.{resolver(acme)}.acme"
        flags += [
            f"{flag}.storage={ROUTES}/{resolver(acme)}.json",
            f"{flag}.keytype=EC256",
            f"{flag}.tlschallenge=true",
        ]
        flags += [f"{flag}.email={acme['email']}"] if acme.get("email") else []
        flags += [f"{flag}.caserver={acme['server']}"] if acme.get("server") else []
        flags += [f"{flag}.cacertificates=/{_trust(acme)}"] if acme.get("trust") else []
    return tuple(flags)


def archive(authorities: Sequence[Mapping[str, Any]]) -> bytes:
    """A tar for the root of the container: the plugin, the routes of its control port, and the trusted CAs for ACME."""
    files = {f"{PLUGIN}/{path.name}": path.read_bytes() for path in SOURCES}
    files[f"{PLUGIN}/.traefik.yml"] = json.dumps(MANIFEST).encode()
    files[f"{ROUTES[1:]}/_control.yml"] = f"{to_line(_control())}\n".encode()
    files |= {_trust(acme): str(acme["trust"]).encode() for acme in authorities if acme.get("trust")}
    from shipway.system.tars import of_files  # keeps imports of every command cheap

    return of_files(files)


def version(authorities: Sequence[Mapping[str, Any]]) -> str:
    """Digest of the content of `archive`."""
    return digest_of(archive(authorities).hex())


def _trust(acme: Mapping[str, Any]) -> str:
    return f"{PLUGIN.partition('/')[0]}/{resolver(acme)}.pem"


def _control() -> dict[str, Any]:
    modes = {
        "files": f"PathPrefix(`{FILES}`)",
        "authority": f"PathPrefix(`{AUTHORITY}`)",
        "guard": f"Path(`{METRICS}`)",
    }
    return {
        "http": {
            "routers": {
                f"-{mode}": {
                    "entryPoints": [INTERNAL],
                    "rule": rule,
                    "middlewares": [f"-{mode}"],
                    "service": "prometheus@internal" if mode == "guard" else "noop@internal",
                    "observability": {"accessLogs": False, "metrics": False, "tracing": False},
                }
                for mode, rule in modes.items()
            },
            "middlewares": {f"-{mode}": {"plugin": {"shipway": {"mode": mode}}} for mode in modes},
        }
    }
