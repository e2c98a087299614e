"""The statements that applications run most often, from the extension pg_stat_statements."""

from __future__ import annotations

import json

from shipway.drivers.server.postgres_scripts import ACCESS

_MARK = "shipway-statement "
# Prints `shipway-statement TEXT`, the text as JSON. $1: how many.
STATEMENTS = rf"""{ACCESS}
psql -X -q -A -t -v ON_ERROR_STOP=1 -v count="$1" <<'SQL' 2>&1
SELECT '{_MARK}' || to_json(query) FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~* '^\s*(select|with|insert|update|delete|merge)\M' AND query !~* '\mpg_(catalog|stat)'
GROUP BY query ORDER BY sum(calls) DESC, query LIMIT :count
SQL
"""


def frequent(output: str) -> tuple[str, ...]:
    """See ports.DatabaseServer."""
    lines = (line.removeprefix(_MARK) for line in output.splitlines() if line.startswith(_MARK))
    return tuple(str(json.loads(line)) for line in lines)
