"""The conformance suite of signing keys, and of what is known about images."""

from __future__ import annotations

import dataclasses

from shipway.domain.provenance import PROVENANCE, SIGNATURE, Base, ImageBuild, ImageSbom, ImageSignature, SigningKey
from shipway.ports import ProvenanceLedger

IMAGE, OTHER = "registry.example/shop/web@sha256:1", "registry.example/shop/web@sha256:2"
KEY = SigningKey("shop", "0123", "PEM", "ada@example.com", 5.5)
BUILD = ImageBuild(
    "shop", IMAGE, 7, "web", "https://git.example/shop", "a" * 40, "refs/heads/main", "protected", "sha256:3", "web",
    "Dockerfile", "", ("A",), (Base("python:3.12", "sha256:4"), Base("local")), 1.5, 2.5,
)  # fmt: skip
SBOM = ImageSbom("shop", IMAGE, "tool 1", '{"components": []}', 3.5)
SIGNED = ImageSignature("shop", IMAGE, SIGNATURE, "0123", "{}", "c2ln", 4.5)


class ProvenanceSuite:
    """Keys are revoked for ever; records are by app and image."""

    def test_signing_keys(self, ledger: ProvenanceLedger) -> None:
        other = dataclasses.replace(KEY, id="4567")
        assert ledger.signing_keys("shop") == []
        assert ledger.add_signing_key(KEY)
        assert ledger.add_signing_key(other)
        assert not ledger.add_signing_key(dataclasses.replace(KEY, public="another"))
        assert ledger.add_signing_key(dataclasses.replace(KEY, app="elsewhere"))
        assert ledger.signing_keys("shop") == [KEY, other]
        assert not ledger.revoke_signing_key("shop", "89ab", "eve@example.com", 8.5, "lost")
        assert ledger.revoke_signing_key("shop", "0123", "eve@example.com", 8.5, "lost")
        assert not ledger.revoke_signing_key("shop", "0123", "eve@example.com", 9.5, "again")
        assert not ledger.add_signing_key(KEY)
        assert ledger.signing_keys("shop") == [dataclasses.replace(KEY, revoked=8.5, reason="lost"), other]
        assert [item.valid for item in ledger.signing_keys("elsewhere")] == [True]

    def test_what_is_known_about_images(self, ledger: ProvenanceLedger) -> None:
        ledger.add_image_build(BUILD)
        ledger.add_image_build(dataclasses.replace(BUILD, run=8))
        ledger.add_image_sbom(SBOM)
        newer = dataclasses.replace(SBOM, document="x" * 100_000)
        ledger.add_image_sbom(newer)
        more = dataclasses.replace(SIGNED, kind=PROVENANCE)
        ledger.add_image_signature(SIGNED)
        ledger.add_image_signature(more)
        assert ledger.image_builds("shop", [IMAGE, OTHER]) == {IMAGE: BUILD}
        assert ledger.image_sboms("shop", [OTHER, IMAGE, IMAGE]) == {IMAGE: newer}
        assert list(ledger.image_signatures("shop", [IMAGE])) == [SIGNED, more]
        for app, images in (("elsewhere", [IMAGE]), ("shop", [OTHER]), ("shop", [])):
            assert ledger.image_builds(app, images) == {}
            assert ledger.image_sboms(app, images) == {}
            assert list(ledger.image_signatures(app, images)) == []
