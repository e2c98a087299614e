"""Private files are told from pages."""

from __future__ import annotations

import pytest

from shipway.domain.system_test import Page
from shipway.system.exposed import PRIVATE, is_exposed


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/.env", b"# settings\nSECRET_KEY=x\n"), ("/.git/config", b"[core]\n\trepositoryformatversion = 0\n"),
        ("/.git/HEAD", b"ref: refs/heads/main\n"), ("/shipway.yaml", b"app: shop\n"), ("/dump.sql", b"CREATE TABLE a ();"),
    ],
)  # fmt: skip
def test_private_files_are_recognized(path: str, body: bytes) -> None:
    assert is_exposed(path, Page(200, {}, body))
    assert not is_exposed(path, Page(404, {}, body))


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("body", [b"<!doctype html><title>My app</title>", b"one", b"", b'{"error": "not found"}'])
def test_a_page_that_is_served_for_every_path_is_none(path: str, body: bytes) -> None:
    assert not is_exposed(path, Page(200, {}, body))
