"""Fastly: URLs one by one, surrogate keys in batches, or the whole service."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shipway.domain.cdn import ALL, PATH, TAG, Answered, Batch, Capabilities
from shipway.drivers.cdn.api import Api, look
from shipway.ports import CdnAccess

ENDPOINT = "https://api.fastly.com"


class Fastly:
    """A service. It knows no prefixes, and all is the whole service."""

    capabilities = Capabilities({PATH: 50, TAG: 256, ALL: 10_000}, most=2000)
    settles = 0.0

    def __init__(self, access: CdnAccess) -> None:
        self._access = access
        self._api = Api("Fastly", access.endpoint or ENDPOINT, access.timeout, secret=access.cdn.token or "")

    def purge(self, batch: Batch, reference: str) -> None:
        """A request for each URL; otherwise one."""
        service = f"/service/{self._access.cdn.zone}"
        if batch.kind == PATH:
            for url in batch.items:
                self._access.go_on()
                self._post(f"/purge/{url.partition('://')[2]}")
        elif batch.kind == TAG:
            self._post(f"{service}/purge", json.dumps({"surrogate_keys": list(batch.items)}).encode())
        else:
            self._post(f"{service}/purge_all")

    def _post(self, path: str, body: bytes | None = None) -> None:
        kind = {"Content-Type": "application/json"} if body else {"Content-Length": "0"}
        self._api.send("POST", path, {"Fastly-Key": self._access.token, "Accept": "application/json", **kind}, body)

    def ask(self, url: str) -> Sequence[Answered]:
        """What the nearest cache answers."""
        return [look(url, self._access.timeout)]
