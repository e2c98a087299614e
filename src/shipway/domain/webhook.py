"""Webhooks: by which a forge tells the server of pushes."""

from __future__ import annotations

from shipway.domain.value import dataclass

FORGES = ("github", "gitlab", "gitea", "bitbucket")
SCOPE = "webhooks"  # of their secrets
TOKENS = "@webhooks/tokens"  # scope of the tokens with which the forge is told, by name; no app has this name


@dataclass(frozen=True)
class Webhook:
    """Where the commits of its repository are fetched: nothing in a request decides that."""

    name: str
    forge: str
    address: str  # to clone it
    actor: str  # who added it
    created: float  # seconds since the epoch by the ledger's clock


@dataclass(frozen=True)
class ForgeToken:
    """With which the forge of a webhook is told of runs and deployments; the token itself is a secret."""

    webhook: str
    endpoint: str  # address of the forge's API; empty: the forge's public one
    user: str  # the account that the token belongs to, where the forge asks for it
    actor: str  # who set it
    created: float
