"""The session of the next script, opened while the database is read: connecting takes as long as a small migration."""

from __future__ import annotations

import secrets
import threading

import psycopg

from shipway.drivers.scratch.postgres_session import Connection, connect


class Spare:
    """It has not been used, so it is like any new session: it has the settings that the database and its role had when the
    script before it had ended. Its `name` is its application_name until it is taken."""

    def __init__(self, url: str) -> None:
        self.name = f"shipway_{secrets.token_hex(8)}"
        self._url = url
        self._opening: threading.Thread | None = None
        self._connection: Connection | None = None

    def open(self) -> None:
        """Begin to open it, unless that has begun."""
        if self._opening is None:
            self._opening = threading.Thread(target=self._open, daemon=True)
            self._opening.start()

    def take(self) -> Connection:
        """It, or a new session if there is none. Raises psycopg.Error."""
        found = self._opened()
        if found is not None:
            try:
                found.execute("SET application_name TO ''")
                return found
            except psycopg.OperationalError:
                found.close()
        return connect(self._url)

    def close(self) -> None:
        found = self._opened()
        if found is not None:
            found.close()

    def _open(self) -> None:
        try:
            self._connection = connect(self._url, application_name=self.name)
        except psycopg.Error:
            self._connection = None  # the next script connects, and tells the error

    def _opened(self) -> Connection | None:
        """Waits if it is being opened."""
        if self._opening is not None:
            self._opening.join()
        found, self._opening, self._connection = self._connection, None, None
        return found
