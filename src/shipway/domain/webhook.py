"""Webhooks: by which a forge tells the server of pushes."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from shipway.domain.value import dataclass

FORGES = ("github", "gitlab", "gitea", "bitbucket")
PUBLIC = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}  # hosts of the public ones
API = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}  # path of one's own
# Where a forge keeps the commits of a pull request in the repository itself.
PULLS = {"github": "refs/pull/{}/head", "gitea": "refs/pull/{}/head", "gitlab": "refs/merge-requests/{}/head"}
LOCAL = ("127.0.0.1", "::1", "localhost")
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


@dataclass(frozen=True)
class Received:
    """A signed request that told of a pull request, and was heeded."""

    webhook: str
    digest: str  # of its body
    number: int  # of the pull request
    told: float  # when it happened, by the forge's clock; 0: the forge doesn't say
    at: float  # when it came, by the ledger's clock


def pull_of(ref: str) -> int | None:
    """The number of the pull request that a ref belongs to; None: it is of none."""
    found = re.fullmatch(r"refs/(?:pull|merge-requests)/([1-9][0-9]{0,17})/head", ref)
    return int(found[1]) if found else None


def repository_of(address: str, endpoint: str) -> str:
    """The full name of the repository that is cloned at that address. endpoint: of the forge's API, which may be below a path."""
    path = urlsplit(address).path if "://" in address else address.partition(":")[2] or address
    path = path.strip("/").removesuffix(".git").strip("/")
    below = urlsplit(endpoint).path.partition("/api/")[0].strip("/")
    return path.removeprefix(f"{below}/") if below else path
