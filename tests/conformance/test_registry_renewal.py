"""Registries whose credentials expire, and one with a certificate of its own: a real registry, a real engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway.domain.errors import RegistryError
from shipway.drivers.authorities import FOLDER
from shipway.drivers.credentials import VARIABLE, Keyring
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.access import keyring
from shipway.drivers.registry.remote import RemoteRegistry
from tests.conformance.labs import DockerLab
from tests.conformance.registries import USER, RegistryHost, TokenServer, token_host
from tests.unit.certificates import certificate

pytestmark = pytest.mark.engine

HELPER = """#!/bin/sh
read address
echo "$address" >> {asked}
cat {answer}
"""


class Expiring:
    """A registry whose user gets another password with `expire`: the one before is refused from then on."""

    def __init__(self, docker: DockerLab, folder: Path) -> None:
        self.docker, self.tokens = docker, TokenServer(folder)
        self.address = token_host(docker, self.tokens).address
        self.asked, self._answer = folder / "asked", folder / "answer"
        self.helper = folder / "docker-credential-fake"
        self.helper.write_text(HELPER.format(asked=self.asked, answer=self._answer))
        self.helper.chmod(0o755)
        self.expire("first")

    def expire(self, password: str) -> None:
        self.tokens.password = password
        self._answer.write_text(json.dumps({"Username": USER, "Secret": password}))
        self.asked.write_text("")

    def questions(self) -> list[str]:
        return self.asked.read_text().split()


@pytest.fixture(scope="module")
def expiring(docker: DockerLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Expiring]:
    made = Expiring(docker, tmp_path_factory.mktemp("expiring"))
    yield made
    made.tokens.close()


def logged_in(expiring: Expiring, key: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Keyring:
    """The credentials of a machine whose docker command uses the helper, as `credsStore` or for this registry."""
    setting = {"credsStore": "fake"} if key == "credsStore" else {"credHelpers": {expiring.address: "fake"}}
    (folder / "config.json").write_text(json.dumps(setting))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("PATH", f"{expiring.helper.parent}:/usr/bin:/bin")
    return keyring(environ={})


def pushed(docker: DockerLab, expiring: Expiring, images: DockerImages, name: str) -> str:
    repository = f"{expiring.address}/{docker.app}/{name}"
    docker.images.tag("redis:7", repository, "t")
    return f"{repository}@{images.push(repository, 't', lambda line: None)}"


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_helper_is_asked_again_once_when_its_token_has_expired(
    docker: DockerLab, expiring: Expiring, key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expiring.expire(f"first-{key}")
    keys = logged_in(expiring, key, monkeypatch, tmp_path)
    images = DockerImages(docker.engine, keys)
    registry = RemoteRegistry(
        expiring.address, keys.at(expiring.address), lambda used: keys.renew(f"{expiring.address}/", used)
    )
    reference = pushed(docker, expiring, images, f"web-{key.lower()}")
    repository, _, digest = reference.partition("@")
    assert registry.digest(repository, digest) == digest
    assert expiring.questions() == [expiring.address]

    expiring.expire(f"second-{key}")  # in the middle of a long deployment, on each of its hosts
    docker.forget(f"{repository}:t")
    docker.forget(reference)
    hosts = [DockerImages(docker.engine, keys) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda host: host.pull(reference, lambda line: None), hosts))
    assert expiring.questions() == [expiring.address]
    registry.tag(repository, digest, "other")  # with another scope: a new token
    assert registry.digest(repository, "other") == digest
    assert expiring.questions() == [expiring.address]

    expiring.tokens.password = "nobody-knows"
    images.tag(reference, repository, "other")
    with pytest.raises(RegistryError, match=r"push of .* failed"):
        images.push(repository, "other", lambda line: None)
    assert len(expiring.questions()) == 2, "asked once more, and the same answer is not tried again"


def test_a_command_of_the_operator_gives_credentials_to_pushes_pulls_and_builds(
    docker: DockerLab, expiring: Expiring, tmp_path: Path
) -> None:
    command = f'echo asked >> {expiring.asked}; sed \'s/.*Secret": "//; s/".*//\' {expiring._answer}'
    keys = keyring(environ={VARIABLE: json.dumps({expiring.address: {"user": USER, "command": command}})})
    images = DockerImages(docker.engine, keys)
    expiring.expire("third")
    reference = pushed(docker, expiring, images, "base")
    expiring.expire("fourth")
    repository = reference.partition("@")[0]
    images.push(repository, "t", lambda line: None)
    assert expiring.questions() == ["asked"]
    docker.forget(f"{repository}:t")
    docker.forget(reference)
    (tmp_path / "Dockerfile").write_text(f"FROM {reference}\nCOPY Dockerfile /\n")
    images.build(
        tmp_path, tags=[docker.name("on-base")], dockerfile="Dockerfile", target=None, args={}, labels={},
        on_line=lambda line: None,
    )  # fmt: skip
    assert expiring.questions() == ["asked"]


@pytest.mark.machine
@pytest.mark.full
def test_a_certificate_of_its_own(docker: DockerLab, tmp_path: Path) -> None:
    bridge = docker.engine.call("GET", "/networks/bridge")["IPAM"]["Config"][0]
    where = bridge.get("Gateway") or bridge["Subnet"].rpartition(".")[0] + ".1"
    files = certificate(tmp_path, f"IP:{where}")
    tls = {"REGISTRY_HTTP_TLS_CERTIFICATE": "/cert.pem", "REGISTRY_HTTP_TLS_KEY": "/key.pem"}
    contents = {"cert.pem": files.certificate.read_bytes(), "key.pem": files.key.read_bytes()}
    lab = DockerLab()
    try:
        host = RegistryHost(lab, env=tls, files=contents, where=where)
        repository = f"{host.address}/{lab.app}/web"
        lab.images.tag("redis:7", repository, "t")
        for refused in (
            lambda: RemoteRegistry(host.address).ensure(),
            lambda: lab.images.push(repository, "t", lambda line: None),
        ):
            with pytest.raises(RegistryError) as caught:
                refused()
            assert f"/etc/docker/certs.d/{host.address}/ca.crt" in caught.value.hint
        trusted = FOLDER / host.address
        trusted.mkdir(parents=True)
        try:
            (trusted / "ca.crt").write_bytes(files.certificate.read_bytes())
            digest = lab.images.push(repository, "t", lambda line: None)
            assert RemoteRegistry(host.address).digest(repository, "t") == digest
            lab.forget(f"{repository}:t")
            lab.forget(f"{repository}@{digest}")
            lab.images.pull(f"{repository}@{digest}", lambda line: None)
        finally:
            shutil.rmtree(trusted)
    finally:
        lab.close()
