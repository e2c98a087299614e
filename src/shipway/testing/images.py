"""The conformance suite of Images. A driver's tests subclass ImagesContract and provide a `lab`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from shipway.domain.errors import EngineError, RegistryError, StepFailed
from shipway.ports import Images


class ImagesLab(Protocol):
    """Images with a registry for pushes; everything is removed when the test ends."""

    @property
    def images(self) -> Images: ...

    base: str  # an image on the engine
    unreachable: str  # a repository with an unreachable registry

    def repository(self, name: str) -> str:
        """Name of a repository in the registry."""

    def forget(self, reference: str) -> None:
        """Remove an image's name from the engine."""

    def use(self, reference: str) -> None:
        """Create a container of the image without starting it."""


class ImagesContract:
    """Runs on the real engine and on the in-memory one."""

    def build(self, lab: ImagesLab, folder: Path, name: str, text: str = "one") -> tuple[str, str]:
        """Repository and id of a new image, tagged `t`."""
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY text /text\n", encoding="utf-8")
        (folder / "text").write_text(text, encoding="utf-8")
        repository = lab.repository(name)
        return repository, self.call_build(lab, folder, [f"{repository}:t"])

    def call_build(self, lab: ImagesLab, folder: Path, tags: list[str], dockerfile: str = "Dockerfile") -> str:
        labels = {"org.opencontainers.image.title": "a title with blanks"}
        return lab.images.build(
            folder, tags=tags, dockerfile=dockerfile, target=None, args={}, labels=labels, on_line=lambda line: None
        )

    def test_an_image_that_is_not_there(self, lab: ImagesLab) -> None:
        assert lab.images.inspect(f"{lab.repository('nothing')}:t") is None

    def test_build(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        assert identity.startswith("sha256:")
        for name in (identity, f"{repository}:t"):
            found = lab.images.inspect(name)
            assert found is not None
            assert found["Id"] == identity
            config = found["Config"]
            assert isinstance(config, dict)
            assert config["Labels"]["org.opencontainers.image.title"] == "a title with blanks"

    def test_the_same_source_gives_the_same_image(self, lab: ImagesLab, tmp_path: Path) -> None:
        _, first = self.build(lab, tmp_path, "a")
        assert self.build(lab, tmp_path, "a")[1] == first
        assert self.build(lab, tmp_path, "a", "two")[1] != first

    def test_a_missing_dockerfile(self, lab: ImagesLab, tmp_path: Path) -> None:
        with pytest.raises(StepFailed, match=r"Other\.Dockerfile"):
            self.call_build(lab, tmp_path, [f"{lab.repository('a')}:t"], "Other.Dockerfile")

    def test_tag(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        other = lab.repository("b")
        for source in (identity, f"{repository}:t", identity):
            lab.images.tag(source, other, "u")
        found = lab.images.inspect(f"{other}:u")
        assert found is not None
        assert found["Id"] == identity
        with pytest.raises(EngineError):
            lab.images.tag(f"{repository}:nothing", other, "u")

    def test_push_and_pull_by_digest(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        lines: list[str] = []
        digest = lab.images.push(repository, "t", lines.append)
        assert digest.startswith("sha256:")
        assert lines
        assert lab.images.push(repository, "t", lines.append) == digest
        for reference in (f"{repository}@{digest}", f"{repository}:t"):
            lab.forget(f"{repository}:t")
            lab.forget(f"{repository}@{digest}")
            assert lab.images.inspect(reference) is None
            lab.images.pull(reference, lines.append)
            found = lab.images.inspect(reference)
            assert found is not None
            assert found["Id"] == identity

    def test_what_is_there_is_not_pulled(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, _ = self.build(lab, tmp_path, "a")
        lines: list[str] = []
        lab.images.pull(f"{repository}:t", lines.append)  # was never pushed
        lab.images.pull(lab.base, lines.append)
        assert lines == []

    def test_a_missing_image(self, lab: ImagesLab) -> None:
        repository = lab.repository("nothing")
        for reference in (f"{repository}:t", f"{repository}@sha256:{'0' * 64}"):
            with pytest.raises(RegistryError, match="nothing"):
                lab.images.pull(reference, lambda line: None)
        with pytest.raises(RegistryError, match="nothing"):
            lab.images.push(repository, "t", lambda line: None)
        with pytest.raises(RegistryError):
            lab.images.pull(f"{lab.unreachable}:t", lambda line: None)

    def names(self, lab: ImagesLab, identity: str) -> set[str] | None:
        """Names of an image in the list; None if it is missing."""
        return next((set(image.names) for image in lab.images.list() if image.id == identity), None)

    def test_list(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        digest = lab.images.push(repository, "t", lambda line: None)
        lab.images.tag(identity, lab.repository("b"), "u")
        (found,) = [image for image in lab.images.list() if image.id == identity]
        assert {f"{repository}:t", f"{repository}@{digest}", f"{lab.repository('b')}:u"} <= set(found.names)
        assert found.size > 0
        assert not any("<none>" in name for image in lab.images.list() for name in image.names)

    def test_an_image_goes_with_its_last_name(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        other = lab.repository("of-another-app")
        lab.images.tag(identity, other, "u")
        assert lab.images.remove(f"{repository}:t")
        assert self.names(lab, identity) == {f"{other}:u"}
        assert lab.images.remove(f"{other}:u")
        assert self.names(lab, identity) is None
        assert lab.images.inspect(identity) is None
        assert lab.images.remove(f"{other}:u")

    def test_a_digest_goes_with_the_last_tag_of_its_repository(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        lab.images.tag(identity, repository, "u")
        digest = lab.images.push(repository, "t", lambda line: None)
        assert lab.images.remove(f"{repository}:t")
        assert self.names(lab, identity) == {f"{repository}:u", f"{repository}@{digest}"}
        assert lab.images.remove(f"{repository}:u")
        assert self.names(lab, identity) is None
        assert lab.images.remove(f"{repository}@{digest}")

    def test_what_a_container_uses_stays(self, lab: ImagesLab, tmp_path: Path) -> None:
        repository, identity = self.build(lab, tmp_path, "a")
        digest = lab.images.push(repository, "t", lambda line: None)
        lab.use(f"{repository}:t")
        assert not lab.images.remove(f"{repository}:t")
        assert self.names(lab, identity) == {f"{repository}:t", f"{repository}@{digest}"}
        lab.images.tag(identity, lab.repository("b"), "u")
        assert lab.images.remove(f"{repository}:t")  # it still has another name
        assert not lab.images.remove(f"{lab.repository('b')}:u")
        assert lab.images.inspect(identity) is not None
