"""What a visitor of an edge gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Reply:
    """One response, and what the service saw of its request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    upstream: str = ""  # http://NAME:PORT that answered; empty if none did
    path: str = ""  # the path that it was asked for
