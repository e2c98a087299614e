"""An app with a staging environment that previews are made like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.previews.bring_about import bring_about, to_do
from shipway.actions.previews.wishes import require_preview, want_open
from shipway.domain.container import LABEL_ENVIRONMENT
from shipway.domain.errors import LeaseHeld, PreviewFull
from shipway.domain.preview import Preview
from shipway.testing.faults import Death
from tests.unit.actions.deployments.host_deployment import HostDeployment, parse_plan
from tests.unit.system.test_git import git

ADDRESS = ("pr-7.shop.example", 80)
LIKE = {"url": "http://staging.shop.example", "on": {"branch": "staging"}, "secrets": ["KEY"]}
SETTINGS = {"like": "staging", "domain": "pr-{number}.shop.example", "sleep": "1h", "keep": "7d"}
WEB = {"image": "caddy:2", "port": 8000, "route": "/", "health": {"path": "/"}}


def plan(*, like: dict[str, Any] | None = None, **previews: Any) -> str:
    return json.dumps({
        "app": "shop", "services": {"web": WEB}, "environments": {"staging": LIKE | (like or {})},
        "previews": SETTINGS | previews,
    })  # fmt: skip


class Place(HostDeployment):
    """main's plan has previews, and `feature` a commit."""

    def __init__(self, folder: Path, text: str = "") -> None:
        super().__init__(folder)
        self.world.have("caddy:2")
        git(self.path, "switch", "--quiet", "main")
        self.commit("previews", text or plan())
        git(self.path, "switch", "--quiet", "--create", "feature")
        self.head = self.commit("one")

    def want(self, head: str = "", number: int = 7, branch: str = "feature") -> Preview:
        return want_open(self.ctx, "shop", number, branch, head or self.head)

    def do(self, preview: Preview, *, dies: Death | None = None, force: bool = False) -> None:
        ctx = self.world.controller(dies=dies)
        bring_about(ctx, preview, lambda preview: self.repository, parse_plan, force=force)

    def tick(self, dies: Death | None = None) -> None:
        """As `shipway tick` does it."""
        for item in to_do(self.world.controller()):
            with suppress(LeaseHeld, PreviewFull):
                self.do(item, dies=dies)

    def made(self, number: int = 7) -> Preview:
        self.do(self.want(number=number))
        return self.known(number)

    def known(self, number: int = 7) -> Preview:
        return require_preview(self.ctx, "shop", number)

    def serves(self, host: str = ADDRESS[0]) -> int | None:
        """The release that visitors reach; None: none."""
        try:
            return self.world.edge.request(host, 80, "/")[0]
        except ConnectionRefusedError:
            return None

    def left(self) -> dict[str, object]:
        """All that there is of previews."""
        engine = self.world.runtime
        return {
            "containers": [name for name, item in engine.containers.items() if "pr-" in item.info.labels.get(LABEL_ENVIRONMENT, "")],
            "volumes": [name for name in engine.volumes if "_pr-" in name],
            "networks": [name for name in engine.networks if "_pr-" in name],
            "routes": [*self.world.edge.tables, *self.world.edge.pages],
            "secrets": [*self.ctx.secrets.names("shop/pr-7")],
            "records": self.ctx.ledger.previews(),
            "pending": self.ctx.ledger.pending("shop", "pr-7"),
        }  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path)
    yield made
    made.world.close()
