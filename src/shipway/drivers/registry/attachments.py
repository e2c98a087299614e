"""What is kept beside images: blobs, and a manifest that lists them, as the OCI's specifications have it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from shipway.domain.errors import RegistryError
from shipway.domain.provenance import Attached
from shipway.system.http import Answer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
BYTES = "application/octet-stream"
LARGEST = 64 << 20  # bytes of all parts
MOST = 1000  # parts

# (method, path or address, content, kind) -> the answer, with the registry's authorization
Ask = Callable[[str, str, bytes | None, str], Answer]


def attach(ask: Ask, name: str, tag: str, parts: Sequence[Attached]) -> None:
    """Upload the parts, then the manifest. name: of the repository, without the registry. RegistryError."""
    digests = [_digest(part.content) for part in parts]
    config = json.dumps(
        {
            "architecture": "", "os": "", "config": {},
            "rootfs": {"type": "layers", "diff_ids": digests},
        }
    ).encode()  # fmt: skip
    for content in (config, *(part.content for part in parts)):
        _upload(ask, name, content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": [
            {"mediaType": part.kind, "size": len(part.content), "digest": digest, "annotations": dict(part.annotations)}
            for part, digest in zip(parts, digests, strict=True)
        ],
    }
    answer = ask("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)
    _expect(answer, 201, f"store {name}:{tag}")


def attached(ask: Ask, name: str, tag: str) -> Sequence[Attached]:
    """The parts; RegistryError if the registry gives something else than it lists."""
    found = ask("GET", f"/v2/{name}/manifests/{tag}", None, "")
    if found.status == 404:
        return ()
    _expect(found, 200, f"read {name}:{tag}")
    try:
        layers = [_layer(item) for item in json.loads(found.body)["layers"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistryError(f"{name}:{tag} has no list of signatures or statements") from error
    if len(layers) > MOST or sum(size for *_, size in layers) > LARGEST:
        raise RegistryError(f"{name}:{tag} has too much: at most {MOST} parts of together {LARGEST >> 20} MB are read")
    return [Attached(kind, _blob(ask, name, digest), notes) for kind, digest, notes, _ in layers]


def _layer(item: Mapping[str, Any]) -> tuple[str, str, dict[str, str], int]:
    notes = dict(item.get("annotations") or {})
    texts = {str(key): str(value) for key, value in notes.items()}
    return str(item["mediaType"]), str(item["digest"]), texts, abs(int(item["size"]))


def _blob(ask: Ask, name: str, digest: str) -> bytes:
    answer = ask("GET", f"/v2/{name}/blobs/{digest}", None, "")
    _expect(answer, 200, f"read {name}@{digest}")
    if _digest(answer.body) != digest:
        raise RegistryError(f"the registry's {name}@{digest} has another content")
    return answer.body


def _upload(ask: Ask, name: str, content: bytes) -> None:
    digest = _digest(content)
    if ask("HEAD", f"/v2/{name}/blobs/{digest}", None, "").status == 200:
        return
    begun = ask("POST", f"/v2/{name}/blobs/uploads/", b"", BYTES)
    _expect(begun, 202, f"begin an upload to {name}")
    location = begun.headers.get("Location", "")
    more = f"{'&' if urlsplit(location).query else '?'}{urlencode({'digest': digest})}"
    answer = ask("PUT", urljoin(f"/v2/{name}/blobs/uploads/", location) + more, content, BYTES)
    _expect(answer, 201, f"upload to {name}")


def _expect(answer: Answer, status: int, what: str) -> None:
    if answer.status != status:
        raise RegistryError(f"the registry failed to {what}: HTTP status {answer.status}")


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
