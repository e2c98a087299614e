"""What a commit may do is never decided by that commit alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shipway.domain import approvals, gate, rules
from shipway.domain.authors import Authors
from shipway.domain.backups import Backups
from shipway.domain.cdn import Cdn
from shipway.domain.plan import (
    Accessory,
    Approvals,
    Check,
    Environment,
    Host,
    Plan,
    Proving,
    RegistryAccess,
    StepImage,
    Trigger,
)
from shipway.domain.provisioned import Dns, Infra
from shipway.domain.registration import AcceptedRules
from shipway.domain.routing import Access, Tls
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.secret_source import SecretSource
from shipway.domain.tasks import Schedule, Seed, Task
from tests.unit.domain.samples import PLAN, PRODUCTION, release

REVISION = "abcdef123456" + "0" * 28


def plan(base: Plan = PLAN, *, top: dict[str, Any] | None = None, **changed: Any) -> Plan:
    """The plan with another production."""
    return replace(
        base, environments={"production": replace(base.environments["production"], **changed)}, **(top or {})
    )


def in_force(protected: Plan | None, running: Plan | None = None, problem: str = "") -> InForce:
    return InForce(
        "production", RuleSet("main at 1234", "protected", "production", protected, problem),
        RuleSet("release 7, which runs there", "release 7", "production", running) if running else None,
    )  # fmt: skip


SOURCE = Approvals(2, not_author=True)
FREE = Approvals()


@pytest.mark.parametrize(
    ("protected", "running", "refused"),
    [
        (plan(), None, "needs 1 approval by someone other than its authors and has 0; its authors: no one"),
        (plan(approvals=FREE), None, ""),
        # Dropped in the very commit that is tagged on the protected branch: the release that runs still asks.
        (plan(approvals=FREE), plan(), "its authors: no one (a rule of release 7, which runs there)"),
        # Dropped where the release that runs never asked, and the protected branch does.
        (plan(), plan(approvals=FREE), "its authors: no one (a rule of main at 1234)"),
        (
            plan(approvals=SOURCE),
            plan(),
            "needs 2 approvals by someone other than its authors and has 0; its authors: no one (a rule of main at 1234)",
        ),
        (plan(approvals=FREE), plan(approvals=FREE), ""),
    ],
)
def test_approvals_are_asked_for_by_each_rule_set(protected: Plan, running: Plan | None, refused: str) -> None:
    found = gate.told_apart(
        in_force(protected, running), lambda item, environment: approvals.missing(environment.approvals, release(), [], Authors(), 0.0)
    )  # fmt: skip
    assert any(reason.endswith(refused) for reason in found) if refused else found == []


@pytest.mark.parametrize(
    ("triggers", "tags", "branches", "refused"),
    [
        ([Trigger(branch="main")], (), ("main",), []),
        ([Trigger(branch="main"), Trigger(branch="develop")], (), ("develop", "main"), []),
        ([Trigger(branch="main"), Trigger(branch="develop")], (), ("develop",), [
            "production accepts only revisions on branch 'main'; abcdef123456 is on develop (a rule of main at 1234)"]),
        ([Trigger(branches=("release/*", "main"))], (), ("release/1.0",), []),
        ([Trigger(branch="main", tag="v*", except_tags=("*-rc*",))], ("v1.0-rc1",), ("main",), [
            "production accepts only revisions with a tag like 'v*' except '*-rc*'; abcdef123456 has the tags v1.0-rc1"]),
        ([Trigger(manual=True)], (), (), []),
    ],
)  # fmt: skip
def test_where_a_revision_comes_from_by_each_rule_set(
    triggers: list[Trigger], tags: tuple[str, ...], branches: tuple[str, ...], refused: list[str]
) -> None:
    plans = [plan(trigger=trigger) for trigger in triggers]
    candidate = gate.Candidate(REVISION, tags, branches)
    found = in_force(plans[0], plans[1] if len(plans) > 1 else None)
    assert gate.told_apart(found, lambda item, environment: gate.refused_source(environment, candidate)) == refused


@pytest.mark.parametrize(
    ("tag", "tags", "version"),
    [
        ("v1.0.0", ("v0.9.0", "v1.0.0"), "v1.0.0"),
        ("v0.9.0", ("v0.9.0", "v1.0.0"), "v0.9.0"),  # the pushed one
        (None, ("v1.9.0", "v1.10.0"), "v1.10.0"),
        ("nightly", ("nightly", "v1.0.0"), "v1.0.0"),
        ("v2.0.0", ("v1.0.0",), "v1.0.0"),  # it points to another commit meanwhile
    ],
)
def test_the_pushed_tag_is_the_version(tag: str | None, tags: tuple[str, ...], version: str) -> None:
    assert gate.Candidate(REVISION, tags, ("main",), tag).version(PRODUCTION) == version


HOSTS = (Host("ssh://deploy@web1"),)
REACHING = [
    ("hosts ssh://deploy@web1", plan(hosts=HOSTS)),
    ("url http://other.example", plan(url="http://other.example")),
    ("registry ghcr.io/evil", plan(top={"registry": RegistryAccess("ghcr.io/evil")})),
    ("prove mode data", plan(top={"prove": Proving("data")})),
    (
        "external db OTHER_URL",
        plan(top={"accessories": {"db": Accessory("db", "postgres:15", "postgres", external="OTHER_URL")}}),
    ),
]


VAULT = SecretSource("vault", "https://vault.example", "secret/shop/production", {"KEY": "api#key"})
SOURCES = [
    (
        "address",
        replace(VAULT, place="https://evil.example"),
        "vault https://evil.example secret/shop/production: KEY = api#key",
    ),
    ("path", replace(VAULT, path="secret/root"), "vault https://vault.example secret/root: KEY = api#key"),
    ("key", replace(VAULT, names={"KEY": "root#password"}), "secret/shop/production: KEY = root#password"),
    (
        "one more",
        replace(VAULT, names={**VAULT.names, "ROOT": "root#password"}),
        "secret/shop/production: ROOT = root#password",
    ),
    ("all names", replace(VAULT, names={}), "secret/shop/production: every name"),
    ("ledger", replace(VAULT, ledger="override"), "secret/shop/production (ledger: override): KEY = api#key"),
    ("command", SecretSource("command", "onepassword"), "secrets from command onepassword: every name"),
    ("file", SecretSource("age", "secrets/production.age"), "secrets from age secrets/production.age: every name"),
]


@pytest.mark.parametrize(("own", "refused"), [item[1:] for item in SOURCES], ids=[item[0] for item in SOURCES])
def test_a_commit_reads_only_what_a_rule_set_lets_it_read_of_a_provider(own: SecretSource, refused: str) -> None:
    allowed, desired = plan(secrets_from=(VAULT,)), plan(secrets_from=(own,))
    for found in (in_force(allowed), in_force(allowed, allowed)):
        reasons = rules.refused_reach(desired, found)
        assert len(reasons) == 1
        assert reasons[0].endswith(f"{refused}: not in the rules in force")
        assert rules.refused_reach(allowed, found) == []
        assert rules.refused_reach(plan(), found) == [], "the ledger's own values are the environment's"
    assert rules.refused_reach(desired, in_force(allowed, desired)) == [], "the release that runs has it"


@pytest.mark.parametrize(("item", "own"), REACHING, ids=[item for item, _ in REACHING])
def test_a_commit_reaches_only_what_a_rule_set_allows(item: str, own: Plan) -> None:
    assert rules.refused_reach(own, in_force(plan())) == [f"{item}: not in the rules in force"]
    assert rules.refused_reach(own, in_force(plan(), plan())) == [f"{item}: not in the rules in force"]
    assert rules.refused_reach(own, in_force(own, plan())) == []  # the protected plan has it
    assert rules.refused_reach(own, in_force(plan(), own)) == []  # what runs has it


HELD = plan(
    dns=Dns("powerdns", "shop.example", secrets={"api_key": "DNS_KEY"}),
    infra=Infra("terraform", "infra", secrets=("CLOUD_TOKEN",), outputs={"DATABASE_URL": "url"}),
    cdn=Cdn("cloudfront", zone="z", token="CDN_TOKEN", key="CDN_KEY"),
    tls=Tls(certificate="CERTIFICATE", key="TLS_KEY"),
    access=Access(users="USERS"),
    backups=Backups("s3://shop", access_key="BACKUP_KEY"),
)
OWN = {
    "DNS_KEY": "dns", "CLOUD_TOKEN": "infra", "CDN_TOKEN": "cdn", "CDN_KEY": "cdn", "CERTIFICATE": "tls", "TLS_KEY": "tls",
    "USERS": "access", "BACKUP_KEY": "backups",
}  # fmt: skip


def giving(name: str, base: Plan) -> dict[str, Plan]:
    """By what gets the secret: the plan that gives it."""
    backend, accessory = base.services["backend"], next(iter(base.accessories.values()))
    services, cdn = {"backend": replace(backend, secrets=(name,))}, base.environments["production"].cdn
    assert cdn is not None
    task = Task("backend", "send", secrets=(name,))
    return {
        "service backend": plan(base, top={"services": services}),
        "all services": plan(base, secrets=(name,)),
        f"accessory {accessory.name}": plan(
            base, top={"accessories": {accessory.name: replace(accessory, secrets=(name,))}}
        ),
        "schedule send": plan(
            base, schedules={"send": Schedule("send", "backend", "send", "0 3 * * *", secrets=(name,))}
        ),
        "before_switch 1": plan(base, before_switch=(task,)),
        "after_deploy 1": plan(base, after_deploy=(task,)),
        "seed": plan(base, seed=Seed("backend", "fill", (name,))),
        "cdn": plan(base, cdn=replace(cdn, command=task)),
    }


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("user", giving("DNS_KEY", HELD))
def test_a_commit_gives_no_secret_of_shipways_own_to_a_container(name: str, user: str) -> None:
    own = giving(name, HELD)[user]
    expected = (
        f"secret {name}: by the rules in force Shipway itself uses it for {OWN[name]}, so no plan may give it to a "
        f"container, as to {user} here; use another name there"
    )
    for found in (in_force(HELD), in_force(plan(), HELD), in_force(own, HELD), in_force(own)):
        assert rules.refused_reach(own, found) == [expected]


def test_the_environments_other_secrets_are_the_commits() -> None:
    assert rules.refused_reach(plan(HELD, secrets=("DATABASE_URL",)), in_force(HELD)) == []
    registry = plan(HELD, top={"registry": RegistryAccess("ghcr.io/acme", "ci", "REGISTRY_PASSWORD")})
    services = plan(registry, secrets=("REGISTRY_PASSWORD",))
    assert rules.refused_reach(services, in_force(registry)) == [], "registries' secrets are none of an environment"
    elsewhere = replace(HELD.environments["production"], name="staging")
    both = replace(
        plan(secrets=("CDN_TOKEN",)), environments={**plan(secrets=("CDN_TOKEN",)).environments, "staging": elsewhere}
    )
    assert rules.refused_reach(both, in_force(both)) == [], "that of another environment has another value"


def test_masks_may_be_added_and_not_dropped() -> None:
    masked = plan(top={"prove": Proving(mask=("UPDATE users SET mail = ''",))})
    more = plan(top={"prove": Proving(mask=("UPDATE users SET mail = ''", "DELETE FROM logs"))})
    assert rules.refused_reach(plan(), in_force(masked)) == ["prove mask: \"UPDATE users SET mail = ''\" is missing"]
    assert rules.refused_reach(more, in_force(masked)) == []


def test_a_mask_that_is_added_comes_after_those_of_the_rules() -> None:
    mask = "UPDATE users SET mail = ''"
    masked, before = (
        plan(top={"prove": Proving(mask=item)}) for item in ((mask,), ("ALTER TABLE users RENAME TO hidden", mask))
    )
    assert rules.refused_reach(before, in_force(masked)) == [
        "prove mask: the masks of the rules in force must come first, in the same order"
    ]
    assert rules.refused_reach(before, in_force(before, masked)) == []


def test_the_rest_is_the_commits() -> None:
    own = plan(replicas={"backend": 9}, environment={"X": "1"}, standby=60.0, retain=1)
    assert rules.refused_reach(own, in_force(plan())) == []
    assert rules.differences(plan(), own, "production") == []


def check(run: str) -> Check:
    return Check("smoke", StepImage("curl"), run)


def test_checks_of_all_rule_sets_run_and_the_commits_own() -> None:
    old, new, own = (plan(top={"checks": {"smoke": check(run)}}, checks=("smoke",)) for run in ("old", "new", "true"))
    found = rules.required_checks(own, own.environments["production"], in_force(new, old))
    assert [item.run for item in found] == ["true", "old", "new"]
    none = plan(checks=())
    assert [item.run for item in rules.required_checks(none, none.environments["production"], in_force(new))] == ["new"]


@pytest.mark.parametrize(
    ("own", "protected", "running", "asked"),
    [(False, True, None, True), (False, False, True, True), (True, False, False, True), (False, False, False, False)],
)
def test_a_proof_is_asked_for_by_each(own: bool, protected: bool, running: bool | None, asked: bool) -> None:
    found = in_force(plan(prove=protected), plan(prove=running) if running is not None else None)
    mine = plan(prove=own)
    assert rules.asks_for_proof(mine, mine.environments["production"], found) is asked


def without_database(base: Plan = PLAN) -> Plan:
    return replace(plan(base), database=None)


def with_database(**changed: Any) -> Plan:
    assert PLAN.database is not None
    return replace(plan(), database=replace(PLAN.database, **changed))


PROVEN = "production accepts only releases with a rollback proof on the database 'db', but"


@pytest.mark.parametrize(
    ("own", "protected", "running", "refused"),
    [
        (without_database(), plan(), None, [f"{PROVEN} this plan has no `database`"]),
        # Dropped on the protected branch itself: the release that runs still asks.
        (without_database(), without_database(), plan(), [f"{PROVEN} this plan has no `database` (a rule of release 7, which runs there)"]),
        (without_database(), plan(), without_database(), [f"{PROVEN} this plan has no `database` (a rule of main at 1234)"]),
        (without_database(), without_database(), without_database(), []),
        (without_database(), plan(prove=False), plan(prove=False), []),
        (with_database(accessory="other"), plan(), plan(), [f"{PROVEN} the database of this plan is 'other'"]),
        (with_database(accessory="other"), with_database(accessory="other"), plan(), [
            f"{PROVEN} the database of this plan is 'other' (a rule of release 7, which runs there)"]),
        # By migrations of which none is pending: reviewed on the protected branch, or as what runs.
        (with_database(folder="empty"), plan(), plan(), ["database db, by alembic of backend, folder empty: not in the rules in force"]),
        (with_database(service="frontend"), plan(), plan(), ["database db, by alembic of frontend: not in the rules in force"]),
        (with_database(folder="moved"), with_database(folder="moved"), plan(), []),
        (with_database(folder="moved"), plan(), with_database(folder="moved"), []),
        (with_database(folder="moved"), plan(prove=False), None, []),
        (plan(), without_database(), without_database(), []),  # the first database
    ],
)  # fmt: skip
def test_a_plan_can_not_take_away_what_must_be_proven(
    own: Plan, protected: Plan, running: Plan | None, refused: list[str]
) -> None:
    assert gate.refused_proof(own, in_force(protected, running)) == refused


@pytest.mark.parametrize(
    ("protected", "problem", "reason"),
    [
        (
            None,
            "its shipway.yaml is not valid: …",
            "there are no rules for production: its shipway.yaml is not valid: …",
        ),
        (replace(PLAN, environments={}), "", "main at 1234 has no environment production"),
        (PLAN, "", ""),
    ],
)
def test_rules_that_are_not_there(protected: Plan | None, problem: str, reason: str) -> None:
    assert gate.refused_rules(in_force(protected, problem=problem)) == ([reason] if reason else [])


def accepted(new: Plan, *replaces: RuleSet) -> AcceptedRules:
    return AcceptedRules("shop", "production", new, tuple(item.mark for item in replaces), "eve", "renamed", 1.0)


def test_accepted_rules_stand_in_the_place_of_just_those_that_they_name() -> None:
    before, new = in_force(plan(), plan(approvals=SOURCE)), plan(approvals=FREE)
    assert before.running is not None
    decision = accepted(new, before.protected, before.running)
    for item in (before.protected, before.running):
        assert rules.accepted(item, [decision]).plan == new
    later = RuleSet("release 8", "release 8", "production", plan(approvals=SOURCE))
    assert rules.accepted(later, [decision]) == later  # another release, though with the same rules
    other = RuleSet("main at 5678", "protected", "production", plan(approvals=SOURCE))
    assert rules.accepted(other, [decision]) == other
    assert rules.accepted(before.protected, [decision, accepted(new)]) == before.protected  # only the newest counts


def test_an_acceptance_ends_when_the_protected_rules_change() -> None:
    protected = in_force(plan()).protected
    decision = accepted(plan(approvals=FREE), protected)
    assert not rules.is_outdated(protected, [decision])
    assert rules.is_outdated(replace(protected, plan=plan(approvals=SOURCE)), [decision])
    assert not rules.is_outdated(protected, [])


def test_rules_side_by_side() -> None:
    text = rules.side_by_side(
        [("this commit", plan(trigger=Trigger(branch="evil"), approvals=FREE)), ("main at 1234", plan())], "production"
    )
    assert text.splitlines() == [
        "rule       this commit  main at 1234",
        "on         branch evil  tag 'v*', branch main",
        "approvals  none         1, not author, expire 100.0",
    ]
    assert rules.side_by_side([("a", plan()), ("b", plan())], "production") == ""


def test_a_change_of_rules_is_one_line_a_key() -> None:
    assert rules.differences(plan(), plan(after=None), "production") == [
        "after: staging → none",
        "prove: required on db, by alembic of backend → off",
    ]
    assert rules.differences(None, replace(PLAN, environments={}), "production") == []


def test_same_rules_are_one_set() -> None:
    assert len(in_force(plan(), plan(replicas={"backend": 9})).sets) == 1
    assert len(in_force(plan(), plan(after=None)).sets) == 2


def test_an_environment_that_is_new_in_the_commit_has_no_rules() -> None:
    own = replace(
        PLAN, environments={"preview": Environment("preview", "http://preview.example", Trigger(branch="evil"))}
    )
    found = InForce("preview", RuleSet("main at 1234", "protected", "preview", PLAN))
    assert gate.refused_rules(found) == ["main at 1234 has no environment preview"]
    assert rules.refused_reach(own, found)
