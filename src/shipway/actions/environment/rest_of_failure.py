"""What a migration that failed has left in a database, on a server that can't undo changes of a schema."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from shipway.domain.errors import ShipwayError
from shipway.ports import DatabaseServer, OneOff


class RestOfFailure:
    """Compares schemas as texts. ask: runs a command of the server."""

    def __init__(self, server: DatabaseServer, ask: OneOff) -> None:
        self._server, self._ask = server, ask

    def schema(self) -> str | None:
        """The schema now; None if a failure leaves nothing on this server, or it can't be read."""
        if self._server.atomic_migrations:
            return None
        try:
            code, output = self._ask(self._server.command("schema"))
        except ShipwayError:  # it only explains
            return None
        return output if code == 0 else None

    def since(self, before: str | None) -> Sequence[str]:
        """Lines that the schema has gained (+) and lost (-); empty if it is the same, or not known."""
        now = self.schema() if before is not None else None
        if before is None or now is None:
            return ()
        lines = difflib.unified_diff(before.splitlines(), now.splitlines(), n=0, lineterm="")
        return [line for line in list(lines)[2:] if not line.startswith("@@")]
