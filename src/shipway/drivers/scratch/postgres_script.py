"""Run a script of statements as its author intends."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus

from shipway.domain.errors import ProofError
from shipway.drivers.scratch.deadline import deadline
from shipway.drivers.scratch.postgres_session import Connection, error_message
from shipway.drivers.scratch.statements import split

BLOCKS = {"25001", "25P01"}  # `there is (already|no) transaction in progress`: the script has its own BEGIN or COMMIT
COPY = re.compile(r"^\s*copy\b[^;]*\bfrom\s+stdin\b", re.IGNORECASE | re.MULTILINE)
CLIENT = re.compile(r"^\s*\\[a-z!?]", re.IGNORECASE | re.MULTILINE)


def run_script(connection: Connection, script: str, *, transaction: bool, timeout: float | None) -> Sequence[str]:
    """In one transaction, which a script may end itself; without one, statement by statement. `timeout` covers the
    whole script, in seconds. Returns the notices, such as `NOTICE: table "a" does not exist, skipping`."""
    notices: list[str] = []

    def note(notice: Diagnostic) -> None:
        if notice.sqlstate not in BLOCKS:
            notices.append(f"{notice.severity}: {notice.message_primary}")

    connection.add_notice_handler(note)
    parts = ["BEGIN", script, "COMMIT"] if transaction else split(script)
    # Cancelled from here: the server's statement_timeout would restart with each statement.
    with deadline(timeout, connection.cancel) as late:
        for part in parts:
            try:
                connection.execute(part.encode())
            except psycopg.Error as error:
                if connection.info.transaction_status == TransactionStatus.ACTIVE:
                    raise ProofError("COPY … FROM STDIN has no input", hint=_hint(script)) from error
                if late.is_set():
                    raise ProofError(f"it ran longer than {timeout:g} s and was cancelled") from error
                raise ProofError(_message(error, part), hint=_hint(script)) from error
    return notices


def _message(error: psycopg.Error, part: str) -> str:
    position = error.diag.statement_position
    line = part.count("\n", 0, int(position) - 1) + 1 if position else None
    return error_message(error) + (f"\nat line {line}: {part.splitlines()[line - 1].strip()}" if line else "")


def _hint(script: str) -> str:
    if COPY.search(script):
        return "write the rows as INSERT, or run the file with psql"
    if CLIENT.search(script):
        return "lines that begin with a backslash are commands of psql, not SQL"
    return ""
