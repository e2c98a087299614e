"""Names and labels that Kubernetes accepts."""

from __future__ import annotations

import hashlib
import json
import re

from shipway.domain.platform import NAMESPACE
from shipway.domain.workload import EnvironmentSpec, SecretRef, WorkloadSpec

MANAGER = "shipway"  # of objects, and of the fields that it has set
RELEASE = "shipway.io/release"  # label of what a release has of its own
STANDBY = "shipway.io/standby"  # label: seconds on standby after the switch to another release
LEDGER = "shipway.io/ledger"  # label: whose it is


def named(*parts: str) -> str:
    """A name for an object: at most 63 small letters, digits and dashes. Different texts get different names."""
    whole = "-".join(parts)
    found = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if found == whole and len(found) <= 52 and found[:1].isalpha():
        return found
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:6]
    return f"{('x-' + found if not found[:1].isalpha() else found)[:45].strip('-')}-{digest}"


def space_name(text: str) -> str:
    """Of a namespace: this one, if it can be one."""
    return text if re.fullmatch(NAMESPACE, text) else named(text)


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


def release_name(workload: WorkloadSpec) -> str:
    """Of what a release has of its own."""
    return named(workload.service, f"r{workload.release}")


def labels_of(spec: EnvironmentSpec, component: str = "") -> dict[str, str]:
    """Of all objects of an environment."""
    own = {"app.kubernetes.io/name": component} if component else {}
    whose = {LEDGER: label(spec.ledger)} if spec.ledger else {}
    return own | whose | labels_in(spec.app, spec.environment)


def labels_in(app: str, environment: str) -> dict[str, str]:
    """Those that all objects of an environment have."""
    return {
        "app.kubernetes.io/part-of": label(app), "app.kubernetes.io/instance": label(f"{app}-{environment}"),
        "app.kubernetes.io/managed-by": MANAGER,
    }  # fmt: skip


def selector_of(spec: EnvironmentSpec, component: str, release: int | None = None) -> dict[str, str]:
    """Labels that choose the pods of a service, of one release."""
    own = {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": label(f"{spec.app}-{spec.environment}"),
    }
    return own | ({RELEASE: str(release)} if release is not None else {})
