"""THE table of methods of the ledger that the audit records, in the transaction of the method itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from shipway.domain.audit import BEGAN, ENDED, REFUSED, REFUSED_SIGN_IN, Fact
from shipway.domain.operation import GRANT, NOTIFY, PERSON, POLL, TOKEN, WEBHOOK
from shipway.domain.permissions import ALL
from shipway.domain.provenance import SIGNATURE
from shipway.domain.release import PENDING
from shipway.store.audit import append
from shipway.system.acting import acting

T = TypeVar("T", bound=type)
# From the arguments by their names, and what was returned; None: nothing was done.
Describe = Callable[[Any, Any], Fact | None]
BY_THEMSELVES = (PERSON, GRANT, TOKEN, WEBHOOK, NOTIFY, POLL)  # operations whose change is a method of the table


def _ended(kind: str) -> Describe:
    def describe(given: Any, result: object) -> Fact:
        subject = given.id if hasattr(given, "id") else given.run
        return Fact(
            ENDED, getattr(given, "detail", "").partition("\n")[0], subject=f"{kind} {subject}", outcome=given.outcome
        )

    return describe


def _secret(given: Any, result: object) -> Fact | None:
    app, slash, environment = given.scope.partition("/")
    verb = "set" if given.fingerprint else "removed"
    app = app if slash else ""
    what = f"{verb} {given.name}, version {given.version}" + ("" if slash else f", of {given.scope}")
    return Fact("secret", what, app, environment, f"secret {given.name}") if result else None


def _operation(given: Any, result: object) -> Fact | None:
    item = given.operation
    if item.kind in BY_THEMSELVES:
        return None
    what = " ".join(filter(None, (item.kind, item.service, item.detail)))
    return Fact(item.kind, what, item.app, item.environment, f"operation {result}", BEGAN, item.actor)


def _operation_ended(given: Any, result: object) -> Fact | None:
    sql = "SELECT 1 FROM audit WHERE subject = ? LIMIT 1"
    if not given.self._db.query(sql, (f"operation {given.id}",)):
        return None
    outcome = "succeeded" if given.code == 0 else "failed"
    return Fact(ENDED, f"exit code {given.code}", subject=f"operation {given.id}", outcome=outcome)


def _deployment(given: Any, result: object) -> Fact:
    item = given.deployment
    what = f"{item.kind} r{item.release}" + (f": {item.reason}" if item.reason else "")
    return Fact("deployment", what, item.app, item.environment, f"deployment {result}", BEGAN, item.actor)


def _approval(given: Any, result: object) -> Fact:
    item = given.approval
    how = "signed" if item.signature else "not signed"
    what = f"approved r{item.release} ({item.digest}, {how})" + (f": {item.reason}" if item.reason else "")
    return Fact("approval", what, item.app, item.environment, f"release {item.release}", actor=item.actor)


def _waiver(given: Any, result: object) -> Fact:
    item = given.waiver
    what = f"waived the proof of r{item.release}: {item.finding}: {item.reason}"
    return Fact("waiver", what, item.app, item.environment, f"release {item.release}", actor=item.actor)


def _rules(given: Any, result: object) -> Fact:
    item = given.rules
    return Fact("rules", f"accepted rules: {item.reason}", item.app, item.environment, actor=item.actor)


def _registration(given: Any, result: object) -> Fact:
    item = given.registration
    what = f"registered {item.address}, plan {item.plan}, branch {item.branch}" + (
        f": {item.reason}" if item.reason else ""
    )
    return Fact("registration", what, item.app, actor=item.actor)


def _run(given: Any, result: object) -> Fact:
    trigger = given.trigger
    what = f"{trigger.kind} {trigger.ref} {given.revision[:12]}"
    return Fact("run", what, given.app, "", f"run {result}", BEGAN, trigger.actor)


def _scheduled(given: Any, result: Any) -> Fact | None:
    item = given.run
    if result is None or item.outcome != PENDING:
        return None
    what = f"job {item.schedule}" + (f": {item.reason}" if item.reason else "")
    return Fact("job", what, item.app, item.environment, f"job {result}", BEGAN, item.actor)


def _scheduled_ended(given: Any, result: Any) -> Fact | None:
    item = given.run
    return Fact(ENDED, item.detail, subject=f"job {item.id}", outcome=item.outcome) if result else None


def _backup(given: Any, result: object) -> Fact:
    item = given.backup
    app, environment = item.manifest.app, item.manifest.environment
    return Fact("backup", f"backup to {item.store}", app, environment, f"backup {result}", BEGAN, item.actor)


def _provision(given: Any, result: object) -> Fact:
    item = given.provision
    what = f"{item.kind} {item.action}: {item.detail}"
    return Fact("provision", what, item.app, item.environment, f"provision {result}", BEGAN, item.actor)


def _snapshot(given: Any, result: Any) -> Fact:
    what = f"took snapshot {result.number}: {result.cause}"
    return Fact("snapshot", what, result.app, result.environment, f"snapshot {result.number}", actor=result.actor)


def _renaming(given: Any, result: object) -> Fact | None:
    item = given.renaming
    what = f"renamed to {item.name}" + (f": {item.reason}" if item.reason else "")
    return Fact("rename", what, item.app, item.environment, actor=item.actor) if result else None


def _launch(given: Any, result: object) -> Fact:
    item = given.record
    what = f"{item.step}: {item.outcome}" + (f": {item.detail}" if item.detail else "")
    return Fact("launch", what, item.app, item.environment, outcome=item.outcome, actor=item.actor)


def _adoption(given: Any, result: object) -> Fact | None:
    if not given.adoptions:
        return None
    first = given.adoptions[0]
    return Fact("adoption", f"adopted {len(given.adoptions)} objects on {first.host}", actor=first.actor)


def _release(given: Any, result: Any) -> Fact:
    what = f"made r{result.number} of {result.revision[:12]}, {result.digest}"
    return Fact("release", what, result.app, "", f"release {result.number}")


def _push(given: Any, result: Any) -> Fact | None:
    subject = f"push {result.id}"
    if _is_known(given, "push", subject):  # the same delivery again
        return None
    what = f"pushed {result.ref} {result.new[:12]} to {result.repository}, by {result.via}"
    return Fact("push", what, subject=subject, actor=result.actor)


def _backup_ended(given: Any, result: object) -> Fact | None:
    item, subject = given.backup, f"backup {given.backup.id}"
    if item.outcome == PENDING or _is_known(given, ENDED, subject):  # a later verification
        return None
    return Fact(ENDED, item.detail, subject=subject, outcome=item.outcome)


def _is_known(given: Any, kind: str, subject: str) -> bool:
    sql = "SELECT 1 FROM audit WHERE subject = ? AND kind = ? LIMIT 1"
    return bool(given.self._db.query(sql, (subject, kind)))


def _person(what: str, kind: str = "person") -> Describe:
    def describe(given: Any, result: Any) -> Fact | None:
        name = given.name if hasattr(given, "name") else given.person
        return Fact(kind, f"{what} {name}", subject=f"person {name}") if result else None

    return describe


def _grant(given: Any, result: object) -> Fact | None:
    item = given.grant
    return (
        _about(item.person, f"gave {item.person} the role {item.role}", item.app, item.environment) if result else None
    )


def _grant_removed(given: Any, result: object) -> Fact | None:
    return _about(given.person, f"took a role from {given.person}", given.app, given.environment) if result else None


def _about(person: str, what: str, app: str, environment: str) -> Fact:
    of, there = "" if app == ALL else app, "" if environment == ALL else environment
    where = f"{app}/{environment}" if app != ALL or environment != ALL else "everything"
    return Fact("grant", f"{what} for {where}", of, there, f"person {person}")


def _token(given: Any, result: Any) -> Fact | None:
    item = given.token
    what = f"created the token {item.name!r} of {item.person} for {', '.join(item.permissions)}"
    return Fact("token", what, subject=f"token {result}") if result else None


def _token_revoked(given: Any, result: object) -> Fact | None:
    return Fact("token", f"token {given.id} ended", subject=f"token {given.id}") if result else None


def _signed_in(given: Any, result: Any) -> Fact | None:
    if result is None:
        return _refused_link(given) if hasattr(given, "session_digest") else None
    item = given.session
    number = getattr(result, "id", result)
    person = getattr(result, "person", item.person)
    how = {"link": "a sign-in link"}.get(item.how, item.how)
    return Fact("sign-in", f"signed in by {how}", subject=f"session {number}", actor=person)


def _refused_link(given: Any) -> Fact | None:
    """Only of links that there were: anybody can send others, without an end."""
    rows = given.self._db.query("SELECT person FROM sign_in_links WHERE digest = ?", (given.digest,))
    what = "a sign-in link that was used, or has expired"
    return Fact(REFUSED_SIGN_IN, what, outcome=REFUSED, actor=rows[0][0]) if rows else None


def _session_ended(given: Any, result: object) -> Fact | None:
    return Fact("sign-out", "the session ended", subject=f"session {given.id}") if result else None


def _webhook(given: Any, result: object) -> Fact | None:
    item = given.webhook
    what = f"added the webhook {item.name} of {item.forge}, {item.address}"
    return Fact("webhook", what, subject=f"webhook {item.name}", actor=item.actor) if result else None


def _webhook_removed(given: Any, result: object) -> Fact | None:
    return Fact("webhook", f"removed the webhook {given.name}", subject=f"webhook {given.name}") if result else None


def _poll(given: Any, result: object) -> Fact | None:
    item = given.poll
    what = f"added the poll {item.name} of {item.address}"
    return Fact("poll", what, subject=f"poll {item.name}", actor=item.actor) if result else None


def _poll_removed(given: Any, result: object) -> Fact | None:
    return Fact("poll", f"removed the poll {given.name}", subject=f"poll {given.name}") if result else None


def _preview(given: Any, result: object) -> Fact:
    item = given.preview
    what = f"wants {item.environment} {item.wanted}" + (f" at {item.head[:12]}" if item.head else "")
    what += f": {item.reason}" if item.reason else ""
    return Fact("preview", what, item.app, item.environment, actor=item.actor)


def _forge_token(given: Any, result: object) -> Fact:
    item = given.token
    what = f"set the token with which the forge of {item.webhook} is told"
    return Fact("webhook", what, subject=f"webhook {item.webhook}", actor=item.actor)


def _forge_token_removed(given: Any, result: object) -> Fact:
    what = f"removed the token with which the forge of {given.webhook} is told"
    return Fact("webhook", what, subject=f"webhook {given.webhook}")


def _notification(given: Any, result: object) -> Fact | None:
    item = given.notification
    what = f"added the notification {item.name} by {item.kind}, of {', '.join(item.events)}"
    return Fact("notification", what, subject=f"notification {item.name}", actor=item.actor) if result else None


def _notification_removed(given: Any, result: object) -> Fact:
    return Fact("notification", f"removed the notification {given.name}", subject=f"notification {given.name}")


def _hold(given: Any, result: object) -> Fact:
    item = given.hold
    what = f"held automatic deployment after r{item.release}" if item.held else "ended the hold of automatic deployment"
    what += f": {item.reason}" if item.reason else ""
    return Fact("hold", what, item.app, item.environment, actor=item.actor)


def _signing_key(given: Any, result: object) -> Fact | None:
    item = given.key
    return Fact("signing key", f"added the signing key {item.id}", item.app, actor=item.actor) if result else None


def _signing_key_revoked(given: Any, result: object) -> Fact | None:
    what = f"revoked the signing key {given.key}: {given.reason}"
    return Fact("signing key", what, given.app, actor=given.actor) if result else None


def _image_signed(given: Any, result: object) -> Fact | None:
    item = given.signature
    if item.kind != SIGNATURE:
        return None
    return Fact("signature", f"signed {item.image} with the key {item.key}", item.app)


FACTS: dict[str, Describe] = {
    "register": _registration, "accept_rules": _rules, "add_approval": _approval, "add_waiver": _waiver,
    "add_release": _release, "restore_release": _release, "begin_run": _run, "end_run": _ended("run"),
    "begin_deployment": _deployment, "end_deployment": _ended("deployment"), "add_snapshot": _snapshot,
    "claim_scheduled": _scheduled, "end_scheduled": _scheduled_ended,
    "begin_backup": _backup, "record_backup": _backup_ended, "begin_provision": _provision, "end_provision": _ended("provision"),
    "begin_operation": _operation, "end_operation": _operation_ended, "add_secret": _secret, "rename": _renaming,
    "add_launch_record": _launch, "add_adoptions": _adoption, "enqueue": _push,
    "add_person": _person("added"), "remove_person": _person("removed"), "set_password": _person("set the password of"),
    "set_totp": _person("changed the codes of"), "add_link": _person("made a sign-in link for"),
    "add_grant": _grant, "remove_grant": _grant_removed, "add_token": _token, "revoke_token": _token_revoked,
    "add_session": _signed_in, "use_link": _signed_in, "end_session": _session_ended,
    "add_webhook": _webhook, "remove_webhook": _webhook_removed,
    "set_forge_token": _forge_token, "remove_forge_token": _forge_token_removed, "add_notification": _notification,
    "remove_notification": _notification_removed, "add_hold": _hold, "add_poll": _poll, "remove_poll": _poll_removed,
    "add_signing_key": _signing_key, "revoke_signing_key": _signing_key_revoked, "add_image_signature": _image_signed,
    "want_preview": _preview,
}  # fmt: skip
# Methods that change something and are not recorded, with the reason.
LEFT_OUT = {
    "begin_step end_step": "parts of a run, which is recorded",
    "add_tests": "what the tests of a run found out, which is recorded",
    "add_evidence": "what a run or a proof found out, which is recorded with it",
    "decide_purge save_purge begin_purge": "parts of a deployment or an operation",
    "begin_scheduled": "a job that was recorded starts",
    "add_secret_origin": "where the version of a secret comes from, which is recorded",
    "set_once replace_property": "Shipway's own notes; who asks for one is recorded as a command",
    "acquire renew free": "locks",
    "claim_push end_push renew_push": "the queue's own work: the run of a push is recorded",
    "add_waiting judge_waiting begin_waiting end_waiting": "a deployment that waits: its push, decision or deployment is recorded",
    "tell claim_message put_off end_message wake drop": "what others are told",
    "claim_poll record_poll fail_poll": "looks at a repository; a push that is found there is recorded",
    "record_preview see_preview forget_preview": "how far a preview is that was wanted; its deployments are recorded",
    "add_received": "what a forge told: the push or preview is recorded",
    "forget_events forget_pushes forget_news forget_messages forget_received": "what is only kept for a while",
    "use_token see_session replace_hash": "that something was used",
    "begin_attempt end_attempt use_code use_recovery_code": "parts of a sign-in, which is recorded, or its refusal is",
    "add_image_build add_image_sbom": "what a run found out about the images that it built",
    "copy_to": "a backup of the ledger, which is recorded as a command",
    "reserve": "room on the disk",
    "add_entry": "the audit itself",
}


def audited(ledger: T) -> T:
    """The class with these methods recorded."""
    for name, describe in FACTS.items():
        setattr(ledger, name, _recorded(getattr(ledger, name), describe))
    return ledger


def _recorded(method: Callable[..., Any], describe: Describe) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def call(self: Any, *args: Any, **more: Any) -> Any:
        def work() -> Any:
            result = method(self, *args, **more)
            given = signature.bind(self, *args, **more)
            given.apply_defaults()
            fact = describe(SimpleNamespace(**given.arguments), result)
            if fact is not None:
                append(self._db, fact, acting())
            return result

        return self._db.write(work)

    return call
