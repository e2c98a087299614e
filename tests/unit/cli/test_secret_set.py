"""`shipway secret set`: what can't be the value of a variable is refused, with the way out, before anything is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from click.testing import Result

from shipway.actions.environment.observe import settings
from shipway.app import open_context
from shipway.cli.output import TerminalReporter
from shipway.domain.desired import secret_files, variables
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.plan import Environment, Plan, Service
from shipway.domain.secret_value import as_bytes, as_text
from shipway.drivers.accessories import KINDS
from shipway.planfile import parse
from tests.unit.cli.secret_home import home_of, run_secret
from tests.unit.domain import samples
from tests.unit.world import World

PLAN = """
app: shop
services:
  web: {image: "nginx:1", secrets: [KEY, {name: TLS_KEY, as: file}, BOTH]}
  job: {image: "nginx:1", secrets: [{name: BOTH, as: file}]}
environments: {staging: {url: "http://staging.localhost"}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return home_of(PLAN, tmp_path, monkeypatch)


def run(home: Path, name: str, value: bytes, *options: str) -> Result:
    return run_secret(home, "set", "staging", name, *options, value=value)


def kept(home: Path, name: str) -> bytes:
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        return as_bytes(ctx.secrets.get("shop/staging", name) or "")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"a\0b", "NUL byte"),
        (b"caf\xe9", r"not valid UTF-8 \(byte 4 is 0xe9\)"),
        (b"\xff\xfe\x00key", "NUL byte"),
        (b"k" * (128 * 1024 - 4), "an environment variable can have at most 128 KiB"),
        (b"k" * (5 << 20), "at most 4 MB"),
    ],
)
@pytest.mark.parametrize("name", ["KEY", "BOTH"])
def test_a_value_that_no_variable_can_hold_is_refused(home: Path, name: str, value: bytes, why: str) -> None:
    with pytest.raises(SecretError, match=why) as refused:
        run(home, name, value)
    assert f"{{name: {name}, as: file}}" in refused.value.hint
    assert kept(home, name) == b""


@pytest.mark.parametrize("value", [b"a\0b", b"caf\xe9", b"\xff\xfe\x00key", b"k" * 300_000])
def test_a_file_holds_any_bytes(home: Path, value: bytes) -> None:
    run(home, "TLS_KEY", value)
    assert kept(home, "TLS_KEY") == value
    with pytest.raises(SecretError, match="at most 4 MB"):
        run(home, "TLS_KEY", b"k" * (5 << 20))


def test_the_largest_variable(home: Path) -> None:
    run(home, "KEY", b"k" * (128 * 1024 - 1 - len("KEY=")))


@pytest.mark.parametrize(
    ("given", "options", "stays"),
    [
        (b"two\n\n", (), b"two\n"),
        (b"one\n", ("--keep-newline",), b"one\n"),
        (b"line\r\nnext\r\n", (), b"line\r\nnext\r"),
        ("pässwörd-日本-🔑".encode(), (), "pässwörd-日本-🔑".encode()),
        (b"  lead and trail  ", (), b"  lead and trail  "),
    ],
)
def test_a_value_stays_as_it_is(home: Path, given: bytes, options: tuple[str, ...], stays: bytes) -> None:
    run(home, "KEY", given, *options)
    assert kept(home, "KEY") == stays


@pytest.mark.parametrize("name", ["accessory:db", "A-B", "1A", "", "A B", "É", "A\n", "A\x1b[2J"])
def test_a_name_that_no_plan_can_have_is_refused(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a valid variable name"):
        run(home, name, b"value")


def test_a_name_that_nothing_asks_for_is_told(home: Path) -> None:
    assert "uses TSL_KEY in staging yet; did you mean TLS_KEY?" in run(home, "TSL_KEY", b"value").output
    assert "note" not in run(home, "KEY", b"value").output


def test_what_a_service_gets() -> None:
    plan = parse(PLAN, "shipway.yaml", files=lambda path: True)
    web = plan.services["web"]
    assert (web.secrets, web.secret_files) == (("KEY", "TLS_KEY", "BOTH"), ("TLS_KEY",))
    binary = as_text(b"\xff\0")
    release = samples.release(1)
    given = samples.Settings("v1", {"KEY": "k", "TLS_KEY": binary, "BOTH": "b"}, kinds=KINDS)
    env = variables(plan, release, plan.environments["staging"], given, web)
    assert {name: env.get(name) for name in ("KEY", "TLS_KEY", "TLS_KEY_FILE", "BOTH")} == {
        "KEY": "k", "TLS_KEY": None, "TLS_KEY_FILE": "/run/secrets/TLS_KEY", "BOTH": "b"
    }  # fmt: skip
    assert secret_files(given, web) == {"/run/secrets/TLS_KEY": b"\xff\0"}


def test_a_file_that_a_later_plan_wants_as_a_variable_is_refused_before_any_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = world.controller()
    ctx.secrets.set("shop/staging", "TLS_KEY", as_text(b"\xff\0"))
    release = samples.release(1)
    plan = Plan("shop", {"web": Service("web", image="x:1", secrets=("TLS_KEY",), secret_files=("TLS_KEY",))})
    environment = Environment("staging", "http://x.localhost")
    with_file = dataclasses.replace(release, plan=plan)
    assert settings(ctx, with_file, environment).secrets["TLS_KEY"]
    as_variable = dataclasses.replace(
        release, plan=Plan("shop", {"web": Service("web", image="x:1", secrets=("TLS_KEY",))})
    )
    with pytest.raises(SecretError, match="NUL"):
        settings(ctx, as_variable, environment)
