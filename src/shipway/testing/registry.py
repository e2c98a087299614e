"""The conformance suite of Registry. A driver's tests subclass RegistryContract and provide a `lab`."""

from __future__ import annotations

from typing import Protocol

import pytest

from shipway.domain.errors import RegistryError
from shipway.domain.provenance import Attached
from shipway.ports import Registry


class RegistryLab(Protocol):
    """A writable registry."""

    @property
    def registry(self) -> Registry: ...

    def push(self, repository: str, tag: str, content: str) -> str:
        """Push an image with these bytes in it, and return its digest."""


class RegistryContract:
    """Runs on real registries, with and without a password, and on the in-memory one."""

    def test_it_answers(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        lab.registry.ensure()

    def test_names_of_repositories(self, lab: RegistryLab) -> None:
        name = lab.registry.repository("shop", "backend")
        assert name.endswith("/shop/backend")
        assert name != lab.registry.repository("shop", "frontend")

    def test_digest_of_a_tag_and_of_a_digest(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        repository = lab.registry.repository("shop", "backend")
        digest = lab.push(repository, "v1", "one")
        assert digest.startswith("sha256:")
        assert lab.registry.digest(repository, "v1") == digest
        assert lab.registry.digest(repository, digest) == digest

    def test_what_is_not_there(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        repository = lab.registry.repository("shop", "backend")
        unknown = "sha256:" + "0" * 64
        assert lab.registry.digest(lab.registry.repository("shop", "nothing"), "v1") is None
        lab.push(repository, "v1", "one")
        assert lab.registry.digest(repository, "v2") is None
        assert lab.registry.digest(repository, unknown) is None
        with pytest.raises(RegistryError, match=unknown):
            lab.registry.tag(repository, unknown, "v2")
        assert lab.registry.digest(repository, "v2") is None

    def test_one_more_tag(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        repository = lab.registry.repository("shop", "backend")
        first, second = lab.push(repository, "v1", "one"), lab.push(repository, "v2", "two")
        assert first != second
        lab.registry.tag(repository, first, "stable")
        lab.registry.tag(repository, first, "stable")
        assert lab.registry.digest(repository, "stable") == first
        lab.registry.tag(repository, second, "stable")
        assert lab.registry.digest(repository, "stable") == second
        assert lab.registry.digest(repository, "v1") == first

    def test_layers(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        repository = lab.registry.repository("shop", "backend")
        digest = lab.push(repository, "v1", "one")
        (layer,) = lab.registry.layers(repository, digest)
        assert layer.content.startswith("sha256:")
        assert layer.size > 0
        assert lab.registry.layers(repository, "sha256:" + "0" * 64) == ()
        assert lab.registry.layers(lab.registry.repository("shop", "nothing"), digest) == ()

    def test_what_is_kept_beside_an_image(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        repository = lab.registry.repository("shop", "backend")
        digest = lab.push(repository, "v1", "one")
        assert list(lab.registry.attached(repository, "v1.sig")) == []
        one = Attached("application/json", b'{"one": 1}', {"example/signature": "c2ln"})
        two = Attached("application/octet-stream", bytes(range(256)) * 4096)
        lab.registry.attach(repository, "v1.sig", [one])
        assert list(lab.registry.attached(repository, "v1.sig")) == [one]
        lab.registry.attach(repository, "v1.sig", [one, two, one])
        assert list(lab.registry.attached(repository, "v1.sig")) == [one, two, one]
        assert list(lab.registry.attached(repository, "v2.sig")) == []
        assert list(lab.registry.attached(lab.registry.repository("shop", "nothing"), "v1.sig")) == []
        assert lab.registry.digest(repository, "v1") == digest
        assert lab.registry.digest(repository, "v1.sig") not in (None, digest)

    def test_they_can_be_kept_where_there_is_no_image(self, lab: RegistryLab) -> None:
        lab.registry.ensure()
        repository = lab.registry.repository("shop", "elsewhere")
        part = Attached("application/json", b"{}")
        lab.registry.attach(repository, "of.sig", [part])
        assert list(lab.registry.attached(repository, "of.sig")) == [part]
