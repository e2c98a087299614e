"""Everything that the environment decides, read once and checked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(Exception):
    """A setting is missing or blank."""


@dataclass(frozen=True, slots=True)
class Settings:
    database_url: str
    redis_url: str
    version: str
    revision: str


def load(env: Mapping[str, str] = os.environ) -> Settings:
    return Settings(
        database_url=required("DATABASE_URL", env),
        redis_url=required("REDIS_URL", env),
        version=env.get("SHIPWAY_VERSION", "").strip() or "dev",
        revision=env.get("SHIPWAY_REVISION", "").strip(),
    )


def required(name: str, env: Mapping[str, str] = os.environ) -> str:
    """The value of a variable that has to be there; a blank one counts as missing."""
    value = env.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is missing or blank: set it in the environment")
    return value
