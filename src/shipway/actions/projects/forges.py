"""The forge of a registered repository: which one it is, and how Shipway reads from it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from shipway.context import Context
from shipway.domain.value import dataclass
from shipway.domain.webhook import TOKENS, repository_of
from shipway.ports.forge import Forge, ForgeAccess
from shipway.system.addresses import identity, is_path

HOSTS = {"github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket", "codeberg.org": "gitea"}
TOKEN, USER, ENDPOINT = "SHIPWAY_FORGE_TOKEN", "SHIPWAY_FORGE_USER", "SHIPWAY_FORGE_ENDPOINT"


@dataclass(frozen=True)
class AtForge:
    """A repository at its forge."""

    forge: Forge
    repository: str  # full name, such as acme/shop


def forge_of(ctx: Context, address: str) -> AtForge | None:
    """The forge of the repository at that recorded address: as a webhook of the same address says, else by its host. None:
    it is unknown, or there is no token for it. Nothing that a commit says decides this."""
    webhook = next((item for item in ctx.ledger.webhooks() if identity(item.address) == identity(address)), None)
    kind = webhook.forge if webhook else HOSTS.get(_host(address))
    access = _access(ctx, webhook.name if webhook else "")
    if not access.token or kind is None or ctx.forge is None:
        return None
    ctx.redactor.add({"forge token": access.token})
    return AtForge(ctx.forge(kind, access), repository_of(address, access.endpoint))


def _access(ctx: Context, webhook: str) -> ForgeAccess:
    """By the token of a webhook, else by the variables of this process."""
    made = next((item for item in ctx.ledger.forge_tokens() if item.webhook == webhook), None)
    token = ctx.secrets.get(TOKENS, webhook) if made else None
    if made and token:
        return ForgeAccess(token, made.user, made.endpoint)
    return ForgeAccess(os.environ.get(TOKEN, ""), os.environ.get(USER, ""), os.environ.get(ENDPOINT, ""))


def _host(address: str) -> str:
    if is_path(address):
        return ""
    if "://" in address:
        return (urlsplit(address).hostname or "").lower()
    return address.partition(":")[0].rpartition("@")[2].lower()
