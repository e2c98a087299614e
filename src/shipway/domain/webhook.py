"""Webhooks: by which a forge tells the server of pushes."""

from __future__ import annotations

from shipway.domain.value import dataclass

FORGES = ("github", "gitlab", "gitea", "bitbucket")
SCOPE = "webhooks"  # of their secrets


@dataclass(frozen=True)
class Webhook:
    """Where the commits of its repository are fetched: nothing in a request decides that."""

    name: str
    forge: str
    address: str  # to clone it
    actor: str  # who added it
    created: float  # seconds since the epoch by the ledger's clock
