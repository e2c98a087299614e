"""THE table of commands: what each of them needs of who proves by a token who they are, and whether it can run at a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from shipway.domain.value import dataclass

# Where a command runs if SHIPWAY_URL names a server: there; or here in any case. Any other text: it is refused, and why.
REMOTE, LOCAL = "remote", "local"
NUMBER, NAME = "NUMBER", "NAME"  # values of a target: a run, or an environment
LONGEST_STDIN = (4 << 20) + 2  # bytes that are passed on: the largest secret, and what says that there is more
READING = frozenset({"see", "logs", "audit"})  # permissions of commands that change nothing

# How parameters are typed whose option has another name.
OPTIONS = {"key": "--sign", "hold": "--debug", "origin": "--from", "recipients": "--recipient", "digest": "--apply"}

_OWN = "it belongs on the machine of the server"
_PEOPLE = "a token can't change people and tokens"
_FILES = "it works on files of this machine"
_HOST = "it uses the SSH keys of this machine, and asks questions"


@dataclass(frozen=True)
class Command:
    """One row. The permission is needed for the app and the environments that the parameters of these names say: the first app
    that is given, and each environment; where none is given, for all of them."""

    name: str
    permissions: tuple[str, ...] = ()
    remote: str = REMOTE
    environments: tuple[str, ...] = ("environment",)
    apps: tuple[str, ...] = ("app",)
    # What a parameter needs too: NAME, NAME=VALUE, or -NAME where it is not given.
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    anywhere: bool = False  # one environment of the app is enough: it shows only what may be seen
    person: bool = False  # it counts as a person's decision: who decides must be proven, unless it is signed
    here: tuple[str, ...] = ()  # parameters that mean this machine: refused for a server
    stdin: tuple[str, ...] = ()  # conditions, as of options, under which it reads stdin
    prompts: str = ""  # what is asked for, hidden, where stdin is a terminal; empty: nothing, stdin is empty then

    def changes(self, given: Mapping[str, Any]) -> bool:
        """Whether it changes something, with these parameters."""
        return not READING.issuperset(self.needed(given))

    def needed(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """Its permissions, with these parameters."""
        more = (permission for name, needs in self.options.items() if _is_given(name, given) for permission in needs)
        return tuple(dict.fromkeys((*self.permissions, *more)))

    @property
    def deciding(self) -> tuple[str, ...]:
        """The parameters on which its permissions depend."""
        conditions = (name.partition("=")[0].lstrip("-") for name in self.options)
        return tuple(dict.fromkeys((*self.apps, *self.environments, *conditions)))

    def reads_stdin(self, given: Mapping[str, Any]) -> bool:
        """Whether stdin is passed on, with these parameters."""
        return any(_is_given(name, given) for name in self.stdin)


def is_number(text: object) -> bool:
    """Whether a target is a run, and no environment."""
    return isinstance(text, str) and text.isdecimal()


def _is_given(condition: str, given: Mapping[str, Any]) -> bool:
    if condition.startswith("-"):
        return not given.get(condition[1:])
    name, _, wanted = condition.partition("=")
    value = given.get(name)
    if wanted in (NUMBER, NAME):
        return bool(value) and is_number(value) == (wanted == NUMBER)
    return value == wanted if wanted else bool(value)


_REPORTS = ("html", "junit", "markdown", "badge")
_LEDGER = ("ledger", "to", "recipients", "endpoint", "at", "new_key")


def _table(*rows: Command) -> Mapping[str, Command]:
    return {row.name: row for row in rows}


COMMANDS = _table(
    # Start
    Command("init", remote=LOCAL),
    Command("check", remote=LOCAL),
    Command("ci", remote=LOCAL),
    *(
        Command(f"dev {name}", remote=LOCAL)
        for name in ("db", "down", "local-ca", "logs", "reset", "run", "secrets", "shell", "status", "test", "up")
    ),
    Command("launch", ("deploy", "operate"), _HOST, options={"generate": ("secrets",)}),
    Command("system-test", ("operate",), here=("html",)),
    Command("seed", ("operate",)),
    # Release
    Command(
        "release",
        ("deploy.protected",),
        "a version is made of what is checked out. Tag the commit here and push the tag: the server takes it up",
    ),
    Command("run", ("run",), environments=(), here=("dirty", "hold")),
    Command("hook", remote=LOCAL),  # git calls it
    Command("serve", remote=_OWN),
    Command("worker", remote=_OWN),
    Command("webhook add", ("webhooks",), stdin=("secret_from_stdin",), prompts="Secret"),
    Command("webhook list", ("webhooks",)),
    Command("webhook remove", ("webhooks",)),
    Command("webhook token", ("webhooks",), stdin=("-remove",), prompts="Token"),
    Command("poll add", ("webhooks",)),
    Command("poll list", ("webhooks",)),
    Command("poll remove", ("webhooks",)),
    Command("notify add", ("webhooks",), here=("command",), stdin=("url_from_stdin",), prompts="URL"),
    Command("notify list", ("webhooks",)),
    Command("notify remove", ("webhooks",)),
    Command("notify test", ("webhooks",)),
    Command("deploy", ("deploy",), options={"override_freeze": ("freeze",), "resume": ("rollback",)}),
    Command("preview list", ("see",), environments=()),
    *(Command(f"preview {name}", ("preview",), environments=()) for name in ("open", "close", "extend", "wake")),
    Command("approve", ("approve",), person=True, here=("key",)),
    Command("reject", ("approve",), person=True),
    Command("rules", ("see",)),
    Command("rules accept", ("rules",)),
    Command("rules register", ("rules",), "it reads the clone from which it is called"),
    Command("prove", ("operate",), here=(*_REPORTS, "migrations")),
    Command("proof", ("see",), here=_REPORTS),
    Command("waive", ("waive",), person=True),
    Command("rollback", ("rollback",)),
    Command("resume", ("rollback",)),
    Command("rehearse", ("operate",)),
    Command("retire", ("operate",)),
    Command("wait", ("see",), environments=("target",)),
    Command("show", ("logs",), environments=("target",)),
    Command("cancel", environments=("target",), options={"-target": ("see",), "target=NUMBER": ("run",), "target=NAME": ("deploy",)}),
    # Every day
    Command("status", ("see",), environments=(), anywhere=True),
    Command("history", ("see",), anywhere=True, options={"commands": ("audit",)}),
    Command("insights", ("see",), apps=("name", "app")),
    Command("apps", ("see",), apps=(), anywhere=True),
    Command("logs", ("logs",)),
    Command("tests", ("logs",)),
    Command("sbom", ("see",), environments=()),
    Command("ps", ("see",)),
    Command("exec", ("exec",), stdin=("command",)),
    Command("console", ("exec",), stdin=("environment",), prompts=LOCAL),
    Command("db", ("exec",), stdin=("environment",), prompts=LOCAL),
    Command("open", ("see",)),
    Command("restart", ("operate",)),
    Command("scale", ("operate",)),
    Command("config", ("see",)),
    Command("render", ("see",)),
    Command("diff", ("see",), environments=()),
    Command("maintenance", ("operate",), here=("page",)),
    Command("purge", ("operate",)),
    Command("schedules run", ("operate",)),
    Command("schedules show", ("see",)),
    Command("tick", ("operate.protected",), "the server does it once a minute", environments=()),
    # Data
    Command("backup", ("operate",), options={"ledger": ("people",)}, here=_LEDGER),
    Command("backups", ("see",), options={"verify": ("operate",), "ledger": ("people",)}, here=("ledger", "identity")),
    Command("restore", ("restore",), options={"ledger": ("people",)}, here=("ledger", "origin", "identity", "endpoint")),
    Command("snapshot", ("operate",)),
    Command("snapshots", ("see",)),
    Command("database upgrade", ("operate",)),
    # Hosts, names and secrets
    Command("host check", ("operate.protected",), _HOST, environments=()),
    Command("host prepare", ("operate.protected",), _HOST, environments=()),
    Command("infra", ("operate",), options={"action=destroy": ("destroy",)}),
    Command("dns", ("see",), options={"digest": ("operate",), "remove": ("operate",), "adopt": ("operate",)}),
    Command("certificate", ("operate",)),
    Command("secret copy", ("secrets",), environments=("source", "environment")),
    Command("secret edit", ("secrets",), "it opens an editor: `shipway secret set` sets one value"),
    Command("secret export", ("secrets",), f"{_FILES}, and values never leave the server"),
    Command("secret import", ("secrets",), f"{_FILES}: `shipway secret set` sets one value"),
    Command("secret list", ("secrets",)),
    Command("secret rotate", ("secrets", "operate")),
    Command("secret set", ("secrets",), stdin=("-generate",), prompts="{name} for {environment}"),
    Command("secret unset", ("secrets",)),
    Command("key export", ("people",), "the key of all secrets never leaves the server"),
    Command("key import", ("people",), "the key of all secrets never leaves the server"),
    *(Command(f"user {name}", ("people",), _PEOPLE) for name in (
        "add", "grant", "list", "login-link", "password", "remove", "revoke",
    )),
    *(Command(f"token {name}", ("tokens",), _PEOPLE) for name in ("create", "list", "revoke")),
    *(Command(f"signing {name}", ("rules",)) for name in ("create", "revoke", "sign")),
    Command("signing import", ("rules",), _FILES),
    Command("signing list", ("see",)),
    Command("signing show", ("see",), options={"private": ("rules",)}, here=("private",)),
    Command("audit show", ("audit",)),
    Command("audit verify", ("audit",)),
    Command("local-ca", ("see",)),
    # Upkeep
    Command("doctor", ("see",), options={"fix": ("operate",), "forget": ("operate",)}),
    Command("prune", ("operate",), environments=()),
    Command("adopt", ("rules",), _FILES, environments=()),
    Command("rename app", ("rules",), apps=("old",), environments=()),
    Command("rename environment", ("rules",), environments=("old",)),
    Command("destroy", ("destroy",)),
    Command("completion", remote=LOCAL),
)  # fmt: skip


def needs() -> str:
    """What commands need, as Markdown, for docs/people.md: those that need the same in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    more = list[str]()
    for row in COMMANDS.values():
        if row.permissions:
            rows.setdefault(row.permissions, []).append(f"`{row.name}`")
        for option, permissions in row.options.items():
            if option.partition("=")[2] != NUMBER:
                more.append(f"| {_listed(permissions)} | {_words(row.name, option)} |")
    return "\n".join([
        "| permission | commands |", "|---|---|",
        *(f"| {_listed(permissions)} | {', '.join(names)} |" for permissions, names in rows.items()), *more,
    ])  # fmt: skip


def refused() -> str:
    """What doesn't run at a server, as Markdown, for docs/server.md."""
    rows: dict[str, list[str]] = {}
    for row in COMMANDS.values():
        if row.remote not in (REMOTE, LOCAL):
            rows.setdefault(row.remote, []).append(f"`{row.name}`")
    listed = (f"| {', '.join(names)} | {why} |" for why, names in rows.items())
    return "\n".join(["| command | why |", "|---|---|", *listed])


def _listed(permissions: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in permissions)


def _words(command: str, option: str) -> str:
    """How the condition is typed."""
    name, _, value = option.partition("=")
    if value == NAME:
        return f"`{command}` with an environment; with a run, `run`"
    if name.startswith("-"):
        return f"`{command}` alone"
    return f"`{command}` with `{value or OPTIONS.get(name) or '--' + name.replace('_', '-')}`, too"
