"""Addresses of external services: their parts, and what can't be one, without ever showing it."""

from __future__ import annotations

import pytest

from shipway.domain.accessory import DatabaseLogin
from shipway.domain.errors import SecretError
from shipway.domain.external import parse
from shipway.domain.plan import Accessory
from shipway.drivers.accessories import KINDS
from shipway.drivers.server.postgres import PostgresServer

DB = Accessory("db", "postgres:15", "postgres", "DATABASE_URL", port=5432, external="DATABASE_URL", version="15")
CACHE = Accessory("cache", "redis:7", "redis", "CACHE_URL", port=6379, external="CACHE_URL", version="7")


@pytest.mark.parametrize(
    ("address", "login"),
    [
        (
            "postgresql://ann:a%40b%2Fc@db.example:6432/shop?sslmode=require",
            ("db.example", 6432, "ann", "a@b/c", "shop"),
        ),
        ("postgres://ann:x@db.example/shop", ("db.example", 5432, "ann", "x", "shop")),
        ("postgresql+asyncpg://ann:x@db.example/shop", ("db.example", 5432, "ann", "x", "shop")),
        ("jdbc:postgresql://db.example:6432/shop?user=ann&password=x", ("db.example", 6432, "ann", "x", "shop")),
        ("postgresql:///shop?host=db.example&port=6432&user=ann", ("db.example", 6432, "ann", "", "shop")),
        (
            "postgresql://ann@one.example:5433,two.example:5433/shop",
            ("one.example,two.example", 5433, "ann", "", "shop"),
        ),
        ("postgresql://ann:x@[2001:db8::1]:6432/shop", ("2001:db8::1", 6432, "ann", "x", "shop")),
        ("postgresql://ann:x@[2001:db8::1]/shop", ("2001:db8::1", 5432, "ann", "x", "shop")),
    ],
)
def test_a_login_is_read_from_an_address(address: str, login: tuple[str, int, str, str, str]) -> None:
    found = KINDS["postgres"].login_of(DB, "shop", "", address)
    assert (found.host, found.port, found.user, found.password, found.database) == login


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "no URL"),
        ("hidden", "no URL"),
        ("db.example:5432/hidden", "no URL"),
        ("mysql://ann:hidden@db.example/shop", "postgresql://"),
        ("postgresql://ann:hidden@/shop", "no host"),
        ("postgresql://ann:hidden@localhost:5432/shop", "loopback"),
        ("postgresql://ann:hidden@127.0.0.1/shop", "loopback"),
        ("postgresql://db.example", "no user and no database"),
        ("postgresql://ann:hidden@db.example:port/shop", "port"),
        ("postgresql://ann:hid/den@db.example/shop", "percent-encoded"),
        ("postgresql://ann:hid[den@db.example/shop", "percent-encoded"),
        ("postgresql://ann:hidden@one:1,two:2/shop", "different ports"),
    ],
)
def test_what_is_no_address_is_named_without_being_shown(address: str, why: str) -> None:
    with pytest.raises(SecretError) as error:
        KINDS["postgres"].login_of(DB, "shop", "", address)
    assert why in error.value.message
    assert "DATABASE_URL" in error.value.message
    for part in ("hidden", "hid", "ann", "db.example"):
        assert part not in f"{error.value.message} {error.value.hint}"


def test_tls_and_options_of_the_address_are_those_of_every_client() -> None:
    address = (
        "postgresql://ann:x@db.example/shop?sslmode=verify-full&sslrootcert=system&options=-c%20jit%3Doff&schema=public"
    )
    tls = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "system", "PGOPTIONS": "-c jit=off"}
    login = KINDS["postgres"].login_of(DB, "shop", "", address)
    client = PostgresServer().client(login)
    assert {name: client[name] for name in tls} == tls
    assert not any("schema" in name.lower() for name in client)
    found = KINDS["postgres"].shell_of(DB, "shop", "", address)
    assert found is not None
    assert {name: found[1][name] for name in tls} == tls
    assert found[1]["PGHOST"] == "db.example"
    assert "x" not in repr(login).replace("example", "")


@pytest.mark.parametrize(
    ("ssl", "mode"),
    [
        ("ssl=true", "require"),
        ("sslmode=no-verify", "require"),
        ("ssl=verify-full", "verify-full"),
        ("ssl=0", "disable"),
    ],
)
def test_the_spellings_of_other_drivers(ssl: str, mode: str) -> None:
    login = KINDS["postgres"].login_of(DB, "shop", "", f"postgresql://ann:x@db.example/shop?{ssl}")
    assert PostgresServer().client(login)["PGSSLMODE"] == mode


def test_a_client_of_one_without_parameters_has_no_tls_variables() -> None:
    assert not any("SSL" in name for name in PostgresServer().client(DatabaseLogin("db", 5432, "a", "b", "c")))


def test_the_client_of_an_external_cache_gets_its_password_and_tls() -> None:
    found = KINDS["redis"].shell_of(CACHE, "shop", "", "rediss://:a%20b@cache.example/2")
    assert found is not None
    command, variables = found
    assert (
        variables | {"DB_HOST": "cache.example", "DB_PORT": "6379", "DB_PASSWORD": "a b", "DB_NAME": "2", "DB_TLS": "1"}
        == variables
    )
    assert "a b" not in " ".join(command)
    assert KINDS["redis"].problem("http://cache.example") == "it doesn't begin with redis:// or rediss://"


def test_what_no_output_may_have() -> None:
    assert parse("redis://:secret@cache.example/0").confidential == {"password": "secret", "host": "cache.example"}
    assert parse("redis://cache/0").confidential == {}, "a name of one word is in every other line"


def test_in_proofs_and_steps_it_is_a_container() -> None:
    own = DB.as_container()
    assert KINDS["postgres"].url_of(own, "shop", "db", "x") == "postgresql://shop:x@db:5432/shop"
    assert own.provides == "DATABASE_URL"
