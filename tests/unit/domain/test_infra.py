"""Plans of infrastructure: what is shown of them, which digest approves them, and what they may not destroy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shipway.domain.errors import InfraError
from shipway.domain.infra import (
    InfraPlan,
    Output,
    ResourceChange,
    attribute_lines,
    configured,
    lock_holder,
    taken,
)
from shipway.domain.plan import Environment, Host, Plan
from shipway.domain.provisioned import NO_HOST, Infra
from shipway.drivers.infra.data import holds_data

INFRA = Infra("terraform", "infra", outputs={"hosts": "hosts", "DATABASE_URL": "database_url"})
FOUND = {"hosts": Output(["ssh://a", "ssh://b"]), "database_url": Output("postgres://u:p@h/d", True)}


def test_no_sensitive_value_is_shown() -> None:
    change = {
        "before": {"size": 1, "password": "old-secret", "tags": {"a": "x"}, "nested": [{"key": "deep-secret"}]},
        "after": {"size": 2, "password": "new-secret", "tags": {"a": "y"}, "nested": [{"key": "deep-new"}]},
        "after_unknown": {"id": True},
        "before_sensitive": {"password": True, "nested": [{"key": True}]},
        "after_sensitive": {"password": True, "nested": [{"key": True}]},
    }
    lines = attribute_lines(change)
    assert lines == (
        "id: (known after apply)",
        "nested: (sensitive) → (sensitive)",
        "password: (sensitive) → (sensitive)",
        "size: 1 → 2",
        'tags: {"a": "x"} → {"a": "y"}',
    )
    assert attribute_lines({"before": None, "after": {"key": "secret"}, "after_sensitive": True}) == (
        "key: (sensitive)",
    )


@pytest.mark.parametrize(
    ("address", "kind", "action", "protect", "lost"),
    [
        ("aws_db_instance.main", "aws_db_instance", "destroy", (), True),
        ("module.data.hcloud_volume.uploads", "hcloud_volume", "replace", (), True),
        ("terraform_data.database", "terraform_data", "replace", (), True),
        ("aws_db_instance.main", "aws_db_instance", "update", (), False),
        ("hcloud_server.web[0]", "hcloud_server", "destroy", (), False),
        ("hcloud_server.web[0]", "hcloud_server", "destroy", ("hcloud_server.*",), True),
        ("hcloud_server.web[0]", "hcloud_server", "destroy", ("HCLOUD_SERVER*",), True),
    ],
)
def test_what_may_hold_data(address: str, kind: str, action: str, protect: tuple[str, ...], lost: bool) -> None:
    plan = InfraPlan((ResourceChange(address, kind, action, holds_data=holds_data(address, kind)),))
    assert plan.destroyed_data(protect) == ([address] if lost else [])


def test_a_digest_is_of_one_plan_file_one_commit_and_one_setting() -> None:
    plan = InfraPlan((ResourceChange("a.b", "a", "create"),), {}, "sha256:1", False, "abc", "terraform infra (1)")
    others: list[dict[str, Any]] = [
        {"content": "sha256:2"}, {"revision": "abd"}, {"destroy": True}, {"settings": "x"}, {"changes": ()},
    ]  # fmt: skip
    assert len({replace(plan, **other).digest for other in others} | {plan.digest}) == len(others) + 1
    assert plan.is_approved_by(plan.short_digest)
    assert not plan.is_approved_by(plan.short_digest[:8])


def test_outputs_become_configuration() -> None:
    found = taken(INFRA, FOUND)
    assert found.public == {"hosts": ("ssh://a", "ssh://b")}
    assert found.secrets == {"DATABASE_URL": "postgres://u:p@h/d"}
    private = {**FOUND, "hosts": Output([{"host": "ssh://a", "address": "10.0.0.1"}, "ssh://b"])}
    assert taken(INFRA, private).public["hosts"] == ("ssh://a 10.0.0.1", "ssh://b")
    assert taken(replace(INFRA, outputs={"PORTS": "p"}), {"p": Output([1, 2])}).secrets == {"PORTS": "[1, 2]"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hosts": None}, "no output hosts, which the plan takes"),
        ({"hosts": Output(["ssh://a"], True)}, "hosts is sensitive"),
        ({"hosts": Output([])}, "hosts is not a list of texts"),
        ({"hosts": Output([1])}, "hosts is not a list of texts"),
        ({"hosts": Output(None)}, "hosts is not a list of texts"),
        ({"database_url": Output(" ", True)}, "database_url is empty"),
        ({"database_url": Output(None, True)}, "database_url is empty"),
    ],
)
def test_outputs_that_are_missing_sensitive_or_empty(change: dict[str, Output | None], message: str) -> None:
    found = {name: value for name, value in {**FOUND, **change}.items() if value is not None}
    with pytest.raises(InfraError, match=message) as caught:
        taken(INFRA, found)
    assert caught.value.hint
    assert "postgres://" not in f"{caught.value} {caught.value.hint}"


def test_hosts_are_those_of_the_infrastructure() -> None:
    own = Environment("staging", "http://x", hosts=(Host("ssh://own"),))
    plan = Plan(
        "shop", {}, environments={"staging": own, "production": Environment("production", "http://y", infra=INFRA)}
    )
    made = configured(plan, lambda name: {"hosts": ("ssh://a 10.0.0.1", "ssh://b")})
    assert made.environments["production"].hosts == (Host("ssh://a", "10.0.0.1"), Host("ssh://b"))
    assert made.environments["staging"] == own
    before = configured(plan, lambda name: {})
    assert before.environments["production"].hosts == (Host(NO_HOST),), "never this machine instead"


def test_who_holds_the_lock_of_a_state() -> None:
    text = """
╷
│ Error: Error acquiring the state lock
│
│ Error message: resource temporarily unavailable
│ Lock Info:
│   ID:        4f6ab1ec
│   Path:      terraform.tfstate
│   Operation: OperationTypeApply
│   Who:       ada@laptop
│   Created:   2026-01-02 03:04:05 UTC
╵
"""
    assert (
        lock_holder(text)
        == "id 4f6ab1ec, operation OperationTypeApply, who ada@laptop, created 2026-01-02 03:04:05 UTC"
    )
    assert lock_holder("Error: no such file") is None
