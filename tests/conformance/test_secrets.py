"""Secrets in files: versioned, private, whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway.domain.errors import SecretError
from shipway.drivers.secrets.file import FileSecrets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def test_versions_stay_readable(folder: Path) -> None:
    secrets = FileSecrets(folder)
    assert (secrets.set("shop/staging", "KEY", "one"), secrets.set("shop/staging", "KEY", "two")) == (1, 2)
    assert secrets.get("shop/staging", "KEY") == "two"
    assert secrets.get("shop/staging", "KEY", 1) == "one"
    assert secrets.get("shop/staging", "KEY", 3) is None
    assert secrets.get("shop/production", "KEY") is None
    assert FileSecrets(folder).names("shop/staging") == {"KEY": 2}


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_value_is_refused_and_nothing_is_written(folder: Path, blank: str) -> None:
    with pytest.raises(SecretError, match="KEY is blank") as caught:
        FileSecrets(folder).set("shop/staging", "KEY", blank)
    assert "shipway secret set staging KEY" in caught.value.hint
    assert not folder.exists()


def test_only_the_owner_can_read(folder: Path) -> None:
    FileSecrets(folder).set("shop/staging", "KEY", "value")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "shop__staging.json").stat().st_mode & 0o777 == 0o600


def test_writers_side_by_side_lose_nothing(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda index: FileSecrets(folder).set("shop/p", "KEY", f"value-{index}"), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert [path.name for path in folder.iterdir() if path.suffix != ".json"] == [".lock"]


def test_a_damaged_file_is_named_and_kept(folder: Path) -> None:
    folder.mkdir()
    (folder / "shop__p.json").write_text("{")
    with pytest.raises(SecretError, match="can't be read"):
        FileSecrets(folder).set("shop/p", "KEY", "value")
    assert (folder / "shop__p.json").read_text() == "{"
