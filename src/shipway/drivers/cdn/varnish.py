"""Varnish: PURGE for paths, BAN for all else, at each server. Its VCL must accept them: see docs/cdn.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Answered, Batch, Capabilities
from shipway.domain.errors import CdnError
from shipway.drivers.cdn.api import Api, look
from shipway.ports import CdnAccess
from shipway.system.parallel import attempt_side_by_side, side_by_side

SERVERS = 16  # at a time


class Varnish:
    """The servers of a team, each with a cache of its own."""

    capabilities = Capabilities({PATH: 500, PREFIX: 20, TAG: 20, ALL: 100}, most=50_000)
    settles = 0.0

    def __init__(self, access: CdnAccess) -> None:
        self._access = access
        secret, timeout = access.cdn.token or "", access.timeout
        self._servers = [Api(f"Varnish at {at}", at, timeout, secret=secret, direct=True) for at in access.cdn.caches]
        self._login = {"Authorization": f"Bearer {access.token}"} if access.token else {}

    def purge(self, batch: Batch, reference: str) -> None:
        """Purge it on all servers; an error of one doesn't keep the others from it."""
        attempt_side_by_side(lambda server: self._on(server, batch), self._servers)

    def _on(self, server: Api, batch: Batch) -> None:
        for item in batch.items:
            self._access.go_on()
            try:
                if batch.kind == TAG:
                    server.send("BAN", "/", {**self._login, "X-Shipway-Tag": _tag_pattern(item)})
                elif batch.kind == PATH:
                    server.send("PURGE", _path(item), self._login, on=item)
                else:
                    pattern = f"^{re.escape(_path(item))}" if batch.kind == PREFIX else "^"
                    server.send("BAN", "/", {**self._login, "X-Shipway-Url": pattern}, on=item)
            except CdnError as error:
                if error.refused and not error.hint:
                    error.hint = "its VCL must accept PURGE and BAN: docs/cdn.md has what to add"
                raise

    def ask(self, url: str) -> Sequence[Answered]:
        """What each server answers."""
        return side_by_side(
            lambda at: look(url, self._access.timeout, at=at), self._access.cdn.caches, most=SERVERS
        )  # fmt: skip


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _tag_pattern(tag: str) -> str:
    """A whole word of a list that is separated by blanks or commas."""
    return f"(^|[\\s,]){re.escape(tag)}([\\s,]|$)"
