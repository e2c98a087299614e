"""Names of secrets in a plan file."""

from __future__ import annotations

from shipway.planfile import values as v
from shipway.planfile.kinds import Choice
from shipway.planfile.mappings import Record


class Secret(str):
    """The name of a secret, whether a service reads it from a file, and whether it may be unset."""

    as_file: bool
    optional: bool


def secret(name: str, as_file: bool = False, optional: bool = False) -> Secret:
    """One secret of a service or of an environment."""
    found = Secret(name)
    found.as_file, found.optional = as_file, optional
    return found


SECRET = Record(
    secret,
    {"name": v.SECRET, "as": Choice({"file": True}), "optional": v.TRUE},
    required=("name",),
    renamed={"as": "as_file"},
    short=("name", v.SECRET),
)
ENVIRONMENT_SECRET = Record(
    secret, {"name": v.SECRET, "optional": v.TRUE}, required=("name",), short=("name", v.SECRET)
)
