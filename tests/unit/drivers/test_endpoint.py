"""Which engine is meant: as the docker command finds it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from shipway.domain.errors import EngineError
from shipway.drivers.runtime.endpoint import Endpoint, find
from shipway.drivers.runtime.engine import Engine


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def context(settings: Path, name: str, host: str, *, tls: bool = False, current: bool = True) -> Path:
    place = hashlib.sha256(name.encode()).hexdigest()
    meta = settings / "contexts/meta" / place / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}))
    certificates = settings / "contexts/tls" / place / "docker"
    if tls:
        certificates.mkdir(parents=True)
    if current:
        (settings / "config.json").write_text(json.dumps({"currentContext": name}))
    return certificates


def test_the_context_that_is_in_use(settings: Path) -> None:
    context(settings, "other", "unix:///other.sock")
    assert find({}).address == "unix:///other.sock"
    assert find({"DOCKER_HOST": "unix:///this.sock"}).address == "unix:///this.sock"
    assert find({"DOCKER_CONTEXT": "default"}, lambda path: True).address == "unix:///var/run/docker.sock"
    with pytest.raises(EngineError, match=r"nothing answers at unix:///other.sock \(docker context 'other'\)"):
        Engine().call("GET", "/version")


def test_a_context_with_tls(settings: Path) -> None:
    certificates = context(settings, "far", "tcp://10.0.0.1:2376", tls=True, current=False)
    found = find({"DOCKER_CONTEXT": "far"})
    assert (found.port, found.certificates, found.verify) == (2376, certificates, True)
    assert found.variables() == {
        "DOCKER_HOST": "tcp://10.0.0.1:2376",
        "DOCKER_CERT_PATH": str(certificates),
        "DOCKER_TLS_VERIFY": "1",
    }


def test_a_context_that_is_not_there(settings: Path) -> None:
    with pytest.raises(EngineError, match="context 'gone' doesn't exist"):
        find({"DOCKER_CONTEXT": "gone"})
    (settings / "config.json").write_text("{")
    with pytest.raises(EngineError, match="can't be read"):
        find({})


def test_tls_by_variables(settings: Path) -> None:
    assert find({"DOCKER_HOST": "tcp://h"}) == Endpoint("tcp://h", source="DOCKER_HOST")
    assert find({"DOCKER_HOST": "tcp://h"}).port == 2375
    found = find({"DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"})
    assert found == Endpoint("tcp://h", Path("/certs"), True, "DOCKER_HOST")
    assert found.port == 2376
    assert find({"DOCKER_HOST": "tcp://h", "DOCKER_TLS": "1"}).verify is False
    assert find({"DOCKER_HOST": "unix:///s", "DOCKER_TLS_VERIFY": "1"}).certificates is None


def test_a_rootless_engine_where_there_is_no_other(settings: Path) -> None:
    rootless = Path("/run/user/7/docker.sock")
    environ = {"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/home/ada"}
    assert find(environ, lambda path: path == rootless).address == f"unix://{rootless}"
    assert find(environ, lambda path: True).address == "unix:///var/run/docker.sock"
    assert find(environ, lambda path: False).address == "unix:///var/run/docker.sock"


def test_an_engine_by_ssh_is_a_host_of_the_plan(settings: Path) -> None:
    context(settings, "far", "ssh://ada@far")
    with pytest.raises(EngineError, match="can't connect to") as caught:
        Engine().call("GET", "/version")
    assert "hosts: [ssh://ada@far]" in caught.value.hint
