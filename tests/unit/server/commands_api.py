"""The part of the API that runs commands for a command line elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipway import __version__
from shipway.cli.typed import typed
from shipway.server.api import commands as module
from shipway.server.api.operation import PREFIX
from shipway.server.site import Site
from shipway.server.web import application
from tests.unit.server.api import Api
from tests.unit.server.asking import Answer, ask
from tests.unit.server.site import CHEAP, forge

ID = "0123456789abcdef" * 2


class Served(Api):
    """The server, and what it would start."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.app = application(Site(self.ctx, self.observer, CHEAP, forge, parse=typed))
        self.observer.look("shop")
        self.started: list[list[str]] = []

    def post(self, token: str, *words: str, id: str = ID, **more: Any) -> Answer:
        body = {"protocol": module.PROTOCOL, "version": __version__, "id": id, "words": list(words), **more}
        return self.send("POST", "/commands", token, body)

    def get(
        self, token: str, id: str = ID, after: int = 0, heard: Callable[[bytes], object] = lambda part: None
    ) -> Answer:
        path = f"{PREFIX}/commands/{id}/output?after={after}"
        return ask(self.app, path, heard=heard, authorization=f"Bearer {token}")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    found = Served(tmp_path)
    monkeypatch.setattr(
        module.Started, "_keep", lambda self, who, folder, given, idle: found.started.append(given["words"])
    )
    return found


@pytest.fixture
def real(tmp_path: Path) -> Served:
    """Nothing is replaced but the command itself."""
    return Served(tmp_path)
