"""Bunny: URLs and prefixes one by one, tags, or a whole pull zone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Answered, Batch, Capabilities
from shipway.drivers.cdn.api import Api, look
from shipway.ports import CdnAccess

ENDPOINT = "https://api.bunny.net"


class Bunny:
    """A pull zone. All is the whole pull zone."""

    capabilities = Capabilities({PATH: 50, PREFIX: 20, TAG: 1, ALL: 10_000}, most=1000)
    settles = 0.0

    def __init__(self, access: CdnAccess) -> None:
        self._access = access
        self._api = Api("Bunny", access.endpoint or ENDPOINT, access.timeout, secret=access.cdn.token or "")

    def purge(self, batch: Batch, reference: str) -> None:
        """A request for each URL, prefix or tag; one for all."""
        zone = f"/pullzone/{self._access.cdn.zone}/purgeCache"
        for item in batch.items:
            self._access.go_on()
            if batch.kind == TAG:
                self._post(zone, json.dumps({"CacheTag": item}).encode())
            elif batch.kind == PREFIX:
                self._post(f"/purge?{urlencode({'url': f'{item}*', 'async': 'false'})}")
            elif batch.kind == PATH:
                self._post(f"/purge?{urlencode({'url': item, 'async': 'false', 'exactPath': 'true'})}")
            else:
                return self._post(zone)

    def _post(self, path: str, body: bytes | None = None) -> None:
        kind = {"Content-Type": "application/json"} if body else {"Content-Length": "0"}
        self._api.send("POST", path, {"AccessKey": self._access.token, "Accept": "application/json", **kind}, body)

    def ask(self, url: str) -> Sequence[Answered]:
        """What the nearest cache answers."""
        return [look(url, self._access.timeout)]
