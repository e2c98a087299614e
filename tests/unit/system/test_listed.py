"""The folders of a host that services may mount."""

from __future__ import annotations

import pytest

from shipway.domain.errors import UsageError
from shipway.system.listed import VARIABLE, listed_folders


def test_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert listed_folders() == ()
    monkeypatch.setenv(VARIABLE, "/srv/media:/srv/media-2:")
    assert listed_folders() == ("/srv/media", "/srv/media-2")


@pytest.mark.parametrize("wrong", ["/", "srv", "/srv/../etc", "/srv/", "/srv:/srv/media", "//srv"])
def test_what_no_container_may_mount(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """Of a folder within another one, a container that mounts the outer one could make a link to anywhere."""
    monkeypatch.setenv(VARIABLE, wrong)
    with pytest.raises(UsageError, match=VARIABLE):
        listed_folders()
