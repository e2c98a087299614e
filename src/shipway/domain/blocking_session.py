"""The session of a database that holds the lock which another one waits for."""

from __future__ import annotations

from datetime import UTC, datetime

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class BlockingSession:
    """As the server lists it; empty texts are unknown."""

    process: int  # number of its process on the server
    user: str
    application: str
    client: str  # address
    state: str
    since: float  # start of its transaction, in seconds since the epoch
    query: str  # its latest one, shortened
    remedy: str  # the statement that ends it
    certain: bool = True  # whether the server says that it holds the lock; if not, it is only one that may

    def __str__(self) -> str:
        """Its description for messages."""
        since = datetime.fromtimestamp(self.since, UTC).strftime("%H:%M:%S UTC")
        known = {"user": self.user, "application": self.application, "from": self.client}
        who = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        state = f"{self.state}, " if self.state else ""
        query = f", last query: {self.query}" if self.query else ""
        return f"process {self.process} ({who}), {state}in a transaction since {since}{query}"
