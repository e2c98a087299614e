"""Readiness and version of this replica."""

import logging
from collections.abc import Callable

from fastapi import APIRouter, Response
from sqlalchemy import text

from catalogue.api.dependencies import Database, Provided, Services
from catalogue.schemas import Health, Version

router = APIRouter()
log = logging.getLogger(__name__)


@router.get("/healthz")
def healthz(provided: Provided, response: Response) -> Health:
    """200 only when the database and the cache answer; 503 names the one that doesn't."""
    checks = {name: outcome(name, check, provided) for name, check in CHECKS.items()}
    ready = set(checks.values()) == {"ok"}
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    return Health(status="ok" if ready else "unavailable", checks=checks)


def check_database(provided: Services) -> None:
    with provided.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def check_cache(provided: Services) -> None:
    provided.redis.ping()


CHECKS: dict[str, Callable[[Services], None]] = {"database": check_database, "cache": check_cache}


def outcome(name: str, check: Callable[[Services], None], provided: Services) -> str:
    try:
        check(provided)
    except Exception as error:
        # The reason goes to the log only: this answer is public.
        log.error("healthz: %s does not answer: %s", name, error)
        return "no answer"
    return "ok"


@router.get("/version")
def version(provided: Provided, database: Database) -> Version:
    table = database.scalar(text("SELECT to_regclass('alembic_version')::text"))
    revision = database.scalar(text("SELECT version_num FROM alembic_version")) if table else None
    config = provided.settings
    return Version(version=config.version, revision=config.revision, schema_revision=revision)
