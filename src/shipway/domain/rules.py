"""The rules in force: who may deploy what, where and how. A commit's own plan never decides what the commit may do.

Keys of a plan are of three kinds. *Admission* defines which releases an environment accepts: every rule set in force
must be met. *Reach* defines what a deployment affects outside of itself: each item must be in one of the rule sets in
force. All other keys are the commit's own. A new key of the first two kinds gets a line in ADMISSION or REACH.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shipway.domain import rights
from shipway.domain.launch import Launch
from shipway.domain.plan import Check, Database, Environment, Plan, Scenario, Trigger
from shipway.domain.provisioned import Dns, Infra
from shipway.domain.record import to_data
from shipway.domain.registration import AcceptedRules
from shipway.domain.release import digest_of
from shipway.domain.routing import Tls
from shipway.domain.value import dataclass

ACCEPTED = "accepted by"
NONE = "none"


@dataclass(frozen=True)
class RuleSet:
    """The rules of one plan for one environment."""

    source: str  # origin for messages: "release 12, which runs there"
    key: str  # for accepted rules: `protected`, or the release and the deployment since which it runs
    environment: str
    plan: Plan | None  # None if the plan can't be read
    problem: str = ""  # why it can't be read

    @property
    def rules(self) -> Environment | None:
        """The rules for the environment; None if the plan lacks it."""
        return self.plan.environments.get(self.environment) if self.plan else None

    @property
    def mark(self) -> str:
        """The rules' identity in an acceptance, which ends as soon as the replaced rules change."""
        return f"{self.key} {self.digest}"

    @property
    def digest(self) -> str:
        """A digest that is equal for equal rules."""
        return digest_of(keys_of(self.plan, self.environment))


@dataclass(frozen=True)
class InForce:
    """The rules in force for one environment."""

    environment: str
    protected: RuleSet
    running: RuleSet | None = None  # None if nothing runs there
    shown: str = ""  # the environment's present name, if it was renamed

    @property
    def called(self) -> str:
        """The environment's name for messages."""
        return self.shown or self.environment

    @property
    def replaced(self) -> str:
        """The key of the running release whose rules are replaced by accepted ones; "": none are."""
        return self.running.key if self.running and self.running.source.startswith(ACCEPTED) else ""

    @property
    def sets(self) -> tuple[RuleSet, ...]:
        """All rule sets that a deployment must meet, without duplicates."""
        if self.running is None or self.running.digest == self.protected.digest:
            return (self.protected,)
        return (self.running, self.protected)

    @property
    def environments(self) -> tuple[tuple[RuleSet, Environment], ...]:
        """The rule sets that have rules for the environment, with these rules."""
        return tuple((item, item.rules) for item in self.sets if item.rules is not None)


def accepted(found: RuleSet, decisions: Sequence[AcceptedRules]) -> RuleSet:
    """The accepted rules in place of these; only the newest decision counts."""
    if not decisions or found.mark not in decisions[-1].replaces:
        return found
    newest = decisions[-1]
    return RuleSet(f"{ACCEPTED} {newest.actor}: {newest.reason}", found.key, found.environment, newest.plan)


def is_outdated(protected: RuleSet, decisions: Sequence[AcceptedRules]) -> bool:
    """Whether the newest decision was about other rules of the protected plan: it must not apply again if they
    return."""
    named = [mark for mark in decisions[-1].replaces if mark.startswith(f"{protected.key} ")] if decisions else []
    return bool(named) and protected.mark not in named


# Admission: the text of each rule, for display and comparison.


def trigger_text(trigger: Trigger) -> str:
    """Describe a trigger, as in: tag v* except *-rc*, branch main."""
    if trigger.manual or not trigger.branches:
        return "manual"
    tag = [f"tag {tags_text(trigger)}"] if trigger.tag else []
    return ", ".join([*tag, f"branch {' or '.join(trigger.branches)}"])


def tags_text(trigger: Trigger) -> str:
    """Describe the tags that make a version, as in 'v*' except '*-rc*'."""
    versions = f" in {trigger.versions!r}" if trigger.versions else ""
    return f"{trigger.tag!r}{versions}" + "".join(f" except {item!r}" for item in trigger.except_tags)


def _approvals_text(environment: Environment) -> str:
    unused = ("count",) if environment.approvals.signed else ("count", "signers")
    data = {key: value for key, value in to_data(environment.approvals).items() if value and key not in unused}
    more = "".join(f", {key.replace('_', ' ')}" + ("" if value is True else f" {value}") for key, value in data.items())
    return f"{environment.approvals.count}{more}" if environment.approvals.count else "none"


def _check_text(check: Check) -> str:
    return f"{check.name} ({digest_of(to_data(check))[7:15]})"


def _proof_text(plan: Plan, environment: Environment) -> str:
    """Describe the proof rule, as in: required on db, by the tool of backend. Rules ignore a database without proofs."""
    if plan.database is None or not plan.asks_for_proof(environment):
        return "off"
    return f"required on {database_text(plan.database)}"


def database_text(database: Database) -> str:
    """Describe the proven database, and how its migrations are found and run."""
    file = database.file if database.file != database.accessory else None
    more = {"folder": database.folder, "contract": database.contract, "file": file}
    given = "".join(f", {key} {value}" for key, value in more.items() if value)
    commands = f" ({digest_of(to_data(database.commands))[7:15]})" if database.commands else ""
    return f"{database.accessory}, by {database.tool}{commands} of {database.service}{given}"


def _launch_text(plan: Plan, environment: Environment) -> str:
    defined = "".join(f", {item.name} is {digest_of(to_data(item))[7:15]}" for item in scenarios_of(plan, environment))
    return f"{environment.launch.text}{defined}"


def scenarios_of(plan: Plan, environment: Environment) -> tuple[Scenario, ...]:
    """The definitions of the scenarios that may run in the environment itself."""
    found = plan.prove.exercise
    return tuple(found[name] for name in environment.launch.scenarios if name in found)


def checks_of(plan: Plan, environment: Environment) -> tuple[Check, ...]:
    """The definitions of an environment's checks."""
    return tuple(plan.checks[name] for name in environment.checks if name in plan.checks)


def _backup_text(environment: Environment) -> str:
    required = environment.backups.require if environment.backups else None
    return f"before {required.before}, at most {required.max_age:g} s old" if required else "none"


ADMISSION: Mapping[str, Callable[[Plan, Environment], str]] = {
    "on": lambda plan, environment: trigger_text(environment.trigger),
    "after": lambda plan, environment: environment.after or "none",
    "approvals": lambda plan, environment: _approvals_text(environment),
    "prove": _proof_text,
    "checks": lambda plan, environment: ", ".join(map(_check_text, checks_of(plan, environment))) or "none",
    "required backup": lambda plan, environment: _backup_text(environment),
    # What must pass before visitors get in: see `launch_rules`.
    "launch": lambda plan, environment: _launch_text(plan, environment),
    "freeze": lambda plan, environment: "; ".join(item.text for item in environment.freeze) or NONE,
    "require": lambda plan, environment: environment.require.text or NONE,
    "hotfix": lambda plan, environment: f"{n} approvals" if (n := environment.hotfix.approvals) else NONE,
}
# Left out of the keys where a plan has none: digests that earlier versions recorded stay as they are.
LATER = frozenset({"freeze", "require", "hotfix"})

# Reach: the items of each key; a deployment may only use those of a rule set in force.

REACH: Mapping[str, Callable[[Plan, Environment], Sequence[str]]] = {
    "hosts": lambda plan, environment: [host.name for host in environment.hosts],
    # With the cluster and the namespace: a commit must not move to those of somebody else.
    "platform": lambda plan, environment: _platform_texts(environment),
    # Where accessories listen for the other hosts: 0.0.0.0 would expose them to everyone.
    "addresses": lambda plan, environment: [
        f"{host.name} {host.address}" for host in environment.hosts if host.address
    ],
    "published": lambda plan, environment: [
        f"{item.name} {item.published}" for item in plan.accessories.values() if item.published
    ],
    # Where data goes: a commit must not direct the services to another database.
    "external": lambda plan, environment: [
        f"{item.name} {item.external}" for item in plan.accessories.values() if item.external
    ],
    "url": lambda plan, environment: [environment.url],
    "host names": lambda plan, environment: [*environment.public_names[1:], *environment.redirects],
    # A commit must not open what is private, and a private environment's list of clients is no reason to narrow it either.
    "access": lambda plan, environment: [environment.access.text],
    "tls": lambda plan, environment: _tls_texts(environment),
    "trusted proxies": lambda plan, environment: environment.edge.trusted_proxies,
    # Used by operators' commands, with credentials: never as a commit says, see docs/security.md.
    "dns": lambda plan, environment: [provisioned_text(environment.dns)] if environment.dns else [],
    "infra": lambda plan, environment: [provisioned_text(environment.infra)] if environment.infra else [],
    # Whose caches are purged, with which secrets: a commit must not send a secret to an address of its own.
    "cdn": lambda plan, environment: [environment.cdn.reach] if environment.cdn else [],
    # A commit must not send the data elsewhere, let others read it, or delete older backups.
    "backups": lambda plan, environment: environment.backups.reach if environment.backups else [],
    "registry": lambda plan, environment: [plan.registry.address] if plan.registry else [],
    "prove mode": lambda plan, environment: [plan.prove.mode],
    # Which secrets of which provider: a commit must neither redirect nor extend what Shipway reads in its operator's name.
    "secrets from": lambda plan, environment: [text for item in environment.secrets_from for text in item.reach],
    "security": lambda plan, environment: rights.of_services(plan),
    "build secrets": lambda plan, environment: rights.of_builds(plan),
    "folders": lambda plan, environment: [
        f"{service.name} {volume.folder}"
        for service in plan.services.values()
        for volume in service.volumes.values()
        if volume.folder
    ],
}


def provisioned_text(settings: Dns | Infra) -> str:
    """Describe where records are kept or infrastructure is made, with a digest of all settings."""
    where = (
        f"{settings.provider} {settings.zone}" if isinstance(settings, Dns) else f"{settings.tool} {settings.folder}"
    )
    return f"{where.strip()} ({digest_of(to_data(settings))[7:15]})"


def _platform_texts(environment: Environment) -> list[str]:
    where = environment.cluster.text
    return [f"{environment.platform} ({where})" if where else environment.platform] if environment.platform else []


def _tls_texts(environment: Environment) -> list[str]:
    """The certificate issuer of the shared edge, and the proxies that it trusts."""
    given = {key: str(value) for key, value in to_data(environment.tls or Tls()).items() if value}
    return [f"{key} {value if len(value) < 100 else digest_of(value)}" for key, value in given.items()]


def keys_of(plan: Plan | None, environment: str) -> dict[str, str]:
    """All admission and reach keys as text; empty if the plan lacks the environment."""
    if plan is None or environment not in plan.environments:
        return {}
    where = plan.environments[environment]
    reach = {key: ", ".join(items(plan, where)) or "none" for key, items in REACH.items()}
    masks = {"prove mask": "; ".join(plan.prove.mask) or "none"}
    admission = {key: text(plan, where) for key, text in ADMISSION.items()}
    return {key: text for key, text in admission.items() if key not in LATER or text != NONE} | reach | masks


def refused_reach(plan: Plan, in_force: InForce) -> list[str]:
    """Reach, secrets of Shipway's own, or missing masks of this plan that no rule set in force allows; each with its
    key."""
    own = plan.environments[in_force.environment]
    allowed = [(item.plan, rules) for item, rules in in_force.environments if item.plan is not None]
    reasons = []
    for key, items in REACH.items():
        known = {text for rules_plan, rules in allowed for text in items(rules_plan, rules)}
        reasons += [f"{key} {text}: not in the rules in force" for text in items(plan, own) if text not in known]
    held = {name: key for _, rules in allowed for name, key in rights.secrets_of_operators(rules).items()}
    given = rights.secrets_of_containers(plan, own)
    reasons += [
        f"secret {name}: by the rules in force Shipway itself uses it for {held[name]}, so no plan may give it to a "
        f"container, as to {given[name]} here; use another name there"
        for name in sorted(given.keys() & held.keys())
    ]
    if allowed and not any(_begins_with(plan.prove.mask, rules_plan.prove.mask) for rules_plan, _ in allowed):
        required = allowed[-1][0].prove.mask
        reasons += [f"prove mask: {text!r} is missing" for text in required if text not in plan.prove.mask] or [
            "prove mask: the masks of the rules in force must come first, in the same order"
        ]
    return reasons


def _begins_with(masks: Sequence[str], required: Sequence[str]) -> bool:
    """Whether the required masks come first: an earlier mask could hide rows from them."""
    return list(masks[: len(required)]) == list(required)


def required_checks(plan: Plan, environment: Environment, in_force: InForce | None) -> list[Check]:
    """The checks of the rules in force and of the plan itself: additional checks can only reject."""
    found = list(checks_of(plan, environment))
    for rule_set, rules in in_force.environments if in_force else ():
        assert rule_set.plan is not None
        found += [check for check in checks_of(rule_set.plan, rules) if check not in found]
    return found


def launch_rules(environment: Environment, in_force: InForce | None) -> list[Launch]:
    """What the system test looks at: all that the rules in force ask for, and the plan itself. More can only reject."""
    found = [rules.launch for _, rules in in_force.environments] if in_force else []
    return list(dict.fromkeys([*found, environment.launch]))


def asks_for_launch(environment: Environment, in_force: InForce | None) -> bool:
    """Whether the plan itself, or a rule set in force, has settings of a launch: then only a launch opens the address."""
    return any(item != Launch() for item in launch_rules(environment, in_force))


def required_scenarios(plan: Plan, environment: Environment, in_force: InForce | None) -> list[Scenario]:
    """The scenarios of the rules in force and of the plan itself, as each defines them."""
    found = list(scenarios_of(plan, environment))
    for rule_set, rules in in_force.environments if in_force else ():
        assert rule_set.plan is not None
        found += [item for item in scenarios_of(rule_set.plan, rules) if item not in found]
    return found


def asks_for_proof(plan: Plan, environment: Environment, in_force: InForce | None) -> bool:
    """Whether the plan itself, or a rule set in force, requires a rollback proof."""
    required = (
        [item.plan is not None and item.plan.asks_for_proof(rules) for item, rules in in_force.environments]
        if in_force
        else []
    )
    return plan.asks_for_proof(environment) or (plan.database is not None and any(required))


def differences(before: Plan | None, after: Plan | None, environment: str) -> list[str]:
    """How an environment's rules change from one plan to another, one line per key."""
    old, new = keys_of(before, environment), keys_of(after, environment)
    return [
        f"{key}: {old.get(key, 'none')} → {new.get(key, 'none')}"
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    ]


def side_by_side(columns: Sequence[tuple[str, Plan | None]], environment: str) -> str:
    """A table of the keys in which these plans differ, one column per plan; empty if there are none."""
    found = [keys_of(plan, environment) for _, plan in columns]
    keys = [key for key in {key: None for item in found for key in item} if len({item.get(key) for item in found}) > 1]
    if not keys:
        return ""
    rows = [
        ["rule", *(name for name, _ in columns)],
        *([key, *(_short(item.get(key, "–")) for item in found)] for key in keys),
    ]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _short(text: str, limit: int = 48) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
