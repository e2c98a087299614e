"""The variables of libpq, PostgreSQL's client library: a password in an argument would be visible to other users."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def variables(url: str) -> dict[str, str]:
    """The address of a database, without what the URL leaves out."""
    parts = urlsplit(url)
    values: tuple[tuple[str, str | int | None], ...] = (
        ("PGHOST", parts.hostname), ("PGPORT", parts.port), ("PGUSER", parts.username), ("PGPASSWORD", parts.password),
        ("PGDATABASE", parts.path.removeprefix("/")),
    )  # fmt: skip
    return {name: unquote(str(value)) for name, value in values if value}
