"""`shipway infra`: the protected branch's code, exactly the approved plan, and outputs that become configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import refused_plan
from shipway.actions.provisioning.dns import plan_dns
from shipway.actions.provisioning.infra import apply_infra, drift_of, plan_infra, take_outputs, unfinished
from shipway.app import plan_parser
from shipway.domain.errors import InfraError, SecretError, UsageError
from shipway.domain.infra import Output
from shipway.domain.plan import Host
from shipway.domain.provision import FAILED, SUCCEEDED
from shipway.domain.provisioned import NO_HOST
from shipway.domain.rules import InForce, RuleSet
from tests.unit.actions.provisioning.place import PLAN, URL, Place, by_ssh


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    by_ssh(tmp_path, monkeypatch)
    made = Place(tmp_path)
    yield made
    made.world.close()


def planned_and_applied(place: Place, confirmed: str | None = None) -> None:
    apply_infra(place.governed(), plan_infra(place.governed()).short_digest, confirmed=confirmed)


def test_outputs_become_hosts_records_and_secrets_without_retyping(place: Place) -> None:
    before = place.governed()
    assert before.environment.hosts == (Host(NO_HOST),)
    rules = InForce("production", RuleSet("main", "protected", "production", before.plan))
    assert refused_plan(rules, before.plan) == [
        "the hosts of production come from its infrastructure, which was never applied"
    ]
    planned_and_applied(place)
    assert place.secrets == {"CLOUD_TOKEN": "value-of-CLOUD_TOKEN"}
    after = place.governed()
    assert after.environment.hosts == (Host("ssh://deploy@192.0.2.10"),)
    assert refused_plan(InForce("production", RuleSet("main", "protected", "production", after.plan)), after.plan) == []
    assert "shop.example 300s A 192.0.2.10 (url)" in plan_dns(after).text
    assert place.world.secrets(place.world.ledger).get("shop/production", "DATABASE_URL") == URL
    (record,) = place.world.ledger.provisions("shop", "production", "infra")
    assert (record.outcome, record.revision) == (SUCCEEDED, after.revision)
    assert record.outputs == {"hosts": ("ssh://deploy@192.0.2.10",), "addresses": ("192.0.2.10",)}
    assert "correct-horse" not in str(record)


def test_the_code_is_that_of_the_protected_branch(place: Place) -> None:
    """Not what lies in the folder, what is committed there, or what was pushed to another branch."""
    place.push({"infra/main.tf": "feature", "shipway.yaml": PLAN.replace("eu", "us")}, branch="feature")
    (place.work / "infra/main.tf").write_text("working tree")
    planned_and_applied(place)
    assert set(place.code) == {"protected"}
    assert "the plan of this folder has other infra" in "\n".join(place.world.notes)


def test_a_plan_of_other_code_or_settings_is_not_applied(place: Place) -> None:
    plan = plan_infra(place.governed())
    place.push({"infra/main.tf": "newer"})
    with pytest.raises(InfraError, match="has other code or other settings than the plan") as caught:
        apply_infra(place.governed(), plan.digest)
    assert caught.value.hint == "plan again: shipway infra production plan"
    assert place.infra.state == {}
    planned_and_applied(place)
    assert place.code[-1] == "newer"


def test_only_the_approved_plan_is_applied_and_only_once(place: Place) -> None:
    first = plan_infra(place.governed())
    place.infra.code["server.web"] = "two"
    second = plan_infra(place.governed())
    with pytest.raises(InfraError, match="the stored plan is not that of"):
        apply_infra(place.governed(), first.digest)
    home = place.context().home
    stored = home / "infra/shop/production/plan"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    kept = stored.read_text()
    stored.write_text(kept.replace("two", "six"))
    with pytest.raises(InfraError, match="the stored plan is not that of"):
        apply_infra(place.governed(), second.digest)
    stored.write_text(kept)
    apply_infra(place.governed(), second.digest)
    with pytest.raises(InfraError, match="no plan of production is stored"):
        apply_infra(place.governed(), second.digest)


def test_a_stale_plan_and_a_locked_state_change_nothing(place: Place) -> None:
    plan = plan_infra(place.governed())
    place.infra.serial += 1
    with pytest.raises(InfraError, match="stale"):
        apply_infra(place.governed(), plan.digest)
    (record,) = place.world.ledger.provisions("shop", "production", "infra")
    assert (record.outcome, "stale" in record.message) == (FAILED, True)
    place.infra.locked = "who ada@laptop"
    with pytest.raises(InfraError, match=r"locked \(who ada@laptop\)"):
        plan_infra(place.governed())
    assert place.infra.state == {}


def test_hosts_stay_known_after_many_failures(place: Place) -> None:
    planned_and_applied(place)
    ledger = place.world.ledger
    (record,) = ledger.provisions("shop", "production", "infra")
    for _ in range(21):
        ledger.end_provision(ledger.begin_provision(record), 2.0, FAILED)
    assert place.governed().environment.hosts == (Host("ssh://deploy@192.0.2.10"),)


def test_data_is_destroyed_only_with_the_name_typed(place: Place) -> None:
    planned_and_applied(place)
    del place.infra.code["thing.database"]
    plan = plan_infra(place.governed())
    for confirmed in (None, "staging", ""):
        with pytest.raises(UsageError, match=r"this destroys thing\.database of production") as caught:
            apply_infra(place.governed(), plan.digest, confirmed=confirmed)
        assert caught.value.hint == "pass --confirm production to proceed"
    assert "thing.database" in place.infra.state
    apply_infra(place.governed(), plan.digest, confirmed="production")
    assert "thing.database" not in place.infra.state


def test_what_the_plan_protects_needs_the_name_too(place: Place) -> None:
    place.push({"shipway.yaml": PLAN.replace("      variables:", "      protect: [server.*]\n      variables:")})
    planned_and_applied(place)
    place.infra.code["server.web"] = "another"
    plan = plan_infra(place.governed())
    with pytest.raises(UsageError, match=r"server\.web"):
        apply_infra(place.governed(), plan.digest)


def test_destroy_needs_the_name_and_leaves_no_hosts(place: Place) -> None:
    planned_and_applied(place)
    plan = plan_infra(place.governed(), destroy=True)
    with pytest.raises(UsageError, match="this destroys all infrastructure of production, with its data"):
        apply_infra(place.governed(), plan.digest)
    apply_infra(place.governed(), plan.digest, confirmed="production")
    assert place.infra.state == {}
    assert place.governed().environment.hosts == (Host(NO_HOST),)


def test_a_missing_output_is_told_before_anything_is_made(place: Place) -> None:
    del place.infra.results["database_url"]
    with pytest.raises(InfraError, match="the code has no output database_url"):
        plan_infra(place.governed())
    assert place.infra.state == {}


def test_a_sensitive_output_is_no_list_of_hosts(place: Place) -> None:
    place.infra.results["hosts"] = Output(["ssh://deploy@192.0.2.10"], sensitive=True)
    with pytest.raises(InfraError, match="the output hosts is sensitive"):
        planned_and_applied(place)
    place.infra.outputs_now["hosts"] = Output(["ssh://-oProxyCommand=x"])
    with pytest.raises(InfraError, match="hosts is no list of hosts"):
        take_outputs(place.governed())
    place.infra.outputs_now["hosts"] = Output(["ssh://deploy@192.0.2.10"])
    take_outputs(place.governed())
    assert place.governed().environment.hosts == (Host("ssh://deploy@192.0.2.10"),)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("addresses", ["192.0.2.10", "lb.cloud.example"], r"addresses is no list of IP addresses: 'lb\.cloud\.example'"),
        ("hosts", [{"host": "ssh://deploy@192.0.2.10", "address": "web.internal"}], r"hosts is no list of hosts: .*web\.int"),
        ("hosts", [{"host": "ssh://deploy@192.0.2.10", "address": "0.0.0.0"}], "hosts is no list of hosts: .*public"),
    ],
)  # fmt: skip
def test_outputs_that_are_no_addresses_are_refused(place: Place, name: str, value: list[object], message: str) -> None:
    place.infra.results[name] = Output(value)
    with pytest.raises(InfraError, match=message):
        planned_and_applied(place)
    (record, *_) = place.world.ledger.provisions("shop", "production", "infra")
    assert record.outcome == FAILED


def test_a_death_during_apply_is_completed_by_the_next_plan(place: Place) -> None:
    plan = plan_infra(place.governed())
    place.infra.dies = True
    with pytest.raises(KeyboardInterrupt):
        apply_infra(place.governed(), plan.digest)
    assert len(place.infra.state) == 1
    assert unfinished(place.governed()) is None, "it ended, as failed"
    with pytest.raises(InfraError, match="stale"):
        apply_infra(place.governed(), plan.digest)
    planned_and_applied(place)
    assert len(place.infra.state) == 2


def test_drift_is_shown(place: Place) -> None:
    planned_and_applied(place)
    assert drift_of(place.governed()) == []
    place.infra.real["server.web"] = "changed"
    assert [item.address for item in drift_of(place.governed())] == ["server.web"]


def test_a_folder_that_leads_out_of_the_repository_is_refused(place: Place) -> None:
    for folder, change in (("nosuch", None), ("link", "link")):
        if change:
            (place.work / "link").symlink_to("/etc")
        place.push({"shipway.yaml": PLAN.replace("folder: infra", f"folder: {folder}")})
        with pytest.raises(UsageError, match=f"has no folder {folder}"):
            plan_infra(place.governed())


def test_a_missing_secret_is_named(place: Place) -> None:
    place.world.secrets(place.world.ledger).remove("shop/production", "CLOUD_TOKEN")
    with pytest.raises(SecretError, match="needs CLOUD_TOKEN"):
        plan_infra(place.governed())
    assert place.code == []


def test_a_feature_branch_can_not_take_hosts_of_the_infrastructure_for_another_environment(place: Place) -> None:
    planned_and_applied(place)
    ctx = place.context()
    other = PLAN.replace("  production:", "  preview:")
    assert plan_parser(ctx)(other, "shipway.yaml", lambda path: True).environments["preview"].hosts == (Host(NO_HOST),)
