"""Only images that the team signed go out, where the rules require it: whatever is changed, is noticed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.provenance.keys import create_key, revoke_key, signer_of
from shipway.actions.provenance.sign import complete, sign_release
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import DeployFailed, GateRefused
from shipway.domain.gating import Requirements
from shipway.domain.provenance import PROVENANCE, SIGNATURE, Attached, split
from shipway.system import attestation, signing
from shipway.system.attestation import ATT, SIG, tag_of
from tests.unit.actions.provenance.signed import SIGNED, Signing, world
from tests.unit.domain.samples import STAGING

__all__ = ["world"]


def test_signed_images_go_out(world: Signing) -> None:
    release = world.built()
    world.deploy(release)
    assert world.serving() == {1}
    assert f"3 images signed by {world.made[0].id}" in world.notes
    kinds = {item.kind for item in world.ledger.image_signatures("shop", release.images.values())}
    assert kinds == {SIGNATURE, PROVENANCE, "SBOM"}


def test_a_release_without_signatures_is_refused(world: Signing) -> None:
    said = world.refused(world.built(signed=False), "it has no signature")
    assert said.count("it has no signature") == 3
    assert said.count("it has no statement of its origin") == 3


def test_without_a_requirement_nothing_is_asked(world: Signing) -> None:
    world.deploy(world.built(signed=False, required=False))
    assert not world.registry.parts
    assert not [call for call in world.registry.calls if call.startswith("attached")]


def test_a_missing_signature_of_one_image(world: Signing) -> None:
    release = world.built()
    world.change(release.images["worker"], SIG, lambda part: None)
    assert "shop/worker@" in world.refused(release, "it has no signature")


def test_a_changed_claim(world: Signing) -> None:
    release = world.built()
    image = release.images["backend"]
    other = attestation.claim(image.replace("shop/", "evil/"))
    world.change(image, SIG, lambda part: replace(part, content=other))
    world.refused(release, "by no key of the team, or what was signed was changed")


def test_a_signature_of_another_digest(world: Signing) -> None:
    first, second = world.built(1), world.built(2)
    good = world.registry.parts[split(first.images["backend"])[0], tag_of(split(first.images["backend"])[1], SIG)]
    world.change(second.images["backend"], SIG, lambda part: good[0])
    world.refused(second, "over another digest")


def test_a_signature_of_another_repository(world: Signing) -> None:
    release = world.built()
    signer = signer_of(world.own(), "shop")
    assert signer is not None
    moved = attestation.claim(release.images["backend"].replace("shop/backend", "shop/frontend"))
    part = attestation.attached_claim(moved, signing.sign(signer.private, moved))
    world.change(release.images["backend"], SIG, lambda known: part)
    world.refused(release, "over another repository")


def test_a_key_of_somebody_else(world: Signing) -> None:
    release, other = world.built(), signing.new_key()
    payload = attestation.claim(release.images["backend"])
    forged = attestation.attached_claim(payload, signing.sign(other, payload))
    world.change(release.images["backend"], SIG, lambda part: forged)
    world.refused(release, "by no key of the team")


@pytest.mark.parametrize("kind", [attestation.SLSA, attestation.CYCLONEDX])
def test_a_statement_about_another_image(world: Signing, kind: str) -> None:
    release = world.built()
    signer = signer_of(world.own(), "shop")
    assert signer is not None
    payload = attestation.statement(release.images["frontend"], kind, {})
    other = attestation.attached_statement(
        payload, signing.sign(signer.private, attestation.encoded(payload)), kind
    )  # fmt: skip
    world.change(
        release.images["backend"], ATT, lambda part: other if part.annotations["predicateType"] == kind else part
    )
    world.refused(release, "its subject is another image")


@pytest.mark.parametrize("kind", [attestation.SLSA, attestation.CYCLONEDX])
def test_a_changed_statement(world: Signing, kind: str) -> None:
    release = world.built()

    def forged(part: Attached) -> Attached:
        if part.annotations["predicateType"] != kind:
            return part
        data = json.loads(part.content)
        statement = json.loads(base64.b64decode(data["payload"]))
        statement["predicate"]["forged"] = True
        data["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
        return replace(part, content=json.dumps(data).encode())

    world.change(release.images["backend"], ATT, forged)
    world.refused(release, "what was signed was changed")


@pytest.mark.parametrize("kind", [attestation.SLSA, attestation.CYCLONEDX])
def test_a_missing_statement(world: Signing, kind: str) -> None:
    """An SBOM that was made may not be missing, though no rule requires one."""
    release = world.built()
    world.change(
        release.images["backend"], ATT, lambda part: None if part.annotations["predicateType"] == kind else part
    )
    world.refused(release, "it has no statement of its origin" if kind == attestation.SLSA else "it has no signed SBOM")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"payload": 1}', b"\xff", b'{"critical": []}'])
def test_rubbish_beside_an_image(world: Signing, content: bytes) -> None:
    release = world.built()
    for end in (SIG, ATT):
        world.change(release.images["backend"], end, lambda part: replace(part, content=content))
    world.refused(release, "it has no|by no key")


def test_what_others_keep_there_changes_nothing(world: Signing) -> None:
    release = world.built(signed=False)
    repository, digest = split(release.images["backend"])
    other, payload = signing.new_key(), attestation.claim(release.images["backend"])
    theirs = attestation.attached_claim(payload, signing.sign(other, payload))
    world.registry.attach(repository, tag_of(digest, SIG), [theirs])
    scan = attestation.statement(release.images["backend"], "https://cosign.sigstore.dev/attestation/vuln/v1", {})
    found = attestation.attached_statement(
        scan, signing.sign(other, attestation.encoded(scan)), "https://cosign.sigstore.dev/attestation/vuln/v1"
    )  # fmt: skip
    world.registry.attach(repository, tag_of(digest, ATT), [found])
    complete(world.own(), release)
    assert theirs in world.registry.parts[repository, tag_of(digest, SIG)]
    assert found in world.registry.parts[repository, tag_of(digest, ATT)]
    world.deploy(release)


def test_a_registry_that_is_away(world: Signing) -> None:
    release = world.built()
    world.away("attached", "it does not answer")
    world.refused(release, "can't be read: it does not answer")


def test_no_key_counts(tmp_path: Path) -> None:
    world = Signing(tmp_path)
    release = world.built()
    revoke_key(world.own(), "shop", world.made[0].id, "lost")
    world.refused(release, "no key of the team counts")


def test_several_keys_count_and_a_revoked_one_does_not(world: Signing) -> None:
    first = world.built(1)
    second_key = create_key(world.own(), "shop")
    second = world.built(2)
    world.deploy(first)
    world.deploy(second)
    revoke_key(world.own(), "shop", world.made[0].id, "stolen")
    world.refused(first, f"by the key {world.made[0].id}, which was revoked")
    world.deploy(world.built(3))
    assert f"3 images signed by {second_key.id}" in world.notes
    assert sign_release(world.own(), first) == 3
    world.deploy(first)
    assert world.serving() == {1}


def test_an_image_in_no_registry_is_refused(world: Signing) -> None:
    release = world.release(1, environment=SIGNED)
    image = f"sha256:{9:064d}"
    made = replace(release, number=0, images={**release.images, "worker": image}, digest="", tree="other")
    made = world.ledger.add_release(made)
    complete(world.own(), made)
    world.refused(made, "it is in no registry")


def test_a_host_that_has_another_image_by_the_name(world: Signing) -> None:
    """It was loaded there, and not pulled."""
    release = world.built()
    images = world.images

    def inspect(reference: str) -> dict[str, object] | None:
        return {"Id": "sha256:evil", "RepoTags": [reference], "RepoDigests": [], "RootFS": {}, "Config": {}}

    images.inspect = inspect  # type: ignore[method-assign, assignment]
    with pytest.raises(DeployFailed, match="this host has another image by that name"):
        world.deploy(release)
    assert world.serving() == set()


def test_a_rollback_needs_no_registry(world: Signing) -> None:
    for number in (1, 2):
        world.deploy(world.built(number))
    world.away("attached", "it does not answer")
    rollback(world.own(), "shop", "staging", RollbackRequest(way="keep", reason="slow"))
    assert world.serving() == {1}


def test_a_rollback_to_a_time_before_signatures_is_reported(world: Signing) -> None:
    world.deploy(world.built(1, signed=False, required=False))
    world.deploy(world.built(2))
    rollback(world.own(), "shop", "staging", RollbackRequest(way="keep", reason="slow"))
    assert world.serving() == {1}
    assert any("release 1 went out before staging required signatures: 3 images" in note for note in world.notes)


def test_a_rollback_to_what_a_revoked_key_signed_is_refused(world: Signing) -> None:
    first = world.built(1)
    world.deploy(first)
    create_key(world.own(), "shop")
    world.deploy(world.built(2))
    revoke_key(world.own(), "shop", world.made[0].id, "stolen")
    with pytest.raises(GateRefused, match="which was revoked") as caught:
        rollback(world.own(), "shop", "staging", RollbackRequest(way="keep", reason="slow"))
    assert "shipway signing sign r1" in caught.value.hint
    assert world.serving() == {2}
    sign_release(world.own(), first)
    rollback(world.own(), "shop", "staging", RollbackRequest(way="keep", reason="slow"))
    assert world.serving() == {1}


def test_an_sbom_may_be_required(world: Signing) -> None:
    asking = replace(STAGING, require=Requirements(sbom=True))
    release = world.release(1, environment=asking)
    with pytest.raises(GateRefused, match="it has no SBOM"):
        world.deploy(release)
    complete(world.own(), release)
    world.deploy(release)
