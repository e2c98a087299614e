"""Values of accessories: passwords of any character, secrets, ports."""

from __future__ import annotations

import dataclasses
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.accessory import PLACEHOLDER
from shipway.domain.desired import Settings, argv, published, render_desired, stand_ins
from shipway.domain.plan import Accessory, Environment, Host, Plan, Service
from shipway.domain.release import Release
from shipway.drivers.accessories import KINDS

POSTGRES = KINDS["postgres"]
HOSTS = (Host("local", "10.0.0.1"), Host("ssh://b"))
ENVIRONMENT = Environment("staging", "http://a.example", hosts=HOSTS, environment={"MODE": "far"})
SERVICE = Service("web", image="web:1", environment={"DEBUG": "0"}, secrets=("SECRET_KEY",), entrypoint="run --fast")


def plan(accessory: Accessory) -> Plan:
    return Plan("shop", {"web": SERVICE}, {accessory.name: accessory}, environments={"staging": ENVIRONMENT})


@given(password=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1))
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_any_password_comes_back_from_the_address(kind: str, password: str) -> None:
    parts = urlsplit(KINDS[kind].url_of(Accessory("db", "x", kind), "my-app", "db", password))
    assert (parts.hostname, parts.port, parts.username) == ("db", KINDS[kind].port, "my_app")
    assert unquote(parts.password or "") == password


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_no_password_is_in_a_clients_command(kind: str) -> None:
    accessory = Accessory("db", "x", kind)
    found = KINDS[kind].shell_of(accessory, "my-app", "db", "pass {database} word")
    assert found is not None
    command, variables = found
    assert not [word for word in command if "pass" in word.lower()]
    assert "pass {database} word" in variables.values(), "as it is: nothing in it is replaced"
    assert {"db", "my_app", str(KINDS[kind].port)} <= set(variables.values())


def test_clients_that_only_read() -> None:
    database, cache = Accessory("db", "x", "mysql"), Accessory("cache", "x", "redis")
    plain, limited = (KINDS["mysql"].shell_of(database, "a", "db", "pw", read_only=only) for only in (False, True))
    assert plain is not None
    assert limited is not None
    assert limited[1].items() - plain[1].items() == {("DB_START", "SET SESSION TRANSACTION READ ONLY")}
    assert KINDS["redis"].shell_of(cache, "a", "cache", "") == (("redis-cli", "-h", "cache", "-p", "6379"), {})
    assert KINDS["redis"].shell_of(cache, "a", "cache", "", read_only=True) is None
    assert KINDS["other"].shell_of(cache, "a", "cache", "") is None


def test_what_shipway_makes_stays_as_it_was() -> None:
    assert POSTGRES.url_of(Accessory("db", "x", "postgres"), "a", "db", "aZ09-_") == "postgresql://a:aZ09-_@db:5432/a"


def test_secrets_reach_the_accessory_and_count_by_version() -> None:
    accessory = Accessory("db", "postgres:15", "postgres", "URL", secrets=("POSTGRES_PASSWORD",))
    release = Release(1, "shop", "r", "t", (), "", {"web": "web@sha256:1"}, plan(accessory), 1, 0.0, None)

    def spec(version: int, value: str) -> tuple[str, str]:
        secrets = {"POSTGRES_PASSWORD": value, "SECRET_KEY": "k"}
        own = Settings("v", secrets, dict.fromkeys(secrets, version), {"db": value}, kinds=KINDS)
        (made,) = render_desired(release, ENVIRONMENT, own).accessories
        return made.env["POSTGRES_PASSWORD"], made.labels["shipway.config"]

    assert spec(1, "one")[0] == "one"
    assert spec(1, "one")[1] == spec(1, "other")[1] != spec(2, "other")[1]
    assert POSTGRES.password_secret(accessory) == "POSTGRES_PASSWORD"
    assert POSTGRES.with_placeholders(dataclasses.replace(accessory, secrets=("X",)), "a", "p")["X"] == PLACEHOLDER


def test_a_port_can_be_chosen() -> None:
    accessory = Accessory("db", "postgres:15", "postgres")
    assert 20000 <= published(plan(accessory), ENVIRONMENT, accessory) < 30000
    chosen = dataclasses.replace(accessory, published=15432)
    assert published(plan(chosen), ENVIRONMENT, chosen) == 15432


def test_what_stands_in_where_there_is_no_environment() -> None:
    found = stand_ins(plan(Accessory("db", "postgres:15", "postgres", "DATABASE_URL")), "web", KINDS)
    assert found["SECRET_KEY"] == "placeholder"
    assert found["DATABASE_URL"] == "postgresql://shop:placeholder@nowhere.invalid:5432/shop"
    assert (found["DEBUG"], found["MODE"]) == ("0", "far")


def test_words_of_a_command() -> None:
    assert argv("run --fast 'two words'") == ("run", "--fast", "two words")
    assert argv(None) is None


FORMS = {
    "DB_HOST": "{host}", "DB_PORT": "{port}", "DB_USER": "{user}", "DB_PASSWORD": "{password}", "DB_NAME": "{database}",
    "JDBC_URL": "jdbc:postgresql://{host}:{port}/{database}?password={password}", "URL": "{url}", "DSN": "pw={password}",
}  # fmt: skip


def test_an_address_in_other_forms() -> None:
    db = Accessory("db", "postgres:16", "postgres", "DATABASE_URL", forms=FORMS)
    found = POSTGRES.provided_by(db, "my-app", "db", "p/w {host}", published=20001)
    assert found == {
        "DATABASE_URL": "postgresql://my_app:p%2Fw%20%7Bhost%7D@db:20001/my_app",
        "URL": "postgresql://my_app:p%2Fw%20%7Bhost%7D@db:20001/my_app",
        "DB_HOST": "db", "DB_PORT": "20001", "DB_USER": "my_app", "DB_PASSWORD": "p/w {host}", "DB_NAME": "my_app",
        "JDBC_URL": "jdbc:postgresql://db:20001/my_app?password=p%2Fw%20%7Bhost%7D", "DSN": "pw=p/w {host}",
    }  # fmt: skip


def test_parts_reach_the_services_and_no_password_the_containers_name() -> None:
    db = Accessory("db", "postgres:16", "postgres", forms=FORMS)
    release = Release(1, "shop", "a" * 40, "t", (), "s", {"web": "web:1"}, plan(db), 1, 0.0)
    names = set[str]()
    for password in ("first-password", "other-password"):
        settings = Settings("1", {"SECRET_KEY": "s"}, {"SECRET_KEY": 1}, {"db": password}, kinds=KINDS)
        here, there = (render_desired(release, ENVIRONMENT, settings, host=host).workers[0] for host in HOSTS)
        assert (here.env["DB_HOST"], here.env["DB_PORT"], here.env["DB_PASSWORD"]) == ("db", "5432", password)
        assert there.env["DB_HOST"] == "10.0.0.1"
        assert there.env["DB_PORT"] == str(published(plan(db), ENVIRONMENT, db))
        names.add(here.name)
    assert len(names) == 1, "the password is generated once, and a dry run doesn't know it"
    assert stand_ins(plan(db), "web", KINDS)["DB_HOST"] == "nowhere.invalid"
