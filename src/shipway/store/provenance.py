"""Keys that sign images, and where images come from."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence

from shipway.domain.provenance import ImageBuild, ImageSbom, ImageSignature, SigningKey
from shipway.domain.record import from_data, to_data
from shipway.store.database import Database

BUILD, SBOM, SIGNATURE = "build", "sbom", "signature"


class SqlProvenance:
    """Implements ports.ProvenanceLedger."""

    _db: Database

    def add_signing_key(self, key: SigningKey) -> bool:
        """Once."""
        sql = (
            "INSERT INTO signing_keys (app, key, public, actor, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (app, key) DO NOTHING RETURNING key"
        )
        return bool(self._db.query(sql, (key.app, key.id, key.public, key.actor, key.at)))

    def revoke_signing_key(self, app: str, key: str, actor: str, at: float, reason: str) -> bool:
        """Once."""
        sql = (
            "INSERT INTO signing_key_ends (app, key, actor, at, reason) SELECT app, key, ?, ?, ? FROM signing_keys "
            "WHERE app = ? AND key = ? ON CONFLICT (app, key) DO NOTHING RETURNING key"
        )
        return bool(self._db.query(sql, (actor, at, reason, app, key)))

    def signing_keys(self, app: str) -> list[SigningKey]:
        """Oldest first."""
        sql = (
            "SELECT k.app, k.key, k.public, k.actor, k.at, e.at, COALESCE(e.reason, '') FROM signing_keys k "
            "LEFT JOIN signing_key_ends e ON e.app = k.app AND e.key = k.key WHERE k.app = ? ORDER BY k.id"
        )
        return [SigningKey(*row) for row in self._db.query(sql, (app,))]

    def add_image_build(self, build: ImageBuild) -> None:
        """Append it."""
        self._add(build.app, build.image, BUILD, json.dumps(to_data(build)))

    def image_builds(self, app: str, images: Iterable[str]) -> Mapping[str, ImageBuild]:
        """The first of each."""
        found: dict[str, ImageBuild] = {}
        for image, data in self._records(app, images, BUILD):
            found.setdefault(image, from_data(ImageBuild, json.loads(data)))
        return found

    def add_image_sbom(self, sbom: ImageSbom) -> None:
        """Compressed, to a tenth."""
        packed = zlib.compress(json.dumps(to_data(sbom)).encode())
        self._add(sbom.app, sbom.image, SBOM, base64.b64encode(packed).decode())

    def image_sboms(self, app: str, images: Iterable[str]) -> Mapping[str, ImageSbom]:
        """The newest of each."""
        newest = dict(self._records(app, images, SBOM))
        return {
            image: from_data(ImageSbom, json.loads(zlib.decompress(base64.b64decode(data))))
            for image, data in newest.items()
        }

    def add_image_signature(self, signature: ImageSignature) -> None:
        """Append it."""
        self._add(signature.app, signature.image, SIGNATURE, json.dumps(to_data(signature)))

    def image_signatures(self, app: str, images: Iterable[str]) -> Sequence[ImageSignature]:
        """Oldest first."""
        return [from_data(ImageSignature, json.loads(data)) for _, data in self._records(app, images, SIGNATURE)]

    def _add(self, app: str, image: str, kind: str, data: str) -> None:
        sql = "INSERT INTO image_records (app, image, kind, data) VALUES (?, ?, ?, ?)"
        self._db.query(sql, (app, image, kind, data))

    def _records(self, app: str, images: Iterable[str], kind: str) -> list[tuple[str, str]]:
        wanted = list(dict.fromkeys(images))
        if not wanted:
            return []
        marks = ", ".join("?" * len(wanted))
        sql = f"SELECT image, data FROM image_records WHERE app = ? AND kind = ? AND image IN ({marks}) ORDER BY id"
        return [(str(image), str(data)) for image, data in self._db.query(sql, [app, kind, *wanted])]
