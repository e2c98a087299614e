"""A proof as JSON. `docs/proof-report.md` lists the keys; `schema.py` generates their JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from shipway.domain.proof import Proof
from shipway.domain.record import to_data
from shipway.proving.report.follows import what_follows

FORMAT = 1  # increases when a key changes its meaning or is removed; new keys may be added at any time


def as_data(proof: Proof) -> dict[str, Any]:
    """The whole proof, and what it means for a rollback."""
    follows = what_follows(proof)
    return {"format": FORMAT, "rollback": {"way": follows.way, "sentence": follows.sentence}, **to_data(proof)}


def as_json(proof: Proof) -> str:
    """The same as text."""
    return json.dumps(as_data(proof), indent=2, ensure_ascii=False) + "\n"
