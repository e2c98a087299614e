"""The section of previews of pull requests. See `sections`."""

from __future__ import annotations

from shipway.domain.previews import NUMBER, Previews
from shipway.planfile import values as v
from shipway.planfile.kinds import Number, Several, Text
from shipway.planfile.mappings import Record


def domain(text: str) -> str:
    """A host name with the number of the pull request. ValueError if it is none, or has no number."""
    if NUMBER not in text:
        raise ValueError(f"`{text[:60]}` has no {NUMBER}: all previews would have the same name")
    if v.host_name(text.replace(NUMBER, "1234567")).startswith("*"):
        raise ValueError(f"`{text[:60]}` is no name of one preview")
    return text.lower()


PREVIEWS = Record(
    Previews,
    {
        "like": v.ENVIRONMENT,
        "domain": Text(
            f"a host name with {NUMBER}, such as pr-{NUMBER}.preview.example.com", r"^\S+$", domain, most=253
        ),
        "keep": v.DURATION,
        "most": Number("a number of previews from 1 to 100", 1, 100),
        "sleep": v.DURATION_OR_NONE,
        "data": Text("seed, empty, or the name of an environment", v.NAME_PATTERN),
        "mask": Several(v.SQL),
        "secrets": v.SECRETS,
    },
    required=("like", "domain"),
)
