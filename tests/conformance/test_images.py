"""Every Images: the contract, and what only a real engine can show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

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
