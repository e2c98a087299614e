"""A scratch database on the server of DATABASE_URL, and logical database 15 of REDIS_URL."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy import Engine, create_engine, make_url, text

from catalogue import security
from catalogue.app import create_app
from catalogue.database import driver_url, make_engine
from catalogue.settings import required

ROOT = Path(__file__).parents[2]
PASSWORD = "integration-test"


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    server = driver_url(required("DATABASE_URL"))
    name = f"catalogue_test_{secrets.token_hex(4)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    cache = make_url(required("REDIS_URL")).set(database="15")
    with pytest.MonkeyPatch.context() as patch:
        address = server.set(drivername="postgresql", database=name)
        patch.setenv("DATABASE_URL", address.render_as_string(hide_password=False))
        patch.setenv("REDIS_URL", cache.render_as_string(hide_password=False))
        patch.setenv("SHIPWAY_VERSION", "v0.0.1")
        patch.setenv("SHIPWAY_REVISION", "integration-test")
        patch.setenv("SECRET_KEY", "integration-test")
        patch.setenv("ADMIN_PASSWORD", PASSWORD)
        # What is tested is that passwords are hashed and checked, not that it takes long.
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(security, "_hasher", cheap)
        yield
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def alembic() -> Config:
    return Config(ROOT / "alembic.ini")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = make_engine(os.environ["DATABASE_URL"])
    yield engine
    engine.dispose()


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        redis.flushdb()
        yield redis


@pytest.fixture
def empty(alembic: Config, engine: Engine, redis: Redis) -> None:
    """The newest schema without a row."""
    with engine.begin() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision != ScriptDirectory.from_config(alembic).get_current_head():
        command.upgrade(alembic, "head")
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # on a busy disk too
        connection.execute(text("TRUNCATE items, categories, users RESTART IDENTITY"))


@pytest.fixture
def client(empty: None) -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    """A client that is logged in, on a seeded catalogue."""
    from catalogue import seed

    assert seed.main() == 0
    answer = client.post("/api/admin/login", json={"name": "admin", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client
