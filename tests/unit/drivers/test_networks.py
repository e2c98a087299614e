"""What an engine is asked about networks, by one that answers from a table."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.drivers.runtime import networks
from shipway.drivers.runtime.engine import Engine, EngineRefused


class Busy(Engine):
    """Has a network in which a container is; it lists that only when it has refused to remove the network `refusals` times."""

    def __init__(self, refusals: int, why: str = "network shop has active endpoints") -> None:
        super().__init__()
        self.refusals, self.why = refusals, why
        self.left: list[str] = []
        self.there = True

    def call(self, method: str, path: str, **given: Any) -> Any:
        if path.endswith("/disconnect"):
            self.left.append(given["body"]["Container"])
        elif method == "DELETE" and not self.left:
            self.refusals -= 1
            raise EngineRefused(self.why, 403)
        elif method == "DELETE":
            self.there = False
        elif self.there:
            return {"Name": "shop", "Containers": {"c1": {"Name": "web"}} if self.refusals <= 0 else {}}
        return None


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "PAUSE", 0.0)


def test_a_network_is_removed_though_its_engine_lists_a_container_late() -> None:
    engine = Busy(3)
    networks.EngineNetworks(engine).remove_network("shop")
    assert (engine.there, engine.left) == (False, ["web"])


def test_a_network_that_does_not_become_empty_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "GONE", 0.05)
    with pytest.raises(EngineRefused, match="active endpoints"):
        networks.EngineNetworks(Busy(1_000_000)).remove_network("shop")


def test_another_refusal_is_not_repeated() -> None:
    engine = Busy(3, "permission denied")
    with pytest.raises(EngineRefused, match="permission denied"):
        networks.EngineNetworks(engine).remove_network("shop")
    assert engine.refusals == 2
