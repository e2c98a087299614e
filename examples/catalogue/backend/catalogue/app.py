"""The web application: uvicorn --factory catalogue.app:create_app"""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalogue import logs, settings
from catalogue.api import admin, categories, health, items
from catalogue.api.dependencies import Services
from catalogue.cache import Cache
from catalogue.cache import connect as connect_redis
from catalogue.database import make_engine
from catalogue.security import Sessions

log = logging.getLogger(__name__)


def create_app() -> FastAPI:
    logs.configure()
    try:
        services = connect(settings.load(), settings.required("SECRET_KEY"))
    except settings.SettingsError as error:
        sys.exit(f"catalogue: {error}")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        services.engine.dispose()
        services.redis.close()

    app = FastAPI(
        title="Catalogue",
        version=services.settings.version,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    for router in (health.router, categories.router, items.router, admin.router):
        app.include_router(router, prefix="/api")
    app.add_exception_handler(OperationalError, unavailable)
    app.add_exception_handler(PoolTimeout, unavailable)
    return app


def connect(config: settings.Settings, secret_key: str) -> Services:
    """Opens no connection yet: a replica may start before its database does."""
    redis = connect_redis(config.redis_url)
    return Services(
        settings=config,
        engine=make_engine(config.database_url),
        redis=redis,
        cache=Cache(redis, config.revision),
        sessions=Sessions(secret_key),
    )


async def unavailable(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s: the database does not answer: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "the database does not answer"}, status_code=503)
