"""Images must be signed and have an SBOM, where the rules require it."""

from __future__ import annotations

from collections.abc import Iterable

from shipway.actions.provenance.places import built, places
from shipway.actions.provenance.verify import recorded, verify
from shipway.context import Context
from shipway.domain import gate
from shipway.domain.count import counted
from shipway.domain.errors import GateRefused, RegistryError, SecretError
from shipway.domain.gating import Requirements
from shipway.domain.plan import Environment
from shipway.domain.provenance import PROVENANCE, SBOM, SIGNATURE, ImageSignature, SigningKey, short, split
from shipway.domain.release import Release
from shipway.domain.rules import InForce, RuleSet
from shipway.ports import Registry
from shipway.system.parallel import side_by_side

NO_SBOM = "it has no SBOM"
NO_KEY = "no key of the team counts: `shipway signing create` makes one"


def refused_images(ctx: Context, release: Release, in_force: InForce) -> list[str]:
    """The reasons against a release, by each rule set."""
    found: dict[Requirements, list[str]] = {}  # each is judged once

    def lacking(item: RuleSet, environment: Environment) -> list[str]:
        asked = Requirements(signed=environment.require.signed, sbom=environment.require.sbom)
        if asked not in found:
            found[asked] = _against(ctx, release, asked)[0]
        return found[asked]

    return gate.told_apart(in_force, lacking)


def require_signed(
    ctx: Context, release: Release, environment: Environment, in_force: InForce | None
) -> frozenset[str]:
    """Under the environment's lock, before anything is changed: GateRefused unless the images that go out are what the rules
    in force and the release's own plan require. Returns the images whose digests were verified, which each host must run."""
    given = [environment, *(rules for _, rules in (in_force.environments if in_force else ()))]
    asked = _together(given)
    reasons, signatures = _against(ctx, release, asked)
    if reasons:
        raise _refusal(environment, release, reasons)
    if not asked.signed:
        return frozenset()
    known = {(item.image, item.kind, item.key) for item in ctx.ledger.image_signatures(release.app, _images(release))}
    for item in signatures:  # of another ledger with the same key: what a rollback will need
        if (item.image, item.kind, item.key) not in known:
            ctx.ledger.add_image_signature(item)
    keys = sorted({item.key for item in signatures if item.kind == SIGNATURE})
    ctx.reporter.note(f"{counted(len(_images(release)), 'image')} signed by {', '.join(keys)}")
    return frozenset(_images(release))


def require_trusted(
    ctx: Context, release: Release, environment: Environment, running: Environment | None
) -> frozenset[str]:
    """Of a rollback: what was signed must still count, by what was recorded then, so that no registry is needed. A release
    that went out before signatures were required is let back, and that is reported. Returns the images that were verified."""
    if not _together([environment, *([running] if running else [])]).signed:
        return frozenset()
    keys, images = ctx.ledger.signing_keys(release.app), _images(release)
    signatures = ctx.ledger.image_signatures(release.app, images)
    reasons = [f"{short(image)}: {why}" for image in images for why in recorded(image, signatures, keys)]
    if reasons:
        raise _refusal(environment, release, reasons)
    signed = {item.image for item in signatures if item.kind == SIGNATURE}
    if unsigned := [image for image in images if image not in signed]:
        ctx.reporter.note(
            f"release {release.number} went out before {environment.name} required signatures: "
            f"{counted(len(unsigned), 'image')} without one"
        )
    return frozenset(signed)


def _together(environments: Iterable[Environment]) -> Requirements:
    given = [item.require for item in environments]
    return Requirements(signed=any(item.signed for item in given), sbom=any(item.sbom for item in given))


def _images(release: Release) -> list[str]:
    return sorted(set(release.images.values()))


def _refusal(environment: Environment, release: Release, reasons: Iterable[str]) -> GateRefused:
    listed = "\n".join(f"  - {text}" for text in dict.fromkeys(reasons))
    return GateRefused(
        f"{environment.name} rejects the images of release {release.number}; nothing was changed:\n{listed}",
        hint=remedy(release, reasons),
    )


def remedy(release: Release, reasons: Iterable[str]) -> str:
    """What to do about images that are not signed, or have no SBOM."""
    given = list(reasons)
    scan = f"install syft where the pipeline runs, then: shipway run {release.revision[:12]}"
    sign = "if these images are to be trusted (else find out who changed what the registry has): "
    sign += f"shipway signing sign r{release.number}"
    hints = [scan] if any(NO_SBOM in text for text in given) else []
    return "; or: ".join(hints + ([sign] if any(NO_SBOM not in text for text in given) else []))


def _against(ctx: Context, release: Release, asked: Requirements) -> tuple[list[str], list[ImageSignature]]:
    """The reasons, and what was verified. What can't be read counts as missing."""
    images = _images(release)
    sboms = ctx.ledger.image_sboms(release.app, images).keys() if asked.signed or asked.sbom else set()
    reasons = [f"{short(image)}: {NO_SBOM}" for image in images if asked.sbom and image not in sboms]
    if not asked.signed:
        return reasons, []
    keys = ctx.ledger.signing_keys(release.app)
    if not any(item.valid for item in keys):
        return [*reasons, NO_KEY], []
    try:
        registry = ctx.registry(release.plan)
        found, ours = places(registry, release), built(registry, release)
    except (RegistryError, SecretError) as error:
        return [*reasons, f"the signatures can't be read: {error.message}"], []

    def one(image: str) -> tuple[list[str], list[ImageSignature]]:
        wanted = [SIGNATURE, *([PROVENANCE] if image in ours else []), *([SBOM] if image in sboms else [])]
        return _image(ctx, registry, found[image], image, keys, wanted)

    judged = side_by_side(one, images)
    return [*reasons, *(why for item, _ in judged for why in item)], [got for _, item in judged for got in item]


def _image(
    ctx: Context, registry: Registry, place: str, image: str, keys: list[SigningKey], wanted: list[str]
) -> tuple[list[str], list[ImageSignature]]:
    if not split(image)[1]:
        return [f"{image}: it is in no registry, so it has no signature"], []
    try:
        found = verify(ctx, registry, place, image, keys, wanted)
    except RegistryError as error:
        return [f"{short(image)}: its signature can't be read: {error.message}"], []
    return [f"{short(image)}: {why}" for why in found.lacks], list(found.signatures)
