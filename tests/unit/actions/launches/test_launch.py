"""A launch over a real git and a world in memory: killed at every effect, it goes on, and never opens untested."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy, execute
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.launches import launching, prepare, steps
from shipway.actions.launches import system_test as real_system_test
from shipway.actions.launches.launch import launch, preview
from shipway.actions.launches.launching import Launching, LaunchRequest
from shipway.actions.launches.provision import Infrastructure
from shipway.actions.launches.seed import seed_again
from shipway.actions.projects.in_force import read_rules
from shipway.actions.provisioning.in_force import Governed
from shipway.actions.provisioning.infra import apply_infra, plan_infra
from shipway.actions.provisioning.outputs import with_outputs
from shipway.actions.upkeep.destroy import destroy
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Backups
from shipway.domain.container import LABEL_ROLE, ContainerSpec
from shipway.domain.errors import DeployFailed, EdgeError, GateRefused, SecretError, StepFailed, TimedOut, UsageError
from shipway.domain.host_location import HostLocation
from shipway.domain.infra import Output
from shipway.domain.launch import StepState
from shipway.domain.plan import Plan
from shipway.domain.provisioned import Dns
from shipway.domain.record import to_data
from shipway.domain.release import Evidence
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.system_test import FAILED, KIND, PASSED, Result, SystemTest
from shipway.system.git import Repository
from shipway.system.probe import Probe
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from shipway.testing.memory_infra import MemoryInfra
from shipway.testing.secrets_provider import MemoryProvider
from tests.unit.actions.deployments.host_deployment import parse_plan
from tests.unit.domain import samples
from tests.unit.system.repositories import repository
from tests.unit.system.test_git import git
from tests.unit.world import World

HOST, PORT = "staging.localhost", 8080
ENVIRONMENT: dict[str, Any] = {
    "on": {"branch": "staging"}, "url": f"http://{HOST}:{PORT}", "secrets": ["SECRET_KEY"],
    "seed": {"service": "web", "run": "fill", "each": "environment"},
}  # fmt: skip
IMAGE = f"registry/shop/web@sha256:{1:064d}"
WEB = {"image": "caddy:2", "port": 80, "route": "/", "health": "/healthz"}


class Place:
    """A repository on its branch staging, and a world in which nothing runs."""

    def __init__(self, folder: Path, hosts: tuple[str, ...] = ("local",)) -> None:
        self.folder = folder
        self.world = World(folder / "world", hosts)
        self.text = json.dumps(
            {"app": "shop", "services": {"web": WEB}, "environments": {"staging": {**ENVIRONMENT, "hosts": hosts}}}
        )
        self.path = repository(folder / "work", {"shipway.yaml": self.text})
        git(self.path, "switch", "--quiet", "--create", "staging")
        self.plan = parse_plan(self.text, "shipway.yaml", None)
        self.world.secrets(self.world.ledger).set("shop/staging", "SECRET_KEY", "a-secret-key")
        self.world.images.public.add(IMAGE)
        self.passes = True

    def request(self, ctx: Context, **more: Any) -> LaunchRequest:
        repository = Repository(self.path)

        def rules(record: bool) -> Any:
            return read_rules(ctx, repository, self.plan, parse_plan, record=record)

        commit = repository.commit("HEAD")
        return LaunchRequest(self.plan, "staging", repository, commit, "refs/heads/staging", rules, **more)

    def launch(self, world: World | None = None, *, dies: Death | None = None, **more: Any) -> list[StepState]:
        ctx = (world or self.world).controller(dies=dies)
        return launch(ctx, self.request(ctx, **more))

    def seen(self, world: World, host: str = "local") -> str:
        """What a visitor of a host gets: nothing, the page, or the site."""
        try:
            release, text = world.engines[host].edge.request(HOST, PORT, "/")
        except ConnectionRefusedError:
            return "nothing"
        return "site" if release else "page" if text else "nothing"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path)
    without_an_engine(made, monkeypatch)
    yield made
    made.world.close()


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The same on two hosts."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path, ("local", "ssh://b"))
    without_an_engine(made, monkeypatch)
    yield made
    made.world.close()


def without_an_engine(made: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds and system tests need one."""

    def build(ctx: Context, repository: Repository, commit: Any, plan: Plan, *rest: object) -> int:
        if all(item.plan != plan for item in ctx.ledger.releases_of("shop", commit.tree)):
            release = replace(
                samples.release(), images={"web": IMAGE}, plan=plan, tree=commit.tree, revision=commit.revision,
                schema=None, digest="",
            )  # fmt: skip
            ctx.ledger.add_release(release)
        return 1

    def system_test(ctx: Context, app: str, environment: str, in_force: object) -> SystemTest:
        now = ctx.ledger.current(app, environment)
        assert now is not None
        result = Result("check", PASSED if made.passes else FAILED, "seen", "do this")
        found = SystemTest(app, environment, "", now.release, "", ctx.clock(), 1.0, (result,))
        data = json.dumps(to_data(found))
        ctx.ledger.add_evidence(Evidence(app, now.release, environment, KIND, "", found.passed, data, ctx.clock()))
        return found

    monkeypatch.setattr(steps, "build", build)
    monkeypatch.setattr(steps, "system_test", system_test)


def states(found: list[StepState]) -> dict[str, str]:
    return {item.name: item.state for item in found}


def seeds(world: World) -> list[str]:
    return [item.outcome for item in world.ledger.launch_records("shop", "staging") if item.step == "seed"]


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


def test_it_stays_closed_until_the_system_test_passes(place: Place) -> None:
    place.passes = False
    with pytest.raises(DeployFailed, match="1 failed") as caught:
        place.launch()
    assert "shipway launch staging" in caught.value.hint
    assert place.seen(place.world) == "page"
    assert place.world.edge.request(HOST, PORT, "/", inside=True)[0] == 1, "the test gets past it"
    place.passes = True
    done = states(place.launch())
    assert (done["deployment"], done["system test"], done["open"]) == ("done", "succeeded", "succeeded")
    assert place.seen(place.world) == "site"


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


def change(place: Place, old: str, new: str) -> None:
    """Commit another plan, here and to the branch with the rules."""
    text = place.text.replace(old, new)
    assert text != place.text
    (place.path / "shipway.yaml").write_text(text)
    git(place.path, "commit", "--quiet", "--all", "--message", "two")
    main = next(path.name for path in (place.path / ".git" / "refs" / "heads").iterdir() if path.name != "staging")
    git(place.path, "branch", "--quiet", "--force", main, "HEAD")
    place.plan = parse_plan(text, "shipway.yaml", None)


def seen_at(world: World, name: str, host: str = "local") -> str:
    try:
        return "site" if world.engines[host].edge.request(name, PORT, "/")[0] else "page"
    except ConnectionRefusedError:
        return "nothing"


@pytest.mark.parametrize(
    "url", [f'"url": "http://new.localhost:{PORT}"', f'"aliases": ["new.localhost"], "url": "http://{HOST}:{PORT}"']
)
def test_a_corrected_name_is_behind_the_page_too_at_each_moment(
    place: Place, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.passes = False
    with pytest.raises(DeployFailed, match="1 failed"):
        place.launch()
    change(place, f'"url": "http://{HOST}:{PORT}"', url)
    edge, seen = place.world.edge, set[str]()

    def watched(method: Callable[..., None]) -> Callable[..., None]:
        def call(*given: object) -> None:
            method(*given)
            seen.update((seen_at(place.world, HOST), seen_at(place.world, "new.localhost")))

        return call

    with monkeypatch.context() as patch:
        for name in ("maintain", "switch"):
            patch.setattr(edge, name, watched(getattr(edge, name)))
        with pytest.raises(DeployFailed, match="1 failed"):
            place.launch()
    assert "page" in seen
    assert "site" not in seen
    assert seen_at(place.world, "new.localhost") == "page"
    place.passes = True
    place.launch()
    assert seen_at(place.world, "new.localhost") == "site"


def test_its_page_keeps_out_whom_access_keeps_out_from_the_first_moment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(place, '"on": {', '"access": {"allow": ["198.51.100.0/24"]}, "on": {')
    edge, seen = place.world.edge, list[int]()

    def watched(method: Callable[..., None]) -> Callable[..., None]:
        def call(*given: object) -> None:
            method(*given)
            seen.append(edge.ask(HOST, PORT, "/").status)

        return call

    for name in ("maintain", "switch"):
        monkeypatch.setattr(edge, name, watched(getattr(edge, name)))
    place.launch()
    assert seen == [403, 403, 403], "the page, the routes, and the end of the page"


def test_what_was_deployed_since_the_test_stays_closed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a push, while the first backup was taken."""

    def meanwhile(step: object) -> str:
        release = replace(place.world.ledger.releases("shop")[0], number=0, run=2, digest="", tree="another")
        again = place.world.ledger.add_release(release)
        environment = again.plan.environments["staging"]
        deploy(place.world.controller(), DeployRequest(again, replace(environment, environment={"A": "b"})))
        return "taken"

    monkeypatch.setattr(steps.FirstBackup, "needed", lambda step: "there is none")
    monkeypatch.setattr(steps.FirstBackup, "run", meanwhile)
    with pytest.raises(DeployFailed, match="it did not run for this deployment") as caught:
        place.launch()
    assert caught.value.hint == "shipway launch staging"
    assert place.seen(place.world) == "page"


def test_a_further_host_is_behind_the_page_too(two: Place) -> None:
    change(two, '["local", "ssh://b"]', '["local"]')
    two.passes = False
    with pytest.raises(DeployFailed, match="1 failed"):
        two.launch()
    two.text = (two.path / "shipway.yaml").read_text()
    change(two, '["local"]', '["local", "ssh://b"]')
    with pytest.raises(DeployFailed, match="1 failed"):
        two.launch()
    assert [two.seen(two.world, host) for host in ("local", "ssh://b")] == ["page", "page"]


@pytest.mark.every_point
def test_two_hosts_open_both_whenever_it_is_killed(two: Place) -> None:
    hosts = ("local", "ssh://b")
    counting = Death(0, after=False)
    two.launch(two.world.copy(two.folder / "count"), dies=counting)
    for at in range(counting.effects - 12, counting.effects + 1):
        world = two.world.copy(two.folder / f"world-{at}")
        with pytest.raises(Killed):
            two.launch(world, dies=Death(at, after=False))
        world.now += 60.0
        two.launch(world)
        assert [two.seen(world, host) for host in hosts] == ["site", "site"], at
        world.close()


def test_another_command_deploys_behind_the_page_too(place: Place) -> None:
    """As a push does, after the deployment of a launch was taken back."""
    place.world.runtime.behave("*_job_*", Behaviour(exit_code=1))
    with pytest.raises(StepFailed):
        place.launch()
    place.world.runtime.behave("*_job_*", Behaviour(exit_code=0))
    (release,) = place.world.ledger.releases("shop")
    deploy(place.world.controller(), DeployRequest(release, release.plan.environments["staging"]))
    assert place.seen(place.world) == "page"
    place.launch()
    assert place.seen(place.world) == "site"
    destroy(place.world.controller(), release.plan, release.plan.environments["staging"], volumes=True)
    deploy(place.world.controller(), DeployRequest(release, release.plan.environments["staging"]))
    assert place.seen(place.world) == "site", "destroyed since: nobody launches it"


SETTINGS = {"launch": {"index": False}}


def pushed(place: Place, launch_settings: dict[str, Any], *, rules: dict[str, Any] | None = None) -> None:
    """Deploy a release as a push does, without a launch, by rules that may differ."""
    text = json.loads(place.text)
    text["environments"]["staging"] |= launch_settings
    commit = replace(Repository(place.path).commit("HEAD"), tree=f"tree{len(place.world.ledger.releases('shop'))}")
    place.plan = parse_plan(json.dumps(text), "shipway.yaml", None)
    build: Any = steps.build
    build(place.world.controller(), None, commit, place.plan)
    (release,) = place.world.ledger.releases_of("shop", commit.tree)
    protected = json.loads(place.text)
    protected["environments"]["staging"] |= rules if rules is not None else launch_settings
    rule_set = RuleSet("main", "protected", "staging", parse_plan(json.dumps(protected), "shipway.yaml", None))
    order = DeployRequest(release, place.plan.environments["staging"], in_force=InForce("staging", rule_set))
    execute(place.world.controller(), order)


@pytest.mark.parametrize(("own", "rules"), [(SETTINGS, SETTINGS), (SETTINGS, {}), ({}, SETTINGS)])
def test_what_is_to_be_launched_is_deployed_behind_the_page_by_a_push_too(
    place: Place, own: dict[str, Any], rules: dict[str, Any]
) -> None:
    """Also by a commit that drops the settings: those of the rules count."""
    pushed(place, own, rules=rules)
    assert place.seen(place.world) == "page"
    assert "shipway launch staging tests and opens it" in "\n".join(place.world.notes)
    (record,) = [item for item in place.world.ledger.launch_records("shop", "staging") if item.step != "seed"]
    assert (record.step, record.outcome) == ("deployment", "pending")
    pushed(place, own, rules=rules)
    assert place.seen(place.world) == "page", "the next push opens it as little"


def test_a_launch_opens_what_a_push_deployed(place: Place) -> None:
    change(place, '"url"', '"launch": {"index": false}, "url"')
    place.text = (place.path / "shipway.yaml").read_text()
    pushed(place, {})
    assert place.seen(place.world) == "page"
    assert states(place.launch())["open"] == "succeeded"
    assert place.seen(place.world) == "site"
    pushed(place, {})
    assert place.seen(place.world) == "site", "it is launched: pushes deploy as usual"


def test_what_already_serves_gets_no_page(place: Place) -> None:
    pushed(place, {})
    assert place.seen(place.world) == "site"
    pushed(place, SETTINGS)
    assert place.seen(place.world) == "site"
    release = place.world.ledger.releases("shop")[0]
    destroy(place.world.controller(), release.plan, release.plan.environments["staging"], volumes=True)
    pushed(place, SETTINGS)
    assert place.seen(place.world) == "page", "after a destroy it is to be launched again"


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


class OnInfrastructure:
    """`place` with hosts that come from its infrastructure, in memory."""

    def __init__(self, place: Place, settings: dict[str, Any] | None = None) -> None:
        self.place = place
        self.infra = MemoryInfra({"server.web": "one"}, {"hosts": Output(["local"]), "bucket": Output("a-bucket")})
        given = {"outputs": {"hosts": "hosts"}, **(settings or {})}
        text = json.loads(place.text)
        del text["environments"]["staging"]["hosts"]
        text["environments"]["staging"] |= {"hosts": given["hosts"]} if "hosts" in given else {}
        text["environments"]["staging"]["infra"] = {"tool": "terraform", "folder": "infra", "outputs": given["outputs"]}
        (place.path / "shipway.yaml").write_text(json.dumps(text))
        (place.path / "infra").mkdir()
        (place.path / "infra/main.tf").write_text("")
        git(place.path, "add", ".")
        git(place.path, "commit", "--quiet", "--message", "infrastructure")
        git(place.path, "branch", "--force", "main", "HEAD")
        self.ctx = replace(place.world.controller(), infra=lambda settings, folder: self.infra)

    def parse(self, given: str, file: str, exists: object) -> Plan:
        return with_outputs(self.ctx, parse_plan(given, file, exists))

    def governed(self) -> Governed:
        plan, repository = (
            self.parse((self.place.path / "shipway.yaml").read_text(), "shipway.yaml", None),
            Repository(self.place.path),
        )
        revision = repository.commit("main").revision
        return Governed(self.ctx, plan, plan.environments["staging"], "main", revision, "staging", lambda: repository)

    def request(self) -> LaunchRequest:
        repository, plan = Repository(self.place.path), self.governed().plan

        def rules(record: bool) -> Any:
            return read_rules(self.ctx, repository, plan, self.parse, record=record)

        commit = repository.commit("HEAD")
        return LaunchRequest(
            plan, "staging", repository, commit, "refs/heads/staging", rules, any_address=True, governed=self.governed
        )


def test_hosts_come_from_infrastructure_that_the_launch_plans(place: Place) -> None:
    """A release that was built before them is built again."""
    own = OnInfrastructure(place)
    with pytest.raises(UsageError, match=r"waits for approval:\n\+ server\.web") as caught:
        launch(own.ctx, own.request())
    early = own.request()
    build: Any = steps.build
    build(own.ctx, early.repository, early.commit, early.plan)
    apply_infra(own.governed(), caught.value.hint.split("apply ")[1].split(";")[0])
    with pytest.raises(GateRefused, match=r"- release 1 was built before the infrastructure changed\n") as refused:
        Launching(own.ctx, own.request()).order()
    assert refused.value.hint == "shipway run staging; then: shipway deploy staging staging"
    done = states(launch(own.ctx, own.request()))
    assert (done["release"], done["open"]) == ("succeeded", "succeeded")
    assert place.seen(place.world) == "site"


def test_infrastructure_that_was_destroyed_after_the_launch_is_planned_again(two: Place) -> None:
    own = OnInfrastructure(two)
    apply_infra(own.governed(), plan_infra(own.governed()).digest)
    assert states(launch(own.ctx, own.request()))["open"] == "succeeded"
    assert set(states(launch(own.ctx, own.request())).values()) == {"done"}
    two.world.now += 1
    apply_infra(own.governed(), plan_infra(own.governed(), destroy=True).digest, confirmed="staging")
    two.world.now += 1
    assert Infrastructure(Launching(own.ctx, own.request())).needed() == "it was destroyed after the launch"
    with pytest.raises(UsageError, match=r"waits for approval:\n\+ server\.web") as caught:
        launch(own.ctx, own.request())
    own.infra.results["hosts"] = Output(["ssh://b"])
    apply_infra(own.governed(), caught.value.hint.split("apply ")[1].split(";")[0])
    two.passes = False
    with pytest.raises(DeployFailed, match="1 failed"):
        launch(own.ctx, own.request())
    assert two.seen(two.world, "ssh://b") == "page", "the new hosts are not tested yet"
    two.passes = True
    done = states(launch(own.ctx, own.request()))
    assert (done["infrastructure"], done["system test"], done["open"]) == ("done", "succeeded", "succeeded")
    assert two.seen(two.world, "ssh://b") == "site"
    assert seeds(two.world) == ["pending", "succeeded"] * 2
    assert set(states(launch(own.ctx, own.request())).values()) == {"done"}


def test_infrastructure_without_hosts_leaves_the_rest_launched(place: Place) -> None:
    own = OnInfrastructure(place, {"outputs": {"BUCKET": "bucket"}, "hosts": ["local"]})
    apply_infra(own.governed(), plan_infra(own.governed()).digest)
    launch(own.ctx, own.request())
    place.world.now += 1
    apply_infra(own.governed(), plan_infra(own.governed(), destroy=True).digest, confirmed="staging")
    with pytest.raises(UsageError, match="waits for approval"):
        launch(own.ctx, own.request())
    assert place.seen(place.world) == "site"
    apply_infra(own.governed(), plan_infra(own.governed()).digest)
    assert set(states(launch(own.ctx, own.request())).values()) == {"done"}
    assert seeds(place.world) == ["pending", "succeeded"]


def test_a_launch_that_took_the_hosts_asks_for_another_one(place: Place) -> None:
    own = OnInfrastructure(place)
    own.infra.state, own.infra.outputs_now = dict(own.infra.code), dict(own.infra.results)  # applied elsewhere
    with pytest.raises(UsageError, match="its hosts are known only now") as caught:
        launch(own.ctx, own.request())
    assert caught.value.hint == "launch again: shipway launch staging"
    assert states(launch(own.ctx, own.request()))["open"] == "succeeded"


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
