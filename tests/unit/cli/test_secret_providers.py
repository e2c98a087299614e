"""`shipway secret` in an environment with providers: what is set here would not be used, and files are edited encrypted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from shipway.domain.errors import SecretError, UsageError
from tests.unit.cli.secret_home import home_of, run_secret

PLAN = """
app: shop
services: {web: {image: "nginx:1", secrets: [KEY, OTHER, OWN]}}
environments:
  staging:
    url: "http://staging.localhost"
    secrets_from:
      - {vault: "https://vault.example", path: secret/shop, names: [KEY]}
      - {age: secrets/staging.age, names: [OTHER]}
  production:
    url: "http://localhost"
    secrets_from: {environment: true, ledger: override}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return home_of(PLAN, tmp_path, monkeypatch)


def typed(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What the editor writes next."""
    (folder / "typed").write_text(text)
    monkeypatch.setenv("EDITOR", f"cp {folder / 'typed'}")
    monkeypatch.delenv("VISUAL", raising=False)


def test_a_value_that_would_not_be_used_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="KEY of staging comes from vault") as caught:
        run_secret(home, "set", "staging", "KEY", value=b"one")
    assert "shipway secret rotate staging" in caught.value.hint
    (tmp_path / "staging.env").write_text("OWN=one\nKEY=two\n")
    with pytest.raises(SecretError, match="line 2: KEY comes from vault"):
        run_secret(home, "import", "staging", str(tmp_path / "staging.env"))
    run_secret(home, "set", "staging", "OWN", value=b"one")
    run_secret(home, "set", "production", "KEY", value=b"one")  # where the plan says so
    run_secret(home, "set", "production", "OWN", value=b"one")
    with pytest.raises(UsageError, match="KEY of staging comes from vault"):
        run_secret(home, "copy", "--from", "production", "staging", "KEY", "--values")
    assert "KEY" not in run_secret(home, "copy", "--from", "production", "staging").output


def test_an_override_can_be_removed_again(home: Path) -> None:
    run_secret(home, "set", "production", "KEY", value=b"one")
    run_secret(home, "unset", "production", "KEY")
    found = {item["name"]: item for item in json.loads(run_secret(home, "list", "production", "--json").output)}
    assert (found["KEY"]["version"], found["KEY"]["source"]) == (None, "environment")


def test_a_list_has_the_providers_and_ages(home: Path) -> None:
    run_secret(home, "set", "staging", "OWN", value=b"one")
    found = {item["name"]: item for item in json.loads(run_secret(home, "list", "staging", "--json").output)}
    assert found["KEY"]["source"] == "vault https://vault.example secret/shop"
    assert (found["KEY"]["version"], found["KEY"]["since"]) == (None, None)
    assert found["OWN"]["source"] == ""
    assert found["OWN"]["since"] > 0
    text = run_secret(home, "list", "staging").output
    assert "fetched from age secrets/staging.age" in text
    assert "just now" in text
    assert "no secret of staging is missing" in run_secret(home, "list", "staging", "--missing").output


def test_a_file_of_the_repository_is_edited_encrypted(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shipway.domain.secret_source import SecretSource
    from shipway.drivers.secret_provider.age import Age, create_identity, decrypt, own_recipients
    from shipway.drivers.secret_provider.operator import Operator

    typed(tmp_path, monkeypatch, "OTHER=the-secret-value\n")
    run_secret(home, "edit", "staging")
    file = tmp_path / "secrets/staging.age"
    first = file.read_bytes()
    assert b"the-secret-value" not in first
    assert (home / "age-identity").stat().st_mode & 0o777 == 0o600

    def value(folder: Path) -> str:
        operator = Operator(folder, "shop/staging", {}, file.read_bytes())
        return Age(SecretSource("age", "secrets/staging.age"), operator).fetch(["OTHER"])["OTHER"].value

    assert value(home) == "the-secret-value"
    assert "nothing was changed" in run_secret(home, "edit", "staging").output
    assert file.read_bytes() == first

    (tmp_path / "bob").mkdir()
    bob = Operator(tmp_path / "bob", "shop/staging")
    create_identity(bob)
    (public,) = own_recipients(bob)
    with pytest.raises(SecretError, match="can't be decrypted"):
        value(tmp_path / "bob")
    run_secret(home, "edit", "staging", "--recipient", public)
    assert value(tmp_path / "bob") == value(home) == "the-secret-value"
    run_secret(home, "edit", "staging", "--remove-recipient", public)
    with pytest.raises(SecretError, match="can't be decrypted"):
        value(tmp_path / "bob")
    assert len(decrypt(file.read_bytes(), "f", Operator(home, "shop/staging")).recipients) == 1

    before = file.read_bytes()
    typed(tmp_path, monkeypatch, "OTHER= \nno line\n")
    with pytest.raises(SecretError, match="nothing was changed"):
        run_secret(home, "edit", "staging")
    assert file.read_bytes() == before
    with pytest.raises(SecretError, match="'age1no' is not a recipient"):
        run_secret(home, "edit", "staging", "--recipient", "age1no")


def test_a_link_in_the_place_of_the_file_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/staging.age").symlink_to(tmp_path / "elsewhere")
    typed(tmp_path, monkeypatch, "OTHER=one\n")
    with pytest.raises(UsageError, match="is a link"):
        run_secret(home, "edit", "staging")
    assert not (tmp_path / "elsewhere").exists()
