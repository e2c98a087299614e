"""Cloudflare: `purge_cache` of a zone, in batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Answered, Batch, Capabilities
from shipway.domain.errors import CdnError
from shipway.drivers.cdn.api import Api, look
from shipway.ports import CdnAccess

ENDPOINT = "https://api.cloudflare.com"


class Cloudflare:
    """A zone. All is all of the environment's host names: a zone may have those of other environments too."""

    capabilities = Capabilities({PATH: 100, PREFIX: 100, TAG: 100, ALL: 100})
    settles = 0.0

    def __init__(self, access: CdnAccess) -> None:
        self._access = access
        self._api = Api("Cloudflare", access.endpoint or ENDPOINT, access.timeout, secret=access.cdn.token or "")

    def purge(self, batch: Batch, reference: str) -> None:
        """One request."""
        name = {PATH: "files", PREFIX: "prefixes", TAG: "tags", ALL: "hosts"}[batch.kind]
        items = list(batch.items)
        if batch.kind == PREFIX:
            items = [item.partition("://")[2] for item in items]
        elif batch.kind == ALL:
            items = [urlsplit(item).hostname or "" for item in items]
        answer = self._api.send(
            "POST",
            f"/client/v4/zones/{self._access.cdn.zone}/purge_cache",
            {"Authorization": f"Bearer {self._access.token}", "Content-Type": "application/json"},
            json.dumps({name: items}).encode(),
        )
        _require_success(answer.body)

    def ask(self, url: str) -> Sequence[Answered]:
        """What the nearest cache answers."""
        return [look(url, self._access.timeout)]


def _require_success(body: bytes) -> None:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise CdnError("Cloudflare's answer is no JSON") from error
    if not isinstance(found, dict) or found.get("success") is not True:
        errors = found.get("errors") if isinstance(found, dict) else None
        said = "; ".join(str(item.get("message", "")) for item in errors or () if isinstance(item, dict))
        raise CdnError(f"Cloudflare did not purge: {said or 'it gives no reason'}")
