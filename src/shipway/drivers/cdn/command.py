"""Any CDN, by a command of the team's that runs in a container of a service's image."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Answered, Batch, Capabilities
from shipway.domain.errors import CdnError
from shipway.drivers.cdn.api import look
from shipway.ports import CdnAccess


class CommandCdn:
    """The command gets a kind and items, one a line, as variables; exit code 0: they are purged."""

    capabilities = Capabilities({PATH: 200, PREFIX: 200, TAG: 200, ALL: 200})  # a variable has at most 128 KB
    settles = 0.0

    def __init__(self, access: CdnAccess) -> None:
        self._access = access

    def purge(self, batch: Batch, reference: str) -> None:
        """Run it once."""
        assert self._access.run is not None
        variables = {
            "SHIPWAY_PURGE_KIND": batch.kind,
            "SHIPWAY_PURGE": "\n".join(batch.items),
            "SHIPWAY_PURGE_ID": reference,
        }
        code, said = self._access.run(variables)
        if code != 0:
            raise CdnError(f"the purge command exited with {code}: {said}".rstrip(": "))

    def ask(self, url: str) -> Sequence[Answered]:
        """What the nearest cache answers."""
        return [look(url, self._access.timeout)]
