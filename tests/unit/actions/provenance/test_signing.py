"""What is signed of a release, with which key, and of which an SBOM is made."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.provenance.keys import find_key, import_key, private_part, revoke_key, signer_of
from shipway.actions.provenance.sign import complete, sign_release
from shipway.domain.errors import SecretError, ShipwayError, UsageError
from shipway.domain.provenance import split
from shipway.system import signing
from shipway.system.attestation import SIG, tag_of
from tests.unit.actions.provenance.signed import SIGNED, Signing, record, world
from tests.unit.world import World

__all__ = ["world"]


def test_what_is_signed_is_as_published(world: Signing) -> None:
    release = world.built()
    image = release.images["backend"]
    repository, digest = split(image)
    [claim] = world.registry.parts[repository, f"sha256-{digest.removeprefix('sha256:')}.sig"]
    assert claim.kind == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert json.loads(claim.content) == {
        "critical": {
            "identity": {"docker-reference": "registry/shop/backend"},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    key = world.made[0].public
    assert signing.is_signed(key, claim.content, claim.annotations["dev.cosignproject.cosign/signature"])
    statements = world.registry.parts[repository, f"sha256-{digest.removeprefix('sha256:')}.att"]
    found = {item.annotations["predicateType"]: json.loads(item.content) for item in statements}
    assert set(found) == {"https://slsa.dev/provenance/v1", "https://cyclonedx.org/bom"}
    one = found["https://slsa.dev/provenance/v1"]
    assert one["payloadType"] == "application/vnd.in-toto+json"
    payload = base64.b64decode(one["payload"])
    over = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    assert signing.is_signed(key, over, one["signatures"][0]["sig"])
    statement = json.loads(payload)
    assert statement["subject"] == [{"name": repository, "digest": {"sha256": digest[7:]}}]
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["arguments"] == ["TOKEN"]
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": "a" * 40}
    assert statement["predicate"]["runDetails"]["metadata"]["invocationId"].endswith("/shop/7")


def test_signing_again_adds_nothing(world: Signing) -> None:
    release = world.built()
    before = dict(world.registry.parts)
    assert sign_release(world.own(), release) == 0
    assert world.registry.parts == before


def test_an_image_of_others_is_signed_in_the_teams_registry(world: Signing) -> None:
    release = world.release(1, environment=SIGNED)
    image = f"docker.example/library/cache@sha256:{9:064d}"
    world.images.public.add(image)
    made = replace(release, number=0, images={**release.images, "worker": image}, digest="", tree="other")
    made = world.ledger.add_release(made)
    for item in made.images.values():
        if item != image:
            world.ledger.add_image_build(record(item))
    world.refused(made, "it has no signature")
    complete(world.own(), made)
    [part] = world.registry.parts["registry/shop/worker", tag_of(split(image)[1], SIG)]
    assert json.loads(part.content)["critical"]["identity"]["docker-reference"] == "docker.example/library/cache"
    world.deploy(made)


def test_an_image_that_nobody_built_here_is_not_signed(world: Signing) -> None:
    """A plan may name what somebody else has pushed to the team's own repository."""
    release = world.release(1, environment=SIGNED)
    complete(world.own(), release)
    assert not world.registry.parts
    assert sign_release(world.own(), release) == 0
    assert not world.registry.parts
    assert sum("has not recorded that it built it" in note for note in world.notes) == 6
    world.refused(release, "it has no signature")


def test_without_a_program_it_is_said_once_that_no_sbom_was_made(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.registry.address = "registry"
    for number in (1, 2):
        complete(replace(world.controller(), sbom=lambda: None), world.release(number))
    [said] = [note for note in world.notes if "no SBOM was made" in note]
    assert said.startswith("release 1: no SBOM was made of 3 images: syft isn't installed")


def test_where_none_is_wanted_nothing_is_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    complete(world.controller(), world.release(1))
    assert not world.notes


def test_a_registry_that_takes_no_signature_fails_no_run(world: Signing) -> None:
    world.away("attach", "it is read-only")
    release = world.built()
    assert any("release 1 was not signed: it is read-only" in note for note in world.notes)
    world.refused(release, "it has no signature")


def test_keys(world: Signing) -> None:
    ctx = world.own()
    first = world.made[0]
    assert find_key(ctx, "shop") == first
    assert find_key(ctx, "shop", first.id[:6]) == first
    assert signing.public_of(private_part(ctx, first)) == first.public
    with pytest.raises(UsageError, match="has no signing key"):
        find_key(ctx, "elsewhere")
    with pytest.raises(UsageError, match="no signing key zz"):
        find_key(ctx, "shop", "zz")
    theirs = signing.new_key()
    public = import_key(ctx, "shop", signing.public_of(theirs))
    with pytest.raises(SecretError, match="no private part"):
        private_part(ctx, public)
    signer = signer_of(ctx, "shop")
    assert signer is not None
    assert signer.key == first
    assert import_key(ctx, "shop", theirs).id == public.id
    signer = signer_of(ctx, "shop")
    assert signer is not None
    assert signer.key.id == public.id
    with pytest.raises(UsageError, match="needs a reason"):
        revoke_key(ctx, "shop", public.id, " ")
    revoke_key(ctx, "shop", public.id, "lost")
    with pytest.raises(SecretError, match="no private part"):
        private_part(ctx, public)
    for text in (theirs, signing.public_of(theirs)):
        with pytest.raises(UsageError, match="was revoked, which is for ever"):
            import_key(ctx, "shop", text)
    with pytest.raises(ShipwayError, match="was revoked before"):
        revoke_key(ctx, "shop", public.id, "again")
