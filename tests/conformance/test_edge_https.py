"""HTTPS at the edge: its own authority for local names, ACME for public ones, against a real ACME server."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec, Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import route
from tests.conformance.edge_lab import TraefikLab
from tests.unit.certificates import Files, certificate

pytestmark = [pytest.mark.machine, pytest.mark.engine]
ADDRESS = "127.0.0.77"  # a loopback address of its own: port 443 of others is left alone
HOST = "shop.localhost"
CADDYFILE = """
{
	local_certs
	skip_install_trust
}
https://acme.internal:9443 {
	tls internal
	acme_server
}
"""


@pytest.fixture(scope="module")
def lab(traefik: TraefikLab) -> TraefikLab:
    return traefik


@pytest.fixture(autouse=True)
def _nothing_is_left(lab: TraefikLab) -> Iterator[None]:
    yield
    for owner in ("one", "two"):
        lab.edge.remove(owner)


def table(lab: TraefikLab, release: int = 1, host: str = HOST, port: int = 443, **tls: object) -> dict[str, Any]:
    url = {"scheme": "https", "host": host, "port": port, "tls": tls or {"internal": True}}
    return {"release": release, "url": url, "routes": [route("front", "/", "/", release, [lab.upstreams[0]])]}


def ports(*numbers: int) -> list[Publish]:
    return [Publish(number, number, ADDRESS) for number in numbers]


def served(context: ssl.SSLContext, host: str = HOST, port: int = 443) -> str:
    """Number of the certificate (PEM) that is shown for a host; SSLError where the context doesn't accept it."""
    with (
        socket.create_connection((ADDRESS, port), 60) as plain,
        context.wrap_socket(plain, server_hostname=host) as found,
    ):
        return ssl.DER_cert_to_PEM_cert(found.getpeercert(binary_form=True) or b"")


def test_a_local_name_gets_a_certificate_of_the_edge(lab: TraefikLab) -> None:
    lab.edge.ensure(ports(443, 80), lab.networks)
    assert lab.edge.authority() is None
    lab.edge.switch("one", table(lab))
    authority = lab.edge.authority()
    context = ssl.create_default_context(cadata=authority)
    first = served(context)
    with pytest.raises(ssl.SSLError):
        served(context, "other.localhost")
    with pytest.raises(ssl.SSLError):
        served(ssl.create_default_context())
    connection = http.client.HTTPConnection(ADDRESS, 443, timeout=60)
    connection.connect()
    connection.sock = context.wrap_socket(connection.sock, server_hostname=HOST)
    connection.request("GET", "/", headers={"Host": HOST})
    response = connection.getresponse()
    assert (response.status, response.headers["X-Shipway-Release"]) == (200, "1")
    connection.close()

    lab.edge.switch("one", table(lab, 2))
    lab.restart()
    lab.edge.ensure([], {})
    assert lab.edge.authority() == authority
    assert served(context) == first
    lab.edge.switch("two", table(lab, 2, "two.localhost"))
    lab.edge.remove("one")
    served(context, "two.localhost")
    assert refused(context), "the certificate is still shown"


def refused(context: ssl.SSLContext, seconds: float = 5) -> bool:
    """Whether HOST's certificate soon isn't shown any more: a routes file is taken back at once, its certificate later."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            served(context)
        except ssl.SSLError:
            return True
        time.sleep(0.05)
    return False


def test_certificates_are_renewed_without_a_deployment(lab: TraefikLab) -> None:
    lab.edge.ensure(ports(443, 80), lab.networks)
    lab.edge.switch("one", table(lab))
    context = ssl.create_default_context(cadata=lab.edge.authority())
    first = served(context)
    file = f"/routes/_certificate.{HOST}.yml"
    assert lab.docker.runtime.execute(lab.container, ["sh", "-c", f"echo '{{}}' > {file}"])[0] == 0
    lab.restart()
    lab.docker.runtime.start(lab.container)
    for _ in range(100):
        try:
            found = served(context)
            break
        except OSError:
            time.sleep(0.1)
    assert found != first


def test_plain_http_leads_there(lab: TraefikLab) -> None:
    lab.edge.ensure(ports(443, 80), lab.networks)
    lab.edge.switch("one", table(lab))
    connection = http.client.HTTPConnection(ADDRESS, 80, timeout=60)
    connection.request("GET", "/basket?x=1", headers={"Host": HOST})
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (301, f"https://{HOST}/basket?x=1")
    connection.close()


def test_a_page_stands_there_too(lab: TraefikLab) -> None:
    lab.edge.ensure(ports(443, 80), lab.networks)
    lab.edge.switch("one", table(lab))
    lab.edge.maintain("one", table(lab)["url"], "<p>soon</p>")
    context = ssl.create_default_context(cadata=lab.edge.authority())
    connection = http.client.HTTPConnection(ADDRESS, 443, timeout=60)
    connection.connect()
    connection.sock = context.wrap_socket(connection.sock, server_hostname=HOST)
    connection.request("GET", "/", headers={"Host": HOST})
    response = connection.getresponse()
    assert (response.status, response.read()) == (503, b"<p>soon</p>")
    connection.close()


def test_a_name_gets_its_certificate_from_an_acme_server(lab: TraefikLab) -> None:
    root = acme_server(lab)
    host = "shop.internal"  # who asks for it there is the edge: its alias on the network of both
    tls = {
        "acme": {
            "email": "ops@shop.example",
            "server": "https://acme.internal:9443/acme/local/directory",
            "trust": root,
        }
    }
    lab.edge.ensure(ports(443, 80), lab.networks)
    lab.edge.switch("two", table(lab))
    asked = {"host": host, "tls": tls}
    assert "to use another ACME server" in (lab.edge.pending(ports(443), asked) or "")
    lab.edge.ensure(ports(443), {lab.network: (host,)}, asked)
    assert lab.edge.pending(ports(443), asked) is None
    lab.edge.switch("one", table(lab, 1, host, **tls))
    context = ssl.create_default_context(cadata=root)
    assert served(context, host)
    lab.restart()  # which renews a certificate that ends within days, as this server's do: it may be another one from now on
    lab.edge.ensure([], {})
    assert served(context, host)
    lab.edge.switch("one", table(lab, 2, host, **tls))
    assert served(context, host)


def acme_server(lab: TraefikLab) -> str:
    """Start Caddy as one; the certificate of its authority."""
    name, runtime = lab.docker.name("acme"), lab.docker.runtime
    content = CADDYFILE.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("etc/Caddyfile")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    spec = ContainerSpec(
        name=name,
        image="caddy:2",
        labels={LABEL_APP: lab.docker.app, LABEL_CONFIG: "1"},
        command=("caddy", "run", "--config", "/etc/Caddyfile"),
        env={"XDG_DATA_HOME": "/data", "HOME": "/data"},
        networks={lab.network: ("acme.internal",)},
    )
    runtime.create(spec)
    runtime.put(name, "/", iter([buffer.getvalue()]))
    runtime.start(name)
    path = "/data/caddy/pki/authorities/local/root.crt"
    wait = f"for _ in $(seq 100); do [ -s {path} ] && cat {path} && exit 0; sleep 0.1; done; exit 1"
    code, text = runtime.execute(name, ["sh", "-c", wait])
    assert code == 0, list(runtime.logs(name))
    return text


def test_every_name_gets_a_certificate_until_it_is_removed(lab: TraefikLab) -> None:
    lab.edge.ensure(ports(443, 80), lab.networks)
    names = {"aliases": ["alias.localhost", "*.wild.localhost"], "redirects": ["old.localhost"]}
    made = table(lab)
    lab.edge.switch("one", {**made, "url": {**made["url"], **names}})
    context = ssl.create_default_context(cadata=lab.edge.authority())
    for host in (HOST, "alias.localhost", "any.wild.localhost", "old.localhost"):
        served(context, host)
    for port, scheme in ((80, "http"), (443, "https")):  # in one step to the main name
        connection = http.client.HTTPConnection(ADDRESS, port, timeout=60)
        connection.connect()
        if scheme == "https":
            connection.sock = context.wrap_socket(connection.sock, server_hostname="old.localhost")
        connection.request("GET", "/a?b=c", headers={"Host": "old.localhost"})
        response = connection.getresponse()
        assert (response.status, response.headers["Location"]) == (301, f"https://{HOST}/a?b=c")
        connection.close()
    lab.edge.switch("one", made)
    files = lab.edge._files()
    assert [name for name in files if name.startswith("_certificate.")] == [f"_certificate.{HOST}.yml"]


def own(lab: TraefikLab, made: Files, **url: object) -> dict[str, Any]:
    """With a certificate of one's own."""
    found = table(lab, 1, HOST, 443, own=True)
    pair = {"certificate": made.certificate.read_text(), "key": made.key.read_text()}
    return {**found, "url": {**found["url"], **url}, "certificates": [pair]}


def test_a_certificate_of_ones_own(lab: TraefikLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.edge.ensure(ports(443, 80), lab.networks)
    first, second, other = (certificate(folder(tmp_path / name), f"DNS:{HOST},DNS:*.{HOST}") for name in "abc")
    lab.edge.switch("one", own(lab, first, aliases=[f"*.{HOST}"]))
    context = ssl.create_default_context(cafile=str(first.certificate))
    assert served(context) == served(context, f"any.{HOST}")
    lab.edge.switch("one", own(lab, second))  # renewed by its owner
    renewed = ssl.create_default_context(cafile=str(second.certificate))
    end = time.monotonic() + 5
    while refused_once(renewed) and time.monotonic() < end:
        time.sleep(0.05)
    served(renewed)
    mixed = Files(first.certificate, other.key)
    monkeypatch.setattr(lab.edge, "_deadline", 1.0)
    with pytest.raises(EdgeError, match=r"not valid for elsewhere\.localhost"):
        lab.edge.switch("one", own(lab, second, aliases=["elsewhere.localhost"]))
    with pytest.raises(EdgeError, match="its key is another one"):
        lab.edge.switch("one", own(lab, mixed))
    served(renewed)


def refused_once(context: ssl.SSLContext) -> bool:
    try:
        served(context)
    except ssl.SSLError:
        return True
    return False


def folder(path: Path) -> Path:
    path.mkdir()
    return path
