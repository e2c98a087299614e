"""What is signed, byte by byte, as cosign's and in-toto's published formats have it: a claim over an image, and statements
in DSSE envelopes. Nothing here needs a key."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shipway.domain.provenance import Attached, ImageBuild, split
from shipway.domain.value import dataclass

SIG, ATT = "sig", "att"  # ends of the tags under which a registry keeps signatures and statements
CLAIM_KIND = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE_KIND = "application/vnd.dsse.envelope.v1+json"
STATEMENT_KIND = "application/vnd.in-toto+json"
SIGNED = "dev.cosignproject.cosign/signature"  # annotation with the signature of a claim
PREDICATE = "predicateType"  # annotation with what a statement is about
CLAIM_TYPE = "cosign container image signature"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
SLSA, CYCLONEDX = "https://slsa.dev/provenance/v1", "https://cyclonedx.org/bom"
BUILD_TYPE = "https://shipway.dev/build/v1"
BUILDER = "https://shipway.dev/builder"
SIGNATURES = 10  # of an envelope that are verified


def tag_of(digest: str, end: str) -> str:
    """The tag beside an image: sha256-….sig."""
    return f"{digest.replace(':', '-')}.{end}"


def claim(image: str) -> bytes:
    """What the signature of an image is over."""
    repository, digest = split(image)
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": CLAIM_TYPE,
    }
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def claims(payload: bytes, image: str) -> str:
    """Why a claim, whose signature was verified, isn't about this image; "": it is."""
    repository, digest = split(image)
    try:
        critical = json.loads(payload)["critical"]
        kind, of = critical["type"], critical["identity"]["docker-reference"]
        about = critical["image"]["docker-manifest-digest"]
    except (ValueError, KeyError, TypeError):
        return "it is no signature of an image"
    if kind != CLAIM_TYPE:
        return "it is no signature of an image"
    if about != digest:
        return f"it is over another digest ({str(about)[:19]})"
    return "" if of == repository else f"it is over another repository ({of})"


def statement(image: str, predicate_type: str, predicate: object) -> bytes:
    """A statement about an image."""
    repository, digest = split(image)
    algorithm, _, value = digest.partition(":")
    subject = [{"name": repository, "digest": {algorithm: value}}]
    data = {"_type": STATEMENT_TYPE, "subject": subject, PREDICATE: predicate_type, "predicate": predicate}
    return json.dumps(data, separators=(",", ":")).encode()


def states(payload: bytes, image: str, predicate_type: str) -> str:
    """Why a statement, whose signature was verified, isn't this one about this image; "": it is."""
    repository, digest = split(image)
    try:
        data = json.loads(payload)
        kind, about = data[PREDICATE], [(item["name"], item["digest"].get("sha256")) for item in data["subject"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "it is no statement"
    if kind != predicate_type:
        return f"it is of another kind ({kind})"
    if about != [(repository, digest.removeprefix("sha256:"))]:
        return "its subject is another image"
    return ""


def encoded(payload: bytes, kind: str = STATEMENT_KIND) -> bytes:
    """What the signature of an envelope is over: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def envelope(payload: bytes, signature: str) -> bytes:
    """A signed statement. The key has no id there, as cosign writes it."""
    data = {
        "payloadType": STATEMENT_KIND,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": signature}],
    }
    return json.dumps(data, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Envelope:
    """A read one, whose signatures are not verified yet."""

    payload: bytes
    signatures: tuple[str, ...]


def read_envelope(content: bytes) -> Envelope | None:
    """None if it is none with a statement."""
    try:
        data = json.loads(content)
        if data["payloadType"] != STATEMENT_KIND:
            return None
        payload = base64.b64decode(data["payload"], validate=True)
        return Envelope(payload, tuple(str(item["sig"]) for item in data["signatures"][:SIGNATURES]))
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def attached_claim(payload: bytes, signature: str) -> Attached:
    """A signed claim as a registry keeps it."""
    return Attached(CLAIM_KIND, payload, {SIGNED: signature})


def attached_statement(payload: bytes, signature: str, predicate_type: str) -> Attached:
    """A signed statement as a registry keeps it."""
    return Attached(ENVELOPE_KIND, envelope(payload, signature), {SIGNED: "", PREDICATE: predicate_type})


def provenance(build: ImageBuild, ledger: str) -> Mapping[str, Any]:
    """The predicate of SLSA, version 1. ledger: its identity, since a run's number counts in one ledger."""
    source = {"uri": f"git+{build.source}@{build.ref}" if build.source else f"git+unknown:@{build.ref}"}
    bases = [
        {"uri": item.name, "digest": {"sha256": item.digest.removeprefix("sha256:")}} if item.digest else {"uri": item.name}
        for item in build.bases
    ]  # fmt: skip
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "app": build.app, "service": build.service, "source": source["uri"], "ref": build.ref,
                "folder": build.folder, "dockerfile": build.dockerfile, "target": build.target,
                "arguments": list(build.arguments),
            },
            "internalParameters": {"level": build.level, "plan": build.plan},
            "resolvedDependencies": [{**source, "digest": {"gitCommit": build.revision}}, *bases],
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {"shipway": build.version}},
            "metadata": {
                "invocationId": f"{ledger}/{build.app}/{build.run}",
                "startedOn": _time(build.started),
                "finishedOn": _time(build.finished),
            },
        },
    }  # fmt: skip


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
