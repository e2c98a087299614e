"""The section of a service on a developer's machine."""

from __future__ import annotations

from shipway.domain.develop import Develop
from shipway.planfile import values as v
from shipway.planfile.kinds import Choice, Several
from shipway.planfile.mappings import Record

DEVELOP = Record(
    Develop,
    {
        "run": v.SHELL,
        "mount": v.LAID,
        "sync": v.LAID,
        "target": v.TEXT,
        "port": v.PORT,
        "watch": Several(v.INSIDE),
        "restart": Choice({"on-change": True, "never": False}),
    },
)
