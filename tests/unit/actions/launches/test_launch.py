"""A launch over a real git and a world in memory: killed at every effect, it goes on; secrets, seeds, and what refuses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from shipway.actions.launches import launching, prepare
from shipway.actions.launches import system_test as real_system_test
from shipway.actions.launches.launch import launch, preview
from shipway.actions.launches.launching import Launching
from shipway.actions.launches.seed import seed_again
from shipway.domain import names
from shipway.domain.backups import Backups
from shipway.domain.container import LABEL_ROLE, ContainerSpec
from shipway.domain.errors import EdgeError, GateRefused, SecretError, StepFailed, TimedOut, UsageError
from shipway.domain.host_location import HostLocation
from shipway.domain.provisioned import Dns
from shipway.system.probe import Probe
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from shipway.testing.secrets_provider import MemoryProvider
from tests.unit.actions.deployments.host_deployment import parse_plan
from tests.unit.actions.launches.place import HOST, IMAGE, PORT, Place, place, seeds, states
from tests.unit.system.test_git import git

__all__ = ["place"]


def test_from_nothing_to_open_and_nothing_the_second_time(place: Place) -> None:
    ctx = place.world.controller()
    before = states(preview(ctx, place.request(ctx)))
    assert before["release"] == before["deployment"] == before["open"] == "needed"
    assert before["secrets"] == before["hosts"] == "done"
    assert before["data"] == "needed", "the deployment seeds"
    asked_nothing = {name for name, state in before.items() if state == "not needed"}
    assert asked_nothing == {"infrastructure", "records", "certificate by DNS", "certificate", "backup"}
    assert place.world.ledger.registration("shop") is None, "a preview changes nothing"
    done = states(place.launch())
    assert done["deployment"] == done["system test"] == done["open"] == "succeeded"
    assert place.seen(place.world) == "site"
    assert seeds(place.world) == ["pending", "succeeded"]
    records, state = place.world.ledger.launch_records("shop", "staging"), place.world.state()
    assert set(states(place.launch()).values()) == {"done"}
    assert place.world.ledger.launch_records("shop", "staging") == records
    assert place.world.state() == state


@pytest.mark.every_point
def test_killed_at_every_effect_it_goes_on_and_never_opens_untested(place: Place) -> None:
    counting = Death(0, after=False)
    place.launch(place.world.copy(place.folder / "count"), dies=counting)
    assert counting.effects > 20
    for at in range(1, counting.effects + 1):
        for after in (False, True):
            world = place.world.copy(place.folder / f"world-{at}-{after}")
            with pytest.raises(Killed):
                place.launch(world, dies=Death(at, after=after))
            tested = [item.step for item in world.ledger.launch_records("shop", "staging") if item.step == "open"]
            assert place.seen(world) in (("page", "nothing") if not tested else ("page", "site")), (at, after)
            world.now += 60.0  # the lock of the dead one expires
            place.launch(world)
            assert place.seen(world) == "site", (at, after)
            assert world.serving() == {1}, (at, after)
            assert set(states(place.launch(world)).values()) == {"done"}, (at, after)
            world.close()


def test_missing_secrets_are_listed_with_their_commands(place: Place) -> None:
    place.world.secrets(place.world.ledger).remove("shop/staging", "SECRET_KEY")
    with pytest.raises(SecretError) as caught:
        place.launch()
    assert "shipway secret set staging SECRET_KEY" in caught.value.hint
    assert "--generate" in caught.value.hint
    assert place.seen(place.world) == "nothing"
    place.launch(generate=True)
    assert len(place.world.secrets(place.world.ledger).get("shop/staging", "SECRET_KEY") or "") > 30


def test_only_passwords_for_people_are_told(place: Place) -> None:
    told: list[str] = []
    environment = replace(
        place.plan.environments["staging"], secrets=("SECRET_KEY", "ADMIN_PASSWORD", "STRIPE_SECRET_KEY")
    )
    place.plan = replace(place.plan, environments={"staging": environment})
    place.world.secrets(place.world.ledger).remove("shop/staging", "SECRET_KEY")
    with pytest.raises(SecretError, match="lacks STRIPE_SECRET_KEY"):
        place.launch(generate=True, generated=lambda name, value: told.append(name))
    assert told == ["ADMIN_PASSWORD"]


def test_secrets_of_a_provider_are_not_asked_for_but_those_of_accounts_are(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --generate too: a random value would never be used, or would be no key of the account."""
    provider = MemoryProvider()
    provider.write({"SECRET_KEY": "of-the-provider", "SALT": "another"})
    text = json.loads(place.text)
    text["environments"]["staging"] |= {
        "secrets": ["SECRET_KEY", "SALT", "ADMIN_PASSWORD"],
        "secrets_from": [{"vault": "https://vault.example", "path": "secret/shop", "names": ["SECRET_KEY", "SALT"]}],
    }  # fmt: skip
    bare = place.plan = parse_plan(json.dumps(text), "shipway.yaml", None)
    backups, dns = (
        Backups("s3://backups/shop", access_key="KEY_ID"),
        Dns("route53", "example", secrets={"key": "SECRET"}),
    )
    with_accounts = replace(bare.environments["staging"], backups=backups, dns=dns)
    secrets = place.world.secrets(place.world.ledger)
    secrets.remove("shop/staging", "SECRET_KEY")
    ctx = replace(place.world.controller(), provider=lambda source, scope, content: provider)
    (place.path / "shipway.yaml").write_text(json.dumps(text))
    git(place.path, "commit", "--quiet", "--all", "--message", "providers")
    git(place.path, "branch", "--force", "main", "HEAD")
    place.plan = replace(bare, environments={"staging": with_accounts})
    monkeypatch.setattr(prepare, "refused_before", lambda *args, **more: None)  # the accounts are in no rules
    with pytest.raises(SecretError, match=r"lacks SECRET, KEY_ID$"):
        launch(ctx, place.request(ctx, generate=True))
    assert set(secrets.names("shop/staging")) == {"ADMIN_PASSWORD", "KEY"}
    place.plan = bare
    assert states(launch(ctx, place.request(ctx)))["open"] == "succeeded"
    assert secrets.get("shop/staging", "SECRET_KEY") == "of-the-provider"


def test_a_seed_that_fails_is_recorded_and_runs_again(place: Place) -> None:
    place.world.runtime.behave("*_job_*", Behaviour(("half of it",), exit_code=1))
    with pytest.raises(StepFailed, match="the seed `fill` exited with 1"):
        place.launch()
    assert seeds(place.world) == ["pending", "failed"]
    assert place.seen(place.world) != "site"
    place.world.runtime.behave("*_job_*", Behaviour(exit_code=0))
    place.launch()
    assert seeds(place.world) == ["pending", "failed", "pending", "succeeded"]
    seed_again(place.world.controller(), "shop", "staging")
    assert seeds(place.world)[4:] == ["pending", "succeeded"]


def test_a_system_test_removes_the_container_of_one_that_was_killed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.launch()
    runtime = place.world.controller().runtime
    runtime.create(ContainerSpec("shop_staging_check_1", IMAGE, names.labels("shop", "staging", "job", "smoke")))
    monkeypatch.setattr(real_system_test, "LOOKS", ())
    real_system_test.system_test(place.world.controller(), "shop", "staging")
    assert not runtime.list({LABEL_ROLE: "job"})


def test_a_system_test_says_that_another_release_was_deployed_meanwhile(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.launch()
    ctx = place.world.controller()
    now, release, where = real_system_test.serving(ctx, "shop", "staging")
    found = iter([(now, replace(release, number=7), where), (now, release, where)])
    monkeypatch.setattr(real_system_test, "serving", lambda *given: next(found))
    with pytest.raises(UsageError, match="release 1 was deployed to staging while release 7 was tested"):
        real_system_test.system_test(ctx, "shop", "staging")


def test_a_port_of_another_program(place: Place) -> None:
    ctx = place.world.controller()
    listens: Callable[..., Probe] = lambda *given: Probe(True, None, "it listens")  # noqa: E731
    ctx = replace(ctx, machine=replace(ctx.machine, probe_tcp=listens))
    with pytest.raises(EdgeError, match=f"another program listens on port {PORT}"):
        launch(ctx, place.request(ctx))
    assert not place.world.runtime.containers


def test_a_name_that_leads_elsewhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.actions.launches.prepare.resolved", lambda name: ["192.0.2.7"])
    given = json.loads(place.text)
    given["environments"]["staging"]["launch"] = {"wait": "20s"}
    place.plan = parse_plan(json.dumps(given), "shipway.yaml", None)
    with pytest.raises(TimedOut, match=f"after 20.0 s: {HOST} resolves to 192.0.2.7") as caught:
        place.launch()
    assert "--any-address" in caught.value.hint
    assert not place.world.runtime.containers
    place.launch(any_address=True)
    assert place.seen(place.world) == "site"


def test_names_that_lead_to_hosts_that_only_ssh_knows(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    text = place.text.replace('["local"]', '["ssh://web1"]').replace(HOST, "shop.example")
    place.plan = parse_plan(text, "shipway.yaml", None)
    known = {"shop.example": ["192.0.2.7"], "192.0.2.7": ["192.0.2.7"]}
    for module in (prepare, launching):
        monkeypatch.setattr(module, "resolved", lambda name: known.get(name, []))
    ctx = replace(place.world.controller(), locate=lambda name: HostLocation("192.0.2.7"))
    assert prepare.DnsNames(Launching(ctx, place.request(ctx))).needed() == ""
    # Behind a jump host that address may be another machine here: nothing is claimed.
    ctx = replace(ctx, locate=lambda name: HostLocation("192.0.2.7", 22, "the jump host gate"))
    problem = prepare.DnsNames(Launching(ctx, place.request(ctx))).needed()
    assert "shop.example resolves to 192.0.2.7, not to a known address of the hosts" in problem
    assert "ssh connects to ssh://web1 through the jump host gate" in problem


def test_a_commit_that_reaches_further_than_the_rules_is_refused_before_a_host_is_asked(place: Place) -> None:
    text = place.text.replace('["local"]', '["ssh://elsewhere"]')
    (place.path / "shipway.yaml").write_text(text)
    git(place.path, "commit", "--quiet", "--all", "--message", "elsewhere")
    place.plan = parse_plan(text, "shipway.yaml", None)
    asked: list[str] = []
    ctx = replace(place.world.controller(), connect=lambda name: asked.append(name))  # type: ignore[arg-type, return-value]
    with pytest.raises(GateRefused, match="hosts ssh://elsewhere: not in the rules in force"):
        launch(ctx, place.request(ctx))
    assert asked == []
