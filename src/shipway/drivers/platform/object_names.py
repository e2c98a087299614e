"""Names and labels that Kubernetes accepts."""

from __future__ import annotations

import hashlib
import json
import re

from shipway.domain.workload import SecretRef


def named(*parts: str) -> str:
    """A name for an object: at most 63 small letters, digits and dashes. Different texts get different names."""
    whole = "-".join(parts)
    found = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if found == whole and len(found) <= 52 and found[:1].isalpha():
        return found
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:6]
    return f"{('x-' + found if not found[:1].isalpha() else found)[:45].strip('-')}-{digest}"


def secret_name(ref: SecretRef) -> str:
    """Of the Secret that has a version of a secret, in the key `value`."""
    if ref.name.startswith("accessory:"):
        return named("accessory", ref.name.removeprefix("accessory:"), "password")
    return named(ref.name.lower().replace("_", "-"), f"v{ref.version}")


def label(value: str) -> str:
    """As a label's value: letters, digits, dashes, dots and underscores, at most 63."""
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value):
        return value
    return named(value)
