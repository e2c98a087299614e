"""Sign the images of a release, with a statement how each was built and its SBOM."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from shipway.actions.provenance.keys import Signer, signer_of
from shipway.actions.provenance.places import built, places
from shipway.actions.provenance.verify import TYPES, verify
from shipway.context import Context
from shipway.domain.count import counted
from shipway.domain.errors import Interrupted, SbomError, ShipwayError, UsageError
from shipway.domain.provenance import PROVENANCE, SBOM, SIGNATURE, ImageSignature, short, split
from shipway.domain.release import Release, digest_of
from shipway.ports import Registry
from shipway.steps.sbom import make_sbom
from shipway.system import attestation
from shipway.system.attestation import ATT, SIG
from shipway.system.parallel import side_by_side
from shipway.system.signing import sign

AGAIN = "`shipway run --no-cache` builds it again"
SAID = "no-sbom"  # property of the ledger, by app: it was said that no SBOM was made


def complete(ctx: Context, release: Release) -> None:
    """What a run for an environment does once its release is made: SBOMs, and signatures if the team has a key. What fails is
    reported, and the gate of an environment that requires it says so again."""
    missing = sorted(set(release.images.values()) - ctx.ledger.image_sboms(release.app, release.images.values()).keys())
    problems = _scan(ctx, release, missing)
    signs = any(item.valid for item in ctx.ledger.signing_keys(release.app))
    said = f"{SAID}/{release.app}"
    if problems and (signs or ctx.ledger.property(said) is None):
        ctx.reporter.note(f"release {release.number}: {problems}")
        ctx.ledger.set_once(said, "said")
    if signs:
        try:
            signer = signer_of(ctx, release.app)
            if signer is not None:
                _sign(ctx, release, signer)
        except Interrupted:
            raise
        except ShipwayError as error:
            ctx.reporter.note(f"release {release.number} was not signed: {error.message}")


def _scan(ctx: Context, release: Release, images: Sequence[str]) -> str:
    """Make those SBOMs; why some were not made. Nothing, where the operator wants none."""

    def one(image: str) -> str:
        try:
            make_sbom(ctx, release.app, image)
        except SbomError as error:
            return error.message
        return ""

    if not images or ctx.sbom is None:
        return ""
    found = dict.fromkeys(filter(None, side_by_side(one, images)))
    return f"no SBOM was made of {counted(len(images), 'image')}: {'; '.join(found)}" if found else ""


def sign_release(ctx: Context, release: Release) -> int:
    """Sign a recorded release's images with the newest key, as a person asks: after a key was made or changed. Returns how
    many images got a new signature. UsageError without a key."""
    signer = signer_of(ctx, release.app)
    if signer is None:
        raise UsageError(f"{release.app} has no key that can sign", hint="shipway signing create")
    return _sign(ctx, release, signer)


def _sign(ctx: Context, release: Release, signer: Signer) -> int:
    """The registry is asked for each: what an earlier run signed with this key stays as it is."""
    registry = ctx.registry(release.plan)
    registry.ensure()
    with ctx.part("sign", counted(len(set(release.images.values())), "image")):
        found, ours = places(registry, release), built(registry, release)

        def one(image: str) -> bool:
            return _image(ctx, release.app, registry, found[image], image, signer, own=image in ours)

        done = side_by_side(one, list(found))
    return sum(done)


def _image(
    ctx: Context, app: str, registry: Registry, place: str, image: str, signer: Signer, *, own: bool
) -> bool:  # fmt: skip
    if not split(image)[1]:
        ctx.reporter.note(f"{image} is in no registry, and can't be signed")
        return False
    build = ctx.ledger.image_builds(app, [image]).get(image)
    if own and build is None:  # it is unknown who put it where the team's own images are
        ctx.reporter.note(f"{short(image)} is not signed: Shipway has not recorded that it built it; {AGAIN}")
        return False
    sbom = ctx.ledger.image_sboms(app, [image]).get(image)
    wanted = [SIGNATURE, *([PROVENANCE] if build else []), *([SBOM] if sbom else [])]
    known = {item.kind for item in verify(ctx, registry, place, image, [signer.key], wanted).signatures}
    add = partial(_attach, ctx, app, registry, place, image, signer)
    # The signature comes last: whoever sees it finds the statements too.
    if build and PROVENANCE not in known:
        add(PROVENANCE, attestation.provenance(build, ctx.ledger.identity()))
    if sbom and SBOM not in known:
        add(SBOM, json.loads(sbom.document))
    if SIGNATURE not in known:
        add(SIGNATURE, None)
    return set(wanted) != known


def _attach(
    ctx: Context, app: str, registry: Registry, place: str, image: str, signer: Signer, kind: str, predicate: object
) -> None:
    """Sign one part, and keep it beside what others have there."""
    if kind == SIGNATURE:
        payload = attestation.claim(image)
        made = sign(signer.private, payload)
        part = attestation.attached_claim(payload, made)
    else:
        payload = attestation.statement(image, TYPES[kind], predicate)
        made = sign(signer.private, attestation.encoded(payload))
        part = attestation.attached_statement(payload, made, TYPES[kind])
    tag = attestation.tag_of(split(image)[1], SIG if kind == SIGNATURE else ATT)
    registry.attach(place, tag, [*registry.attached(place, tag), part])
    text = digest_of(payload.decode()) if kind == SBOM else payload.decode()
    ctx.ledger.add_image_signature(ImageSignature(app, image, kind, signer.key.id, text, made, ctx.clock()))
    ctx.reporter.line("sign", f"{short(image)}: {kind}")
