"""What `--json` of each command prints: JSON Schemas from the types, for docs/json.md and its test.

`python -m shipway.cli.json_outputs COMMAND` prints one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from shipway import shapes
from shipway.cli import json_records
from shipway.domain.record_schema import class_schema, type_schema
from shipway.shapes import TEXT, Kinds
from shipway.shapes import by_name as _by_name
from shipway.shapes import list_of as _list
from shipway.shapes import object_of as _object
from shipway.shapes import or_null as _or_null

FREE: Mapping[str, Any] = {"type": "object"}


def _check(kinds: Kinds) -> Any:
    from shipway.planfile.problem import Problem

    return _object({"valid": {"type": "boolean"}, "problems": type_schema(list[Problem], kinds)})


def _doctor(kinds: Kinds) -> Any:
    from shipway.actions.upkeep.doctor import Finding

    return _object({name: type_schema(list[Finding], kinds) for name in ("found", "fixed")})


def _host_check(kinds: Kinds) -> Any:
    from shipway.domain.host_setup import HostPlan

    return _list(_object({"host": TEXT, **class_schema(HostPlan, kinds)["properties"]}))


def _snapshots(kinds: Kinds) -> Any:
    from shipway.domain.snapshot import Snapshot

    return type_schema(list[Snapshot], kinds)


def _snapshot(kinds: Kinds) -> Any:
    from shipway.domain.snapshot import Snapshot

    return type_schema(Snapshot, kinds)


def _backups(kinds: Kinds) -> Any:
    from shipway.domain.backups import Backup

    return type_schema(list[Backup], kinds)


def _backup(kinds: Kinds) -> Any:
    from shipway.domain.backups import Backup

    return type_schema(Backup, kinds)


def _rehearsal(kinds: Kinds) -> Any:
    from shipway.domain.rehearsal import Rehearsal

    return type_schema(Rehearsal | None, kinds)


def _secrets(kinds: Kinds) -> Any:
    from shipway.actions.environment.secret_lists import SecretState

    return type_schema(list[SecretState], kinds)


def _people(kinds: Kinds) -> Any:
    from shipway.actions.people.manage import PersonState

    return type_schema(list[PersonState], kinds)


def _webhooks(kinds: Kinds) -> Any:
    from shipway.actions.messages.receivers import Deliveries
    from shipway.domain.webhook import ForgeToken, Webhook

    more = {"token": type_schema(ForgeToken | None, kinds), "deliveries": type_schema(Deliveries, kinds)}
    return _list(_object({**class_schema(Webhook, kinds)["properties"], **more}))


def _polls(kinds: Kinds) -> Any:
    from shipway.domain.poll import Poll

    return type_schema(list[Poll], kinds)


def _previews(kinds: Kinds) -> Any:
    from shipway.actions.previews.view import SeenPreview

    return type_schema(list[SeenPreview], kinds)


def _notifications(kinds: Kinds) -> Any:
    from shipway.actions.messages.receivers import Deliveries, NotificationState
    from shipway.domain.outbox import Notification

    return _list(class_schema(NotificationState, kinds, late={"Deliveries": Deliveries, "Notification": Notification}))


def _tokens(kinds: Kinds) -> Any:
    from shipway.domain.people import Token

    return type_schema(list[Token], kinds)


def _diff(kinds: Kinds) -> Any:
    from shipway.actions.environment.compare import Commits
    from shipway.domain.comparison import Comparison

    return _object({**class_schema(Comparison, kinds)["properties"], "commits": type_schema(Commits, kinds)})


def _release(kinds: Kinds) -> Any:
    from shipway.actions.versions.prepare import ChangelogEntry
    from shipway.actions.versions.preview import VersionPreview

    return {"anyOf": [type_schema(item, kinds) for item in (VersionPreview, ChangelogEntry)]}


def _wait(kinds: Kinds) -> Any:
    from shipway.domain.release import Deployment
    from shipway.domain.run import RunRecord

    return {"anyOf": [type_schema(item, kinds) for item in (Deployment, RunRecord)]}


def _cancel(kinds: Kinds) -> Any:
    from shipway.actions.upkeep.progress import Work

    return type_schema(list[Work], kinds)


def _config(kinds: Kinds) -> Any:
    service = {
        "image": {}, "replicas": {"type": "integer"}, "variables": _by_name(TEXT), "secrets": _by_name(TEXT),
    }  # fmt: skip
    properties = {
        "app": TEXT, "environment": TEXT, "release": _or_null({"type": "integer"}), "revision": _or_null(TEXT),
        "services": _by_name(_object(service)), "accessories": _by_name(FREE), "database": _or_null(FREE),
    }  # fmt: skip
    return _object(properties)


def _rules(kinds: Kinds) -> Any:
    from shipway.domain.registration import Registration

    rules = _list(_object({"source": TEXT, "rules": _by_name(TEXT)}))
    return _object({"registration": type_schema(Registration, kinds), "problem": TEXT, "environments": _by_name(rules)})


def _dns(kinds: Kinds) -> Any:
    from shipway.domain.dns import DnsPlan, Sighting

    whole = class_schema(DnsPlan, kinds)["properties"]
    found = _object({"digest": TEXT, **whole})
    found["properties"]["late"] = type_schema(list[Sighting], kinds)  # with --apply
    return found


def _infra(kinds: Kinds) -> Any:
    return dict(FREE)  # see docs/infrastructure.md: it differs by action


def _prune(kinds: Kinds) -> Any:
    image = _list(_object({"names": _list(TEXT), "size": {"type": "integer"}, "reason": TEXT}))
    cache = _object({"volume": TEXT, "size": _or_null({"type": "integer"}), "reason": TEXT})
    host = _object({"host": TEXT, "error": _or_null(TEXT), "remove": image, "keep": image})
    return _object({"hosts": _list(host), "files": _list(TEXT), "caches": _list(cache)})


def _logs(kinds: Kinds) -> Any:
    return _object({**_container(), "time": TEXT, "line": TEXT})


def _ps(kinds: Kinds) -> Any:
    number = _or_null({"type": "number"})
    return _list(
        _object({
            **_container(), "role": TEXT, "state": TEXT, "started": number, "restarts": {"type": "integer"},
            "exit_code": _or_null({"type": "integer"}), "finished": number, "out_of_memory": {"type": "boolean"},
            "cpu": number, "memory": _or_null({"type": "integer"}),
        })
    )  # fmt: skip


def _container() -> dict[str, Any]:
    count = _or_null({"type": "integer"})
    return {"host": TEXT, "service": TEXT, "replica": count, "release": count, "container": TEXT}


def _launch(kinds: Kinds) -> Any:
    from shipway.domain.launch import StepState
    from shipway.domain.launching import Created

    lists = {"steps": type_schema(list[StepState], kinds), "created": type_schema(list[Created], kinds)}
    return _object({"environment": TEXT, "url": TEXT, **lists})


def _system_test(kinds: Kinds) -> Any:
    from shipway.domain.system_test import SystemTest

    return type_schema(SystemTest, kinds)


def _dev(kinds: Kinds) -> Any:
    from shipway.domain.development import DevelopmentStatus

    return type_schema(DevelopmentStatus, kinds)


def _proof(kinds: Kinds) -> Any:
    return dict(FREE)  # see docs/proof-report.md, which has a schema of its own


# command: what it prints in a sentence, and its schema
OUTPUTS: Mapping[str, tuple[str, Callable[[Kinds], Any]]] = {
    "apps": ("The apps of the ledger.", shapes.apps),
    "status": ("By environment, what runs there. With `--watch`, a line for each change.", shapes.status),
    "history": ("Deployments, newest first. With `--commands`, what people ran there instead.", shapes.history),
    "show": ("One event a line.", shapes.event),
    "tests": ("The tests of a run, failures first.", json_records.tests),
    "logs": ("One object a line; `time` is RFC 3339 in UTC with nanoseconds.", _logs),
    "ps": ("Containers. `cpu` is the number of processors in use. With `--watch`, a list a line.", _ps),
    "config": ("The resolved configuration; it also has the keys that the plan sets for the environment and for its parts.", _config),
    "diff": ("What differs from the first side to the second.", _diff),
    "release": (
        "What goes out with a version, and whether it was tagged and pushed; with `--prepare`, the entry of the changelog.", _release,
    ),
    "wait": ("The deployment, or for a number the run.", _wait),
    "cancel": ("Without an argument: what is in progress.", _cancel),
    "rules": ("The rules in force by environment and source; a rule that is missing has its default.", _rules),
    "secret list": ("Names of secrets, never values.", _secrets),
    "user list": ("People, removed ones too, with their roles; never a password.", _people),
    "webhook list": ("Webhooks, and whether their forges could be told; never their secrets.", _webhooks),
    "preview list": ("Previews of pull requests; an end of 0: not known yet.", _previews),
    "poll list": ("Repositories that are asked for new commits; a time of 0: not yet.", _polls),
    "notify list": ("Notifications, and whether they could be delivered; never their URLs.", _notifications),
    "token list": ("API tokens, revoked and expired ones too; never the token itself.", _tokens),
    "sbom": (
        "The packages by image; with --against, what differs by services with the same images.", json_records.sbom
    ),
    "signing list": ("The keys, oldest first.", json_records.signing_keys),
    "insights": ("The measures of an environment, and its steps; durations in seconds.", json_records.insights),
    "audit show": ("Entries of the audit as they are in its chain, newest first, an entry a line.", json_records.audit),
    "audit verify": ("How many entries there are, the digest of the last one, and what was changed.", json_records.audit_verified),
    "snapshots": ("Snapshots that can be restored, newest first.", _snapshots),
    "backups": ("Backups, newest first; with `--verify`, only that one.", _backups),
    "backup": ("The backup that was taken.", _backup),
    "snapshot": ("The snapshot that was taken.", _snapshot),
    "rehearse": ("The rehearsal; null if `--every` skipped it.", _rehearsal),
    "schedules show": ("Jobs on a schedule, with their next and last runs; times in seconds since 1970.", shapes.schedules),
    "host check": ("By host, what differs from a prepared one, and what needs a person.", _host_check),
    "dev status": ("What runs of this checkout.", _dev),
    "doctor": ("Differences between the ledger and what runs.", _doctor),
    "check": ("The problems of a plan.", _check),
    "deploy": ("With `--dry-run`: what would change.", shapes.changeset),
    "rollback": ("With `--dry-run`: what would change.", shapes.changeset),
    "dns": ("What to change in the zone; with `--apply`, what was changed, and `late`: answers of servers that still differ.", _dns),
    "infra": ("See [Infrastructure](infrastructure.md#json).", _infra),
    "launch": ("The steps and their states; with `--dry-run`, also what would be created.", _launch),
    "system-test": ("The system test.", _system_test),
    "prune": ("With `--dry-run`: what would be removed.", _prune),
    "prove": ("The proof: see [the report](proof-report.md).", _proof),
    "proof": ("The proof, with `--all` a list of them: see [the report](proof-report.md).", _proof),
}  # fmt: skip


def schema(command: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a command's output. Unknown keys are allowed: newer versions add some."""
    kinds: Kinds = {}
    whole = OUTPUTS[command][1](kinds)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "$defs": kinds}


def page() -> str:
    """docs/json.md."""
    parts, kinds = [HEAD], dict[str, Any]()
    for command, (sentence, make) in OUTPUTS.items():
        whole = make(kinds)
        parts.append(f"## `shipway {command} --json`\n\n{sentence}\n\n{_shown(whole)}")
    parts.append("## Objects\n")
    parts += [f"### {name}\n\n{found['description']}\n\n{_shown(found)}" for name, found in sorted(kinds.items())]
    return "\n".join(parts)


HEAD = """\
# JSON

<!-- Generated from src/shipway/cli/json_outputs.py by `make docs`. -->

Where a command shows data, `--json` prints it for programs: one document on stdout, everything else on stderr. Times are
seconds since the epoch (UTC), durations seconds, sizes bytes. New keys may be added at any time; a program ignores those that it
doesn't know. `python -m shipway.cli.json_outputs COMMAND` prints a JSON Schema.
"""


def _shown(found: Mapping[str, Any]) -> str:
    """A table of an object's keys; of anything else, its type in words."""
    inner, lead = found, ""
    if found.get("type") == "array":
        inner, lead = found["items"], "A list of objects:\n\n" if "properties" in found["items"] else ""
    elif isinstance(found.get("additionalProperties"), Mapping):
        inner, lead = found["additionalProperties"], "An object by name, of objects:\n\n"
    if "properties" not in inner:
        return f"{_words(found)[:1].upper()}{_words(found)[1:]}.\n"
    rows = [
        f"| `{key}` | {_words(item)} | {str(item.get('description', '')).replace('|', chr(92) + '|')} |"
        for key, item in inner["properties"].items()
    ]
    return lead + "\n".join(["| key | type | |", "|---|---|---|", *rows, ""])


def _words(found: Mapping[str, Any]) -> str:
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in found:
        return " or ".join(_words(item) for item in found["anyOf"])
    if "enum" in found:
        return " or ".join(f"`{item}`" for item in found["enum"])
    if "prefixItems" in found:
        return f"list: {', '.join(_words(item) for item in found['prefixItems'])}"
    if found.get("type") == "array":
        return f"list of {_words(found['items'])}"
    if "properties" in found:
        return f"object: {', '.join(f'`{key}` ({_words(item)})' for key, item in found['properties'].items())}"
    if isinstance(found.get("additionalProperties"), Mapping):
        return f"object by name, of {_words(found['additionalProperties'])}"
    return str(found.get("type", "any"))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(" ".join(sys.argv[1:])), indent=2) + "\n")
