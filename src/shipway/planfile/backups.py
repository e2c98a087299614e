"""The key `backups` of an environment."""

from __future__ import annotations

from shipway.domain import backups as domain
from shipway.planfile import values as v
from shipway.planfile.kinds import Choice, Several, Text
from shipway.planfile.mappings import Record

TO = Text(
    "a folder such as /srv/backups, or a bucket such as s3://backups/shop",
    r"^(/[^\n]*[^/\n]|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)$",
)
LENGTH = 62  # of a public key: a prefix, 32 bytes and a checksum


def public_key(text: str) -> str:
    """A public key whose checksum is right."""
    from shipway.system.bech32 import is_valid

    if len(text) != LENGTH or not is_valid(text):
        raise ValueError(f"`{text[:70]}` is no whole public key: its checksum is wrong")
    return text


RECIPIENT = Text("a public key that begins with age1", r"^age1[02-9ac-hj-np-z]{50,}$", public_key)
ENDPOINT = Text("a URL such as https://s3.example.com", r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?$")
REGION = Text("a region such as eu-central-1", r"^[a-z0-9-]+$")
KEEP = Record(domain.Keep, {"daily": v.COUNT, "weekly": v.COUNT, "monthly": v.COUNT})
REQUIRED = Record(
    domain.Required,
    {"max_age": v.DURATION, "before": Choice({name: name for name in (domain.DEPLOY, domain.MIGRATIONS)})},
    required=("max_age",),
    short=("max_age", v.DURATION),
)
CONTINUOUS = Record(domain.Continuous, {"every": v.DURATION}, required=("every",), short=("every", v.DURATION))
BACKUPS = Record(
    domain.Backups,
    {
        "to": TO,
        "recipients": Several(RECIPIENT, filled=True),
        "at": v.CRON,
        "zone": v.ZONE,
        "keep": KEEP,
        "verify": Choice({name: name for name in (domain.READ, domain.RESTORE)}),
        "volumes": Several(v.NAME),
        "key": v.SECRET,
        "endpoint": ENDPOINT,
        "region": REGION,
        "access_key": v.SECRET,
        "secret_key": v.SECRET,
        "require": REQUIRED,
        "continuous": CONTINUOUS,
        "verify_every": v.DURATION,
    },
    required=("to", "recipients"),
    together={"access_key": ("secret_key",), "secret_key": ("access_key",), "zone": ("at",)},
)
