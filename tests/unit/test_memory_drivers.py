"""The drivers in memory fail on script and tell what was asked of them."""

from __future__ import annotations

import pytest

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_NAME, ContainerSpec
from shipway.domain.errors import EngineError
from shipway.testing.memory import Behaviour, MemoryRuntime


def spec(name: str) -> ContainerSpec:
    labels = {LABEL_APP: "a", LABEL_NAME: name.rstrip("12"), LABEL_CONFIG: "1"}
    return ContainerSpec(name, "image", labels, networks={"net": ()})


def test_calls_are_written_down() -> None:
    runtime = MemoryRuntime()
    runtime.ensure_network("net", {})
    identity = runtime.create(spec("web1"))
    runtime.start(identity)
    runtime.stop("web1", 3)
    assert runtime.calls == ["ensure_network net", "create web1", "start web1", "stop web1"]


def test_the_chosen_call_fails_before_or_after_its_effect() -> None:
    runtime = MemoryRuntime()
    runtime.fail("create", at=2, error=EngineError("before"))
    runtime.fail("create", at=3, error=EngineError("after"), after=True)
    runtime.create(spec("web1"))
    for name, message in (("web2", "before"), ("web3", "after")):
        with pytest.raises(EngineError, match=message):
            runtime.create(spec(name))
    assert sorted(runtime.containers) == ["web1", "web3"]
    runtime.create(spec("web2"))
    runtime.fail("create", error=EngineError("the next one"))
    with pytest.raises(EngineError, match="the next one"):
        runtime.create(spec("web4"))


def test_behaviour_by_name_label_or_image() -> None:
    runtime = MemoryRuntime()
    runtime.ensure_network("net", {})
    runtime.behave("image", Behaviour(healthy=False))
    runtime.behave("web", Behaviour(lines=("ready",)))
    runtime.behave("web2", Behaviour(exit_code=3, lines=("boom",)))
    for name in ("web1", "web2", "db1"):
        runtime.create(spec(name))
        runtime.start(name)
    found = {item.name: item for item in runtime.list({})}
    assert {name: item.state for name, item in found.items()} == {"web1": "running", "web2": "exited", "db1": "running"}
    assert runtime.wait("web2", 1) == 3
    assert list(runtime.logs("web2")) == ["boom"]
    addresses = {name: item.addresses["net"] for name, item in found.items()}
    assert addresses["web2"] == ""
    assert runtime.probe(addresses["web1"], 80, "/", 1).ok
    assert not runtime.probe(addresses["db1"], 80, "/", 1).ok
    assert not runtime.probe_tcp("10.9.9.9", 80, 1).ok
