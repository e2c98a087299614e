"""Credentials belong to the address for which an operator set them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import RegistryError, SecretError
from shipway.domain.plan import RegistryAccess
from shipway.drivers.credentials import FRESH, VARIABLE, Credentials, Keyring, from_variable, normalized
from shipway.drivers.docker_config import DockerLogins
from shipway.drivers.images.builder import settings_with
from shipway.drivers.registry.access import access, keyring, scope


class MemorySecrets:
    """What of Secrets it takes."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], str] = {}

    def names(self, scope: str) -> Mapping[str, int]:
        return {name: 1 for found, name in self._values if found == scope}

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        return self._values.get((scope, name))

    def set(self, scope: str, name: str, value: str) -> int:
        self._values[scope, name] = value
        return 1


ADA = Credentials("ada", "correct horse")
PLAIN = base64.b64encode(b"ada:correct horse").decode()


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_a_variable_of_the_controller_is_never_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feature branch names the attacker's address and any variable."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the key")
    wanted = RegistryAccess("attacker.example", "x", "AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SecretError, match="AWS_SECRET_ACCESS_KEY is not set") as caught:
        access("shop", wanted, keyring(), MemorySecrets())
    assert "shipway secret set registry AWS_SECRET_ACCESS_KEY --for attacker.example" in caught.value.hint


@pytest.mark.parametrize(
    "address",
    ["attacker.example", "registry.example.attacker.example", "registry.example/other", "registry.example:81/acme"],
)
def test_a_secret_is_not_sent_to_another_address(address: str) -> None:
    secrets, keys = MemorySecrets(), Keyring()
    secrets.set(scope("shop", "registry.example/acme"), "PASSWORD", "correct horse")
    assert access("shop", RegistryAccess("registry.example/acme", "ada", "PASSWORD"), keys, secrets) == ADA
    with pytest.raises(SecretError, match=f"{address} gets only credentials that were set for that address"):
        access("shop", RegistryAccess(address, "ada", "PASSWORD"), keys, secrets)
    assert keys.find(f"{address}/shop/web") is None


def test_a_value_that_was_set_without_an_address_is_refused_with_the_command() -> None:
    secrets = MemorySecrets()
    secrets.set("shop/registry", "PASSWORD", "correct horse")
    with pytest.raises(SecretError, match="PASSWORD was set without an address") as caught:
        access("shop", RegistryAccess("ghcr.io/acme", "ada", "PASSWORD"), Keyring(), secrets)
    assert caught.value.hint.startswith("shipway secret set registry PASSWORD --for ghcr.io/acme")


def test_another_apps_secret_is_not_taken() -> None:
    secrets = MemorySecrets()
    secrets.set(scope("shop", "ghcr.io/acme"), "PASSWORD", "correct horse")
    with pytest.raises(SecretError):
        access("blog", RegistryAccess("ghcr.io/acme", "ada", "PASSWORD"), Keyring(), secrets)


def test_in_ci_the_variable_has_the_addresses_in_it() -> None:
    text = json.dumps(
        {
            "ghcr.io/acme": {"user": "ada", "password": "correct horse"},
            "b.example": {"token": "t"},
            "c.example": {"auth": PLAIN},
        }
    )
    keys = keyring(environ={VARIABLE: text})
    assert access("shop", RegistryAccess("ghcr.io/acme", "ada", "PASSWORD"), keys, MemorySecrets()) == ADA
    assert access("shop", RegistryAccess("c.example"), keys, MemorySecrets()) == ADA
    assert keys.find("b.example/x@sha256:1") == Credentials(token="t")
    for other in ("ghcr.io/other/x", "ghcr.io/x", "b.example.attacker/x", "redis:7"):
        assert keys.find(other) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        '{"a.example": "pw"}',
        '{"a.example": {"user": "hunter2"}}',
        '{"a.example": {"auth": "hunter2!"}}',
        "[" * 100_000,
    ],
)
def test_a_variable_that_can_not_be_read_is_not_shown(text: str) -> None:
    with pytest.raises(SecretError) as caught:
        from_variable(text)
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_the_longest_address_decides() -> None:
    keys = Keyring(
        {
            "a.example": Credentials("host", "1"),
            "a.example/acme": Credentials("folder", "2"),
            "docker.io": Credentials("hub", "3"),
        }
    )
    asked = [
        "a.example/acme/web:v1",
        "a.example/acmes/web",
        "a.example/x@sha256:0",
        "redis:7",
        "acme/web",
        "b.example/acme",
    ]
    assert [str(keys.find(reference) or "-") for reference in asked] == [
        "user folder",
        "user host",
        "user host",
        "user hub",
        "user hub",
        "-",
    ]


def test_names_of_docker_hub_are_one() -> None:
    assert {normalized(name) for name in ("https://index.docker.io/v1/", "docker.io", "index.docker.io")} == {
        "docker.io"
    }
    assert normalized("https://Registry.example:5000/v2/") == "registry.example:5000"


def test_what_docker_login_stored() -> None:
    auths = {
        "https://index.docker.io/v1/": {"auth": PLAIN},
        "ghcr.io": {"identitytoken": "i"},
        "c.example": {"registrytoken": "r"},
        "d.example": {},
    }
    keys = Keyring(elsewhere=DockerLogins({"auths": auths}).find)
    assert keys.find("redis:7") == ADA
    assert keys.find("ghcr.io/acme/web:1") == Credentials(identity="i")
    assert keys.find("c.example/web") == Credentials(token="r")
    assert keys.find("d.example/web") is keys.find("e.example/web") is None


def test_credential_helpers_are_asked_as_docker_does() -> None:
    asked: list[tuple[str, str]] = []

    def helper(name: str, key: str) -> tuple[int, str]:
        asked.append((name, key))
        known = {"1.dkr.ecr.example": ("AWS", "short-lived"), "https://index.docker.io/v1/": ("<token>", "identity")}
        if key in known:
            return 0, json.dumps(dict(zip(("Username", "Secret"), known[key], strict=True)))
        return (1, "credentials not found in native keychain") if "broken" not in key else (1, "no session bus")

    config: dict[str, Any] = {
        "credsStore": "desktop",
        "credHelpers": {"1.dkr.ecr.example": "ecr-login"},
        "auths": {"https://index.docker.io/v1/": {}},
    }
    keys = Keyring(elsewhere=DockerLogins(config, helper).find)
    for _ in range(2):  # asked once
        assert keys.find("1.dkr.ecr.example/acme/web:1") == Credentials("AWS", "short-lived")
        assert keys.find("redis:7") == Credentials(identity="identity")
        assert keys.find("other.example/a/b") is None
    assert asked == [
        ("ecr-login", "1.dkr.ecr.example"),
        ("desktop", "https://index.docker.io/v1/"),
        ("desktop", "other.example"),
    ]
    with pytest.raises(RegistryError, match=r"docker-credential-desktop.*no session bus"):
        keys.find("broken.example/web")


def test_a_helper_that_is_not_installed() -> None:
    with pytest.raises(RegistryError, match="docker-credential-nowhere is not installed"):
        DockerLogins({"credsStore": "nowhere"}).find("a.example")
    with pytest.raises(RegistryError, match="not a valid name of a credential helper"):
        DockerLogins({"credsStore": "../../bin/sh"}).find("a.example")


def test_a_build_gets_the_logins_beside_the_users_own(tmp_path: Path) -> None:
    own, made = tmp_path / "own", tmp_path / "made"
    (own / "cli-plugins").mkdir(parents=True)
    made.mkdir()
    (own / "config.json").write_text(
        json.dumps({"auths": {"b.example": {}, "a.example": {}}, "credsStore": "desktop", "proxies": {}})
    )
    settings_with({"a.example/acme": ADA, "docker.io": ADA}, made, own)
    config = json.loads((made / "config.json").read_text())
    assert config["auths"] == {
        "b.example": {},
        "a.example": {"auth": PLAIN},
        "https://index.docker.io/v1/": {"auth": PLAIN},
    }
    assert config["credHelpers"] == {"b.example": "desktop"}
    assert "credsStore" not in config
    assert (made / "cli-plugins").is_dir()
    assert json.loads((own / "config.json").read_text())["credsStore"] == "desktop"


def test_a_source_is_asked_again_for_an_old_answer_and_when_it_was_refused() -> None:
    now, answers, asked = [0.0], ["one"], list[str]()

    def source(address: str) -> Credentials | None:
        if "/" in address:
            return None
        asked.append(address)
        if answers[-1] == "down":
            raise RegistryError("no session bus")
        return Credentials("ada", answers[-1])

    keys = Keyring(elsewhere=source, clock=lambda: now[0])
    first = keys.find("a.example/web:1")
    assert first == Credentials("ada", "one")
    now[0] = FRESH
    keys.find("a.example/web:1")
    assert len(asked) == 1
    answers.append("two")
    assert keys.renew("a.example/web:1", first) == Credentials("ada", "two")
    assert keys.renew("a.example/other", first) == Credentials("ada", "two")
    assert len(asked) == 2, "another thread was refused with the old one, and finds the new one"
    assert keys.renew("a.example/web:1", Credentials("ada", "two")) is None
    now[0] += 2 * FRESH
    answers.append("three")
    assert keys.find("a.example/web:1") == Credentials("ada", "three")
    now[0] += 2 * FRESH
    answers.append("down")
    assert keys.find("a.example/web:1") == Credentials("ada", "three"), "it may still be valid"


def test_a_secret_that_was_set_again_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets, keys = MemorySecrets(), Keyring()
    secrets.set(scope("shop", "ghcr.io/acme"), "PASSWORD", "correct horse")
    used = access("shop", RegistryAccess("ghcr.io/acme", "ada", "PASSWORD"), keys, secrets)
    assert keys.renew("ghcr.io/acme/shop/web", used) is None
    secrets.set(scope("shop", "ghcr.io/acme"), "PASSWORD", "another")
    assert keys.renew("ghcr.io/acme/shop/web", used) == Credentials("ada", "another")


COMMANDS = {
    "echo hunter3": Credentials("ada", "hunter3"),
    """echo '{"username": "bob", "password": "hunter3"}'""": Credentials("bob", "hunter3"),
    """echo '{"token": "hunter3"}'""": Credentials(token="hunter3"),
    """echo '{"Username": "AWS", "Secret": "hunter3"}'""": Credentials("AWS", "hunter3"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_credentials_in_any_usual_form(command: str) -> None:
    keys = keyring(environ={VARIABLE: json.dumps({"a.example": {"user": "ada", "command": command}})})
    assert keys.find("a.example/web") == COMMANDS[command]
    assert keys.given()["a.example"] == COMMANDS[command]


@pytest.mark.parametrize(("command", "why"), [("echo no login >&2; exit 3", "no login"), ("true", "printed none")])
def test_a_command_that_fails_is_told_with_its_address(command: str, why: str) -> None:
    keys = keyring(environ={VARIABLE: json.dumps({"a.example": {"user": "ada", "command": command}})})
    with pytest.raises(RegistryError, match=f"credentials of a.example .*{why}"):
        keys.find("a.example/web")


def test_a_command_that_fails_shows_nothing_of_what_it_printed() -> None:
    command = "echo hunter3-of-the-registry; echo could not store hunter3-of-the-registry >&2; exit 3"
    keys = keyring(environ={VARIABLE: json.dumps({"a.example": {"user": "ada", "command": command}})})
    with pytest.raises(RegistryError, match="could not store «output»") as caught:
        keys.find("a.example/web")
    assert "hunter3" not in str(caught.value)


def test_a_command_gets_no_other_registrys_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "all of them")
    keys = keyring(
        environ={VARIABLE: json.dumps({"a.example": {"user": "ada", "command": f'echo "it is ${VARIABLE}."'}})}
    )
    assert keys.find("a.example/web") == Credentials("ada", "it is .")
