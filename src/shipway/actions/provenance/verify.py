"""Verify what is signed of an image: in the registry, or what was recorded when it was signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipway.context import Context
from shipway.domain.provenance import PROVENANCE, SBOM, SIGNATURE, Attached, ImageSignature, SigningKey, split
from shipway.domain.release import digest_of
from shipway.domain.value import dataclass
from shipway.ports import Registry
from shipway.system import attestation
from shipway.system.attestation import ATT, CLAIM_KIND, ENVELOPE_KIND, SIG, SIGNED
from shipway.system.signing import is_signed

TYPES = {PROVENANCE: attestation.SLSA, SBOM: attestation.CYCLONEDX}
WORDS = {SIGNATURE: "signature", PROVENANCE: "statement of its origin", SBOM: "signed SBOM"}


@dataclass(frozen=True)
class Verified:
    """What the registry has of an image."""

    signatures: tuple[ImageSignature, ...]  # verified ones, at most one of each kind
    lacks: tuple[str, ...]  # of the wanted kinds: why there is none
    documents: tuple[str, ...] = ()  # the payloads of verified SBOMs


def verify(
    ctx: Context, registry: Registry, place: str, image: str, keys: Sequence[SigningKey], wanted: Sequence[str]
) -> Verified:
    """Look for each kind that is wanted, signed by a valid one of these keys. RegistryError."""
    found, lacks, documents = [], [], []
    claims = registry.attached(place, attestation.tag_of(split(image)[1], SIG)) if SIGNATURE in wanted else ()
    others = [kind for kind in wanted if kind != SIGNATURE]
    statements = registry.attached(place, attestation.tag_of(split(image)[1], ATT)) if others else ()
    for kind in wanted:
        one, why = _claim(claims, image, keys) if kind == SIGNATURE else _statement(statements, image, kind, keys)
        if one is None:
            lacks.append(why)
            continue
        key, payload, signature = one
        text = payload.decode("utf-8", "replace")
        if kind == SBOM:
            documents.append(text)
            text = digest_of(text)
        found.append(ImageSignature(keys[0].app, image, kind, key, text, signature, ctx.clock()))
    return Verified(tuple(found), tuple(lacks), tuple(documents))


def recorded(image: str, signatures: Sequence[ImageSignature], keys: Sequence[SigningKey]) -> list[str]:
    """Why what was recorded of an image doesn't count any more; empty: it does. It needs no registry."""
    lacks = []
    for kind in (SIGNATURE, PROVENANCE):
        own = [item for item in signatures if item.image == image and item.kind == kind]
        parts = [
            attestation.attached_claim(item.payload.encode(), item.signature)
            if kind == SIGNATURE
            else attestation.attached_statement(item.payload.encode(), item.signature, TYPES[kind])
            for item in own
        ]
        if own:
            one, why = _claim(parts, image, keys) if kind == SIGNATURE else _statement(parts, image, kind, keys)
            lacks += [] if one else [why]
    return lacks


One = tuple[str, bytes, str]  # id of the key, payload, signature


def _claim(parts: Sequence[Attached], image: str, keys: Sequence[SigningKey]) -> tuple[One | None, str]:
    given = [
        (part.content, part.content, (part.annotations.get(SIGNED, ""),)) for part in parts if part.kind == CLAIM_KIND
    ]
    return _first(given, image, WORDS[SIGNATURE], keys, attestation.claims)


def _statement(
    parts: Sequence[Attached], image: str, kind: str, keys: Sequence[SigningKey]
) -> tuple[One | None, str]:  # fmt: skip
    """Those of other kinds are passed over: what others state of the image is no problem."""
    given = []
    for part in parts:
        read = attestation.read_envelope(part.content) if part.kind == ENVELOPE_KIND else None
        if read is not None and part.annotations.get(attestation.PREDICATE, TYPES[kind]) == TYPES[kind]:
            given.append((read.payload, attestation.encoded(read.payload), read.signatures))

    def states(payload: bytes, image: str) -> str:
        return attestation.states(payload, image, TYPES[kind])

    return _first(given, image, WORDS[kind], keys, states)


def _first(
    given: Sequence[tuple[bytes, bytes, Sequence[str]]], image: str, what: str, keys: Sequence[SigningKey],
    about: Callable[[bytes, str], str],
) -> tuple[One | None, str]:  # fmt: skip
    """The first that a valid key signed and that is about this image; else why none of them counts. given: payload, what the
    signature is over, signatures."""
    why = f"it has no {what}"
    for payload, content, signatures in given:
        signed = [
            (key, signature) for key in keys for signature in signatures if is_signed(key.public, content, signature)
        ]
        valid = next(((key, signature) for key, signature in signed if key.valid), None)
        if valid is None:
            revoked = f"its {what} is by the key {signed[0][0].id}, which was revoked" if signed else ""
            why = revoked or f"its {what} is by no key of the team, or what was signed was changed"
            continue
        other = about(payload, image)
        if not other:
            return (valid[0].id, payload, valid[1]), ""
        why = f"its {what} does not count: {other}"
    return None, why
