"""SSH signatures, by the real ssh-keygen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.domain.errors import UsageError
from shipway.system.ssh_signature import default_key, sign, signer, verified

NAMESPACE, TEXT = "shipway-approval@v1", "what is approved\n"
NOW = 1_800_000_000.0  # 15 January 2027


def made(folder: Path, name: str, *options: str) -> Path:
    """A key of a person."""
    path = folder / name
    subprocess.run(
        ["ssh-keygen", "-q", "-N", "", "-C", name, "-f", str(path), *(options or ("-t", "ed25519"))], check=True
    )
    return path


def public(key: Path) -> str:
    """As it stands in an `allowed_signers`."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("keys"), "ada")


@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048")], ids=lambda item: item[1]
)
def test_what_was_signed_is_verified_and_names_its_key(tmp_path: Path, options: tuple[str, ...]) -> None:
    key = made(tmp_path, "key", *options)
    signature = sign(TEXT, key, NAMESPACE)
    assert signer(signature) == public(key)
    assert verified(TEXT, signature, [f"approver {public(key)}"], NAMESPACE, NOW)


def test_another_text_key_or_namespace_is_not(key: Path, tmp_path: Path) -> None:
    signature, line = sign(TEXT, key, NAMESPACE), f"approver {public(key)}"
    assert not verified(TEXT + " ", signature, [line], NAMESPACE, NOW)
    assert not verified(TEXT, sign(TEXT, key, "git"), [line], NAMESPACE, NOW)
    assert not verified(TEXT, signature, [f"approver {public(made(tmp_path, 'eve'))}"], NAMESPACE, NOW)
    assert not verified(TEXT, signature, [], NAMESPACE, NOW)
    assert not verified(TEXT, signature, [f'approver namespaces="git" {public(key)}'], NAMESPACE, NOW)


@pytest.mark.parametrize(
    "option", ['valid-after="20270115075900Z"', 'valid-before="20270115080100Z"', 'valid-after="20270115075900"']
)
def test_a_key_is_valid_by_the_clock_that_is_given(key: Path, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    signature, line = sign(TEXT, key, NAMESPACE), f"approver {option} {public(key)}"
    assert verified(TEXT, signature, [line], NAMESPACE, NOW)
    assert not verified(TEXT, signature, [line], NAMESPACE, NOW + (-120 if "after" in option else 120))


@pytest.mark.parametrize(
    "text", ["", "nothing", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----", "x" * 100_000]
)
def test_what_is_no_signature_names_no_key(text: str) -> None:
    assert signer(text) is None
    assert not verified(TEXT, text, ["approver ssh-ed25519 AAAA"], NAMESPACE, NOW)


def test_a_key_that_can_not_sign_is_told_in_ssh_keygens_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing can't sign: .*No such file") as caught:
        sign(TEXT, tmp_path / "nothing", NAMESPACE)
    assert "--sign=KEY" in caught.value.hint


def test_the_key_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError, match="no SSH key"):
        default_key(None)
    (tmp_path / ".ssh").mkdir()
    for name in ("id_rsa", "id_ed25519"):
        (tmp_path / ".ssh" / name).write_text("")
    assert default_key("key::ssh-ed25519 AAAA").name == "id_ed25519"
    assert default_key("~/keys/mine") == tmp_path / "keys" / "mine"
