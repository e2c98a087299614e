"""Signed images on several hosts: each runs exactly the digest that was verified, however its images came there."""

from __future__ import annotations

import json

import pytest

from shipway.domain.errors import GateRefused
from shipway.domain.provenance import split
from shipway.drivers.registry.embedded import PASSWORD, USER
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.system.attestation import SIG, tag_of
from shipway.system.tars import reading_stream
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(900)]

URL = "http://signed.example:8080"


def images_of(nodes: Nodes, node: str, project: Tiny, release: int) -> set[str]:
    """What the containers of a release on a host were created from; those of another one may still drain."""
    labels = {"app": project.app, "role": "service", "release": str(release)}
    filters = " ".join(f"--filter label=shipway.{name}={value}" for name, value in labels.items())
    ids = nodes.ssh(node, f"docker ps -q {filters}")
    found = json.loads(nodes.ssh(node, f"docker inspect {' '.join(ids.split())}"))
    return {item["Config"]["Image"] for item in found}


def newest(project: Tiny) -> str:
    ledger = project.ledger()
    release = ledger.releases(project.app)[0]
    ledger.close()
    return release.images["web"]


def registry(image: str) -> RemoteRegistry:
    """Shipway's own, with its password."""
    from shipway.drivers.credentials import Credentials

    with reading_stream(DockerRuntime(Engine()).get("shipway-registry", PASSWORD)) as tar:
        entry = tar.next()
        assert entry is not None
        file = tar.extractfile(entry)
        assert file is not None
        return RemoteRegistry(image.partition("/")[0], Credentials(USER, file.read().decode()))


def test_each_host_runs_what_was_verified(make: Make, nodes: Nodes) -> None:
    for name in nodes.names:
        nodes.load(name, "caddy:2", "traefik:v3")
    project = make()
    project.plan["environments"]["staging"] |= {
        "url": URL, "hosts": ["ssh://node1", "ssh://node2"], "require": {"signed": True},
    }  # fmt: skip
    project.env["PATH"] = f"{nodes.bin}:{project.env['PATH']}"
    project.protect()
    project.shipway("signing", "create")
    project.change("one")
    assert "1 image signed by" in project.shipway("run", "staging").output
    first = newest(project)
    assert [images_of(nodes, name, project, 1) for name in nodes.names] == [{first}, {first}]

    # Somebody loads another image on node2, by the name that the next release has there.
    tag = f"{split(first)[0]}:{project.change('two')}"
    nodes.ssh("node2", f"docker tag caddy:2 {tag}")
    project.shipway("run", "staging")
    second = newest(project)
    assert second != first
    assert [images_of(nodes, name, project, 2) for name in nodes.names] == [{second}, {second}]
    assert [nodes.ask(name, URL) for name in nodes.names] == ["two", "two"]

    registry(first).attach(split(first)[0], tag_of(split(first)[1], SIG), [])
    done = project.shipway("deploy", "staging", "HEAD~1", check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert "it has no signature" in done.output
    assert [images_of(nodes, name, project, 2) for name in nodes.names] == [{second}, {second}]
