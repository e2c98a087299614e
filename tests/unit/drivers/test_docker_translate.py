"""What the Docker drivers make of specifications and streams. Pure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipway.domain.container import LABEL_ROLE, LABEL_RUN, ContainerSpec, Publish
from shipway.domain.errors import EngineError
from shipway.domain.plan import Security
from shipway.drivers.images.builder import Client, docker_clients, failure, find_builder
from shipway.drivers.images.docker import registry_of, split_reference
from shipway.drivers.runtime.streams import Seen, frames, lines, records
from shipway.drivers.runtime.translate import LOW_SHARES, create_body, listed


def framed(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000])
def test_frames_may_be_cut_anywhere(size: int) -> None:
    data = framed(1, b"out") + framed(2, b"") + framed(2, b"err\n")
    assert list(frames(pieces(data, size))) == [(1, b"out"), (2, b""), (2, b"err\n")]


def test_lines_of_two_streams_do_not_mix() -> None:
    parts = [(1, b"one "), (2, b"err"), (1, b"line\nnext"), (2, b"or\n"), (1, b"\n"), (1, b"end")]
    assert list(lines(parts)) == ["one line", "error", "next", "end"]


def test_lines_as_a_screen_would_show_them() -> None:
    assert list(lines([(1, b"10%\r50%\r100%\n"), (1, b"dos\r\n"), (1, b"\n"), (1, b"\xff\n")])) == [
        "100%",
        "dos",
        "",
        "\ufffd",
    ]


def test_an_endless_line_comes_in_pieces() -> None:
    found = list(lines((1, b"x" * 65536) for _ in range(40)))
    assert len(found) > 1
    assert sum(map(len, found)) == 40 * 65536


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_records_may_be_cut_anywhere(size: int) -> None:
    data = b'{"a": 1}\r\n\n{"b": "\xc3\xa4"}'
    assert list(records(pieces(data, size))) == [{"a": 1}, {"b": "ä"}]


def test_a_log_is_read_on_from_where_it_was_left() -> None:
    def stamp(number: int) -> bytes:
        return f"2024-01-31T10:00:{number:02}.000000000Z".encode()

    # the parts of a long line share a stamp, and another stream's come between
    log = [(1, stamp(1)), (2, stamp(3)), (1, stamp(2)), (2, stamp(3)), (1, stamp(2)), (2, stamp(3)), (1, stamp(4))]
    for cut in range(1, len(log)):
        seen = Seen()
        for message in log[:cut]:
            seen.add(*message)
        again = [message for message in log if message[1] >= stamp(0)]
        assert [message for message in again if not seen.take(*message)] == log[cut:]
    assert seen.since() == "1706695201"


def test_the_smallest_container() -> None:
    body = create_body(ContainerSpec("a", "image", {"k": "v"}))
    assert {"Cmd", "Entrypoint", "WorkingDir", "NetworkingConfig"}.isdisjoint(body)
    assert {"Memory", "NanoCpus", "SecurityOpt", "NetworkMode"}.isdisjoint(body["HostConfig"])
    assert body["HostConfig"]["RestartPolicy"] == {"Name": "no"}
    assert json.dumps(body)


@pytest.mark.parametrize(
    ("labels", "low"), [({LABEL_ROLE: "service"}, False), ({LABEL_RUN: "3"}, True), ({LABEL_ROLE: "proof"}, True)]
)
def test_runs_and_proofs_stay_below_what_serves(labels: dict[str, str], low: bool) -> None:
    shares = create_body(ContainerSpec("a", "img", labels))["HostConfig"].get("CpuShares")
    assert shares == (LOW_SHARES if low else None)


@pytest.mark.parametrize(
    ("security", "host"),
    [
        (None, {}),
        (Security(), {"PidsLimit": 4096, "CapAdd": [], "CapDrop": ["NET_RAW"], "SecurityOpt": ["no-new-privileges"]}),
        (
            Security(False, 100, ("NET_RAW", "SYS_PTRACE")),
            {"PidsLimit": 100, "CapAdd": ["NET_RAW", "SYS_PTRACE"], "CapDrop": []},
        ),
    ],
)
def test_what_a_container_may_do(security: Security | None, host: dict[str, object]) -> None:
    keys = ("PidsLimit", "CapAdd", "CapDrop", "SecurityOpt", "MemorySwap")
    body = create_body(ContainerSpec("a", "img", {}, security=security))["HostConfig"]
    assert {key: body[key] for key in keys if key in body} == host
    limited = create_body(ContainerSpec("a", "img", {}, memory=9 << 20, swap=False, log=256 << 20))["HostConfig"]
    assert (limited["Memory"], limited["MemorySwap"]) == (9 << 20, 9 << 20)
    assert limited["LogConfig"]["Config"] == {"max-size": "1280m", "max-file": "2"}


def test_the_first_network_is_joined_at_once_and_a_port_may_have_two_addresses() -> None:
    spec = ContainerSpec(
        "a",
        "image",
        {},
        networks={"one": ("x",), "two": ("y",)},
        publish=(Publish(80, 8080), Publish(80, 0, "10.0.0.1")),
    )
    body = create_body(spec)
    assert body["HostConfig"]["NetworkMode"] == "one"
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"one": {"Aliases": ["x"]}}}
    assert body["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "10.0.0.1", "HostPort": ""}]
    }
    assert create_body(ContainerSpec("a", "i", {}, network_of="edge"))["HostConfig"]["NetworkMode"] == "container:edge"


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("exited", "Exited (137) 2 hours ago", 137),
        ("running", "Up 3 seconds (healthy)", None),
        ("created", "Created", None),
    ],
)
def test_exit_codes_of_a_list(state: str, status: str, code: int | None) -> None:
    item = {"Id": "i", "Names": ["/other/link", "/name"], "Labels": None, "State": state, "Status": status}
    found = listed({**item, "ImageID": "sha256:1", "Created": 5, "NetworkSettings": {"Networks": {}}})
    assert (found.name, found.exit_code, found.labels) == ("name", code, {})


REFERENCES = {
    "postgres:15": ("Docker Hub", "postgres", "", "15"),
    "acme/shop": ("Docker Hub", "acme/shop", "", "latest"),
    "127.0.0.1:5055/shop/api:v1": ("127.0.0.1:5055", "127.0.0.1:5055/shop/api", "", "v1"),
    "127.0.0.1:5055/shop/api": ("127.0.0.1:5055", "127.0.0.1:5055/shop/api", "", "latest"),
    "registry.example/a@sha256:12": ("registry.example", "registry.example/a", "sha256:12", ""),
    "localhost/a:1@sha256:12": ("localhost", "localhost/a", "sha256:12", "1"),
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_references(reference: str) -> None:
    assert (registry_of(reference), *split_reference(reference)) == REFERENCES[reference]


VERSIONS = {"new": "Docker version 28.2.2, build e6534b4", "old": "Docker version 20.10.24+dfsg1, build 297e128"}


@pytest.mark.parametrize(
    ("clients", "with_buildx", "expected"),
    [
        (["new", "old"], {"new"}, Client("new", True)),
        (["new", "old"], set(), Client("old", False)),
        (["old", "new"], {"new"}, Client("new", True)),
        (["new"], set(), "no docker client on this machine can build with BuildKit"),
        ([], set(), "there is no docker client"),
    ],
)
def test_a_client_that_builds_with_buildkit(clients: list[str], with_buildx: set[str], expected: object) -> None:
    def run(command: object) -> tuple[int, str]:
        assert isinstance(command, list)
        client, *rest = command
        return (0, VERSIONS[client]) if rest == ["--version"] else (0 if client in with_buildx else 1, "")

    if isinstance(expected, str):
        with pytest.raises(EngineError, match=expected) as caught:
            find_builder(clients, run)
        assert "docker-buildx" in caught.value.hint
    else:
        assert find_builder(clients, run) == expected


def test_why_a_build_failed() -> None:
    output = [f"#5 {number} noise" for number in range(100)]
    summary = ["------", " > [2/3] RUN make:", "#5 0.3 make: no rule", "------", "", "failed to solve: exit code: 2"]
    assert failure(output + summary) == " > [2/3] RUN make:\n#5 0.3 make: no rule\nfailed to solve: exit code: 2"
    old = [
        "#4 0.1 other",
        "#5 [2/3] RUN make:",
        "#5 0.3 make: no rule",
        "#5 ERROR: exit code: 2",
        "------",
        " > [2/3] RUN make:",
        "------",
        "exit code: 2",
    ]
    assert failure(old) == " > [2/3] RUN make:\n0.3 make: no rule\nexit code: 2"
    assert failure([*output, "", "error: no such file"]).splitlines()[-2:] == ["#5 99 noise", "error: no such file"]
    assert len(failure(output).splitlines()) == 20


def test_each_client_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "docker").write_text("#!/bin/sh\n")
        (tmp_path / folder / "docker").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "two")
    monkeypatch.setenv("PATH", f"{tmp_path}/link:{tmp_path}/one:{tmp_path}/two")
    assert [path for path in docker_clients() if path.startswith(str(tmp_path))] == [
        f"{tmp_path}/link/docker",
        f"{tmp_path}/one/docker",
    ]
