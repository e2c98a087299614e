"""Every Images: the contract, and what only a real engine can show."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.build import BuildExtras
from shipway.domain.errors import EngineError, Interrupted, StepFailed
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.runtime.engine import Engine
from shipway.testing.images import ImagesContract
from shipway.testing.memory import MemoryImages
from shipway.testing.runtime_lab import SLEEPS
from tests.conformance.labs import IMAGE, DockerLab
from tests.conformance.registries import RegistryHost

pytestmark = pytest.mark.machine


class MemoryImagesLab:
    base = IMAGE
    unreachable = "nowhere.memory/a"

    def __init__(self) -> None:
        self.images = MemoryImages(public=[IMAGE])
        self.images.pull(IMAGE, lambda line: None)

    def repository(self, name: str) -> str:
        return f"registry.memory/conf/{name}"

    def forget(self, reference: str) -> None:
        self.images.forget(reference)

    def use(self, reference: str) -> None:
        found = self.images.inspect(reference)
        assert found is not None
        self.images.used.add(str(found["Id"]))


class DockerImagesLab:
    base = IMAGE

    def __init__(self, lab: DockerLab, host: RegistryHost) -> None:
        self.docker = lab
        self.images = lab.images
        self._host = host
        self.unreachable = f"127.0.0.1:{lab.port()}/a"

    def repository(self, name: str) -> str:
        return f"{self._host.address}/{self.docker.app}/{name}"

    def forget(self, reference: str) -> None:
        self.docker.forget(reference)

    def use(self, reference: str) -> None:
        self.docker.runtime.create(self.docker.spec("user", SLEEPS, image=reference))


class TestMemoryImages(ImagesContract):
    @pytest.fixture
    def lab(self) -> MemoryImagesLab:
        return MemoryImagesLab()


@pytest.mark.engine
class TestDockerImages(ImagesContract):
    @pytest.fixture(scope="class")
    @classmethod
    def host(cls) -> Iterator[RegistryHost]:
        docker = DockerLab()
        try:
            yield RegistryHost(docker)
        finally:
            docker.close()

    @pytest.fixture
    def lab(self, host: RegistryHost) -> Iterator[DockerImagesLab]:
        docker = DockerLab()
        try:
            yield DockerImagesLab(docker, host)
        finally:
            docker.close()

    def test_arguments_and_targets(self, lab: DockerImagesLab, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "My.Dockerfile").write_text(
            f"FROM {IMAGE} AS first\nARG WHAT\nENV GOT=$WHAT\nFROM first AS second\nENV STAGE=second\n"
        )
        identity = lab.images.build(
            tmp_path,
            tags=[f"{lab.repository('a')}:t", f"{lab.repository('a')}:u"],
            dockerfile="sub/My.Dockerfile",
            target="first",
            args={"WHAT": "a b"},
            labels={},
            on_line=lambda line: None,
        )
        found = lab.images.inspect(f"{lab.repository('a')}:u")
        assert found is not None
        assert found["Id"] == identity
        config = found["Config"]
        assert isinstance(config, dict)
        assert "GOT=a b" in config["Env"]
        assert "STAGE=second" not in config["Env"]

    def test_secrets_and_keys_are_there_while_it_builds_and_in_no_part_of_the_image(
        self, lab: DockerImagesLab, tmp_path: Path
    ) -> None:
        key = tmp_path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        context = tmp_path / "context"
        context.mkdir()
        (context / "Dockerfile").write_text(
            f"FROM {IMAGE}\nARG NOW\n"
            "RUN --mount=type=secret,id=TOKEN sha256sum /run/secrets/TOKEN > /sum\n"
            'RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && ls -R /run > /listed\n'
        )
        lines: list[str] = []
        secret, repository = "hunter two", lab.repository("a")
        lab.images.build(
            context, tags=[f"{repository}:t"], dockerfile="Dockerfile", target=None, args={"NOW": lab.docker.app}, labels={},
            on_line=lines.append, extras=BuildExtras(secrets={"TOKEN": secret}, ssh={"default": key.read_text()}),
        )  # fmt: skip
        private = key.read_text().splitlines()[1]
        history = json.dumps(lab.docker.engine.call("GET", f"/images/{repository}:t/history"))
        for text in (*lines, history, json.dumps(lab.images.inspect(f"{repository}:t"))):
            assert secret not in text
            assert private not in text
        looks = lab.docker.run("look", "cat /sum /listed; ls /run/secrets", image=f"{repository}:t")
        lab.docker.runtime.wait(looks, 30)
        found = list(lab.docker.runtime.logs(looks))
        assert found[0].split()[0] == hashlib.sha256(secret.encode()).hexdigest(), "it was there"
        assert not any("TOKEN" in line for line in found[1:]), found

    def test_layers_come_from_a_registry_and_go_into_the_pushed_image(
        self, lab: DockerImagesLab, tmp_path: Path
    ) -> None:
        (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo {lab.docker.app} > /a\n")
        repository = lab.repository("a")
        options: dict[str, Any] = {"dockerfile": "Dockerfile", "target": None, "args": {}, "labels": {}}
        cached = BuildExtras(cache_from=(f"{repository}:cache",), cache_to=f"{repository}:cache")
        first: list[str] = []
        lab.images.build(tmp_path, tags=[f"{repository}:t"], on_line=first.append, extras=cached, **options)
        lab.images.push(repository, "t", lambda line: None)  # an importing build finds no cache yet, and goes on
        lab.images.tag(f"{repository}:t", repository, "cache")
        lab.images.push(repository, "cache", lambda line: None)
        second: list[str] = []
        lab.images.build(tmp_path, tags=[f"{repository}:u"], on_line=second.append, extras=cached, **options)
        assert any("importing cache manifest" in line for line in second)
        assert not any(line.endswith("ERROR") for line in second)

    def test_another_platform_and_what_this_client_can_not_build(self, lab: DockerImagesLab, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        able = lab.images.builder()
        extras = BuildExtras(contexts={"shared": tmp_path}, platforms=("linux/amd64",))

        def build(extras: BuildExtras) -> str:
            return lab.images.build(
                tmp_path, tags=[], dockerfile="Dockerfile", target=None, args={}, labels={}, on_line=lambda line: None,
                extras=extras,
            )  # fmt: skip

        assert build(BuildExtras(platforms=("linux/arm64",))).startswith("sha256:")
        if "contexts" in able.lacks:
            with pytest.raises(EngineError, match="extra contexts need the buildx plug-in"):
                build(extras)
        if "platforms" in able.lacks:
            with pytest.raises(EngineError, match="several platforms needs buildx") as caught:
                build(BuildExtras(platforms=("linux/amd64", "linux/arm64")))
            assert "docker buildx create" in caught.value.hint

    def test_a_failing_command_says_why(self, lab: DockerImagesLab, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo what went wrong && exit 3\n")
        lines: list[str] = []
        with pytest.raises(StepFailed) as caught:
            lab.images.build(
                tmp_path, tags=[], dockerfile="Dockerfile", target=None, args={}, labels={}, on_line=lines.append
            )
        assert "what went wrong" in caught.value.message
        assert "exit code: 3" in caught.value.message
        assert len(caught.value.message.splitlines()) <= 21
        assert any("what went wrong" in line for line in lines)

    def test_a_build_ends_when_it_is_cancelled(self, lab: DockerImagesLab, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo begun && sleep 300\n")
        cancelled = threading.Event()
        images = DockerImages(Engine(), cancelled=cancelled)

        def heard(line: str) -> None:
            if "begun" in line:  # later, in its silence
                threading.Timer(0.5, cancelled.set).start()

        with pytest.raises(Interrupted):
            images.build(tmp_path, tags=[], dockerfile="Dockerfile", target=None, args={}, labels={}, on_line=heard)

    def test_an_engine_that_does_not_run(self, tmp_path: Path) -> None:
        images = DockerImages(Engine(f"unix://{tmp_path}/docker.sock"))
        with pytest.raises(EngineError, match="isn't running"):
            images.build(
                tmp_path, tags=[], dockerfile="Dockerfile", target=None, args={}, labels={}, on_line=lambda line: None
            )
