"""What a registry says is kept beside an image is believed only as far as it can be checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.errors import RegistryError
from shipway.drivers.registry.attachments import LARGEST, MOST, attached
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.system.http import Answer


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def served(manifest: object, blobs: Mapping[str, bytes] | None = None) -> Any:
    """A registry that answers so."""

    def ask(method: str, path: str, content: bytes | None, kind: str) -> Answer:
        if "/manifests/" in path:
            return Answer(200, Message(), manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode())  # type: ignore[arg-type]
        found = (blobs or {}).get(path.rpartition("/")[2])
        return Answer(404 if found is None else 200, Message(), found or b"")  # type: ignore[arg-type]

    return ask


def layer(content: bytes, **changes: object) -> dict[str, object]:
    return {"mediaType": "a/b", "digest": digest(content), "size": len(content), **changes}


def test_a_part_must_have_its_digest() -> None:
    manifest = {"layers": [layer(b"one")]}
    [part] = attached(served(manifest, {digest(b"one"): b"one"}), "shop/web", "x.sig")
    assert (part.kind, part.content, part.annotations) == ("a/b", b"one", {})
    with pytest.raises(RegistryError, match="has another content"):
        attached(served(manifest, {digest(b"one"): b"two"}), "shop/web", "x.sig")
    with pytest.raises(RegistryError, match="HTTP status 404"):
        attached(served(manifest), "shop/web", "x.sig")


@pytest.mark.parametrize(
    "layers",
    [
        [layer(b"one", size=LARGEST + 1)],
        [layer(b"one", size=LARGEST // 2 + 1)] * 2,
        [layer(b"one", size=-LARGEST - 1)],
        [layer(b"one")] * (MOST + 1),
    ],
)
def test_no_more_is_read_than_there_can_be(layers: list[object]) -> None:
    with pytest.raises(RegistryError, match="has too much"):
        attached(served({"layers": layers}), "shop/web", "x.sig")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["layers", "mediaType", "digest", "size", "annotations", "manifests"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=30) | VALUES)
def test_rubbish_is_an_error_of_the_registry(manifest: object) -> None:
    try:
        found = attached(served(manifest), "shop/web", "x.sig")
    except RegistryError:
        return
    assert list(found) == []


def test_an_upload_goes_to_the_registry_alone() -> None:
    """It gets the registry's credentials."""
    ask = RemoteRegistry("https://registry.example/shop")._asking("registry.example/shop/web", "pull,push")
    with pytest.raises(RegistryError, match=r"names another server for an upload: evil\.example"):
        ask("PUT", "https://evil.example/v2/upload?digest=x", b"content", "")
