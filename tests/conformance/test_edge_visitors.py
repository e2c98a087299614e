"""What visitors and services see of the edge: request ids, addresses, logs, and connections that outlive a switch."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shipway.domain.container import Publish
from shipway.domain.routes import route
from tests.conformance.edge_lab import TraefikLab

pytestmark = [pytest.mark.machine, pytest.mark.engine]
HOST = "one.localhost"


@pytest.fixture(scope="module")
def made() -> Iterator[TraefikLab]:
    lab = TraefikLab()
    try:
        lab.edge.ensure([Publish(lab.ports[0], lab.ports[0])], lab.networks)
        yield lab
    finally:
        lab.docker.close()


@pytest.fixture
def lab(made: TraefikLab) -> Iterator[TraefikLab]:
    made.edge.switch("one", table(made, 1))
    yield made
    made.edge.remove("one")


def table(lab: TraefikLab, release: int) -> dict[str, Any]:
    """Release N is at the Nth upstream."""
    url = {"scheme": "http", "host": HOST, "port": lab.ports[0]}
    return {"release": release, "url": url, "routes": [route("front", "/", "/", release, [lab.upstreams[release - 1]])]}


def ask(lab: TraefikLab, path: str = "/", **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=60)
    connection.request("GET", path, headers={"Host": HOST, **headers})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


def test_a_sane_request_id_is_kept(lab: TraefikLab) -> None:
    response, _ = ask(lab, **{"X-Request-Id": "order-17/a.b_c:d"})
    assert response.headers.get_all("X-Request-Id") == ["order-17/a.b_c:d"]
    assert response.headers["X-Given-Id"] == "order-17/a.b_c:d"


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "a\tb", "<script>"])
def test_every_request_has_an_id(lab: TraefikLab, given: str | None) -> None:
    response, _ = ask(lab, **({} if given is None else {"X-Request-Id": given}))
    made = response.headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert response.headers["X-Given-Id"] == made
    assert ask(lab)[0].headers["X-Request-Id"] != made


def test_client_addresses_in_request_headers_are_not_trusted(lab: TraefikLab) -> None:
    _, body = ask(lab, **{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"})
    assert "203.0.113.9" not in body
    assert "evil" not in body
    assert HOST in body


def test_the_log_has_a_line_of_json_for_each_request(lab: TraefikLab) -> None:
    ask(lab, "/found?secret=1", **{"X-Request-Id": "logged-1", "Authorization": "Basic hidden"})
    lines: list[dict[str, Any]] = []
    for _ in range(50):
        text = list(lab.docker.runtime.logs(lab.container))
        lines = [item for item in map(json.loads, text) if "logged-1" in item.values()]
        if lines:
            break
        time.sleep(0.1)
    (line,) = lines
    assert (line["RequestMethod"], line["RequestPath"], line["DownstreamStatus"]) == ("GET", "/found?secret=1", 200)
    assert line["ServiceName"] == "one.front.1@file"
    assert line["Duration"] > 0
    assert line["ClientHost"]
    assert "hidden" not in str(line)
    own = [item for item in map(json.loads, text) if ".well-known/shipway" in item.get("RequestPath", "")]
    assert {item["DownstreamStatus"] for item in own} <= {404}  # of Shipway's own questions, those without a route


def test_a_websocket_outlives_a_switch_and_the_routes(lab: TraefikLab) -> None:
    with socket.create_connection(("127.0.0.1", lab.ports[0]), 60) as client:
        upgrade = f"GET /chat HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        client.sendall(upgrade.encode())
        stream = client.makefile("rb")
        head = list(iter(stream.readline, b"\r\n"))
        assert b"101" in head[0]
        assert any(line.lower().startswith(b"x-request-id") for line in head)

        def echoed(text: bytes) -> bool:
            client.sendall(text)
            return stream.readline() == text

        assert echoed(b"before\n")
        lab.edge.switch("one", table(lab, 2))
        assert echoed(b"after the switch\n")
        lab.edge.remove("one")
        assert echoed(b"after the routes\n")


def test_a_slow_answer_outlives_a_switch_and_the_routes(lab: TraefikLab) -> None:
    answers: list[tuple[int, str]] = []

    def slowly() -> None:
        response, body = ask(lab, "/slow")
        answers.append((response.status, body))

    thread = threading.Thread(target=slowly)
    thread.start()
    time.sleep(0.5)
    lab.edge.switch("one", table(lab, 2))
    lab.edge.remove("one")
    thread.join()
    ((status, body),) = answers
    assert status == 200
    assert body.startswith(lab.docker.name("a"))


def test_a_connection_is_kept_over_switches(lab: TraefikLab) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=60)
    connection.connect()
    used = connection.sock
    for release in (1, 2, 3, 1):
        lab.edge.switch("one", table(lab, release))
        connection.request("GET", "/", headers={"Host": HOST})
        response = connection.getresponse()
        response.read()
        assert response.headers["X-Shipway-Release"] == str(release)
        assert connection.sock is used
    connection.close()


def test_a_large_upload_is_passed_on_as_it_comes(lab: TraefikLab) -> None:
    size, before = 100 << 20, memory(lab)
    connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=60)
    connection.putrequest("POST", "/", skip_host=True)
    connection.putheader("Host", HOST)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _ in range(100):
        connection.send(bytes(1 << 20))
    most = memory(lab)
    response = connection.getresponse()
    assert response.status == 200
    assert response.read().decode().endswith(f"{size})")
    connection.close()
    assert most - before < 50 << 20


def memory(lab: TraefikLab) -> int:
    """Of the edge's process: bytes that it holds."""
    _, text = lab.docker.runtime.execute(lab.container, ["cat", "/proc/1/status"])
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found
    return int(found[1]) * 1024
