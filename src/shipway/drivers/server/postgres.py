"""PostgreSQL."""

from __future__ import annotations

from shipway.domain.accessory import DatabaseLogin


class PostgresServer:
    """See ports.DatabaseServer. Its client programs read their variables: see `libpq-envars` in the manual."""

    product = "PostgreSQL"

    def client(self, login: DatabaseLogin) -> dict[str, str]:
        return {
            "PGHOST": login.host, "PGPORT": str(login.port), "PGUSER": login.user,
            "PGPASSWORD": login.password, "PGDATABASE": login.database,
        }  # fmt: skip
