"""The section of the CDN in front of an environment. See `sections`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from shipway.domain import cdn as domain
from shipway.planfile import values as v
from shipway.planfile.commands import TASK
from shipway.planfile.kinds import Choice, Several, Text
from shipway.planfile.mappings import ByName, Record

PROVIDERS = ("varnish", "cloudflare", "fastly", "bunny", "cloudfront", domain.COMMAND)


def cache_address(text: str) -> str:
    """`http://cache1:6081` without a path or a login."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(f"`{text[:60]}` is not http:// or https:// with a host name")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"`{text[:60]}` has a path: the address of a cache has none")
    return text.rstrip("/")


RULE = Text("a path such as /news, or a prefix that ends in *, such as /news/*", r"^/[!\"$-)+-~]*\*?$")
CDN = Record(
    domain.Cdn,
    {
        "provider": Choice({name: name for name in PROVIDERS}),
        "zone": Text("the id of a zone, service, pull zone or distribution", r"^[A-Za-z0-9_-]{1,64}$", as_written=True),
        "caches": Several(
            Text("the address of a cache, such as http://10.0.0.7:6081", convert=cache_address), filled=True
        ),
        "token": v.SECRET,
        "key": v.SECRET,
        "command": TASK,
        "assets": ByName(v.ROUTE, v.NAME_PATTERN, "names of services", "web: /static"),
        "paths": Several(RULE),
        "tags": Several(Text("a tag without blanks, such as pages", r"^[!-+\--~]{1,200}$")),
    },
    required=("provider",),
    together={"key": ("token",)},
)
NEEDED: dict[str, tuple[str, ...]] = {
    "varnish": ("caches",), "cloudflare": ("zone", "token"), "fastly": ("zone", "token"), "bunny": ("zone", "token"),
    "cloudfront": ("zone", "key", "token"), domain.COMMAND: ("command",),
}  # fmt: skip
ALLOWED: dict[str, tuple[str, ...]] = {
    name: (*keys, *(("token",) if name == "varnish" else ())) for name, keys in NEEDED.items()
}
NO_TAGS = ("cloudfront",)


def problems(cdn: domain.Cdn) -> list[tuple[str, str, str]]:
    """(key, message, what was expected) of what doesn't fit the provider."""
    if cdn.provider not in NEEDED:  # reported already
        return []
    found: list[tuple[str, str, str]] = []
    given: dict[str, Any] = {key: getattr(cdn, key) for key in ("zone", "caches", "token", "key", "command")}
    for key in NEEDED[cdn.provider]:
        if not given[key]:
            found.append(("provider", f"`{cdn.provider}` requires `{key}`", f"`{key}:`"))
    for key, value in given.items():
        if value and key not in ALLOWED[cdn.provider]:
            found.append((key, f"has no effect with `{cdn.provider}`", f"no `{key}`"))
    if cdn.tags and cdn.provider in NO_TAGS:
        found.append(("tags", f"`{cdn.provider}` can't purge by tag", "no `tags`"))
    return found
