"""Approvals: what is approved, whose approvals count, and which are still missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from shipway.domain.authors import Authors
from shipway.domain.count import counted
from shipway.domain.identity import author_identity
from shipway.domain.mailmap import EMPTY, Mailmap
from shipway.domain.plan import Approvals
from shipway.domain.release import Approval, Release, digest_of
from shipway.domain.signers import SignersFile, fingerprint, people
from shipway.domain.value import dataclass

NAMESPACE = "shipway-approval@v1"
APPROVE = "approve"


@dataclass(frozen=True)
class Vote:
    """An approval with the person it is attributed to."""

    approval: Approval
    person: str  # each person counts once
    addresses: frozenset[str]  # all addresses under which this person may have written commits
    refused: str = ""  # why the approval does not count, whoever gave it


def claimed(approval: Approval, files: Sequence[SignersFile] = (), mailmap: Mailmap = EMPTY) -> Vote:
    """The vote of an unsigned approval: the name is a claim of whoever ran the command."""
    name = author_identity(approval.actor)
    owners = people((file.signers for file in files), mailmap).values()
    group = next((addresses for addresses in owners if name in addresses), mailmap.person(name))
    return Vote(approval, mailmap.canonical(group), group)


def signed(
    approval: Approval,
    key: str | None,
    change: str,
    files: Sequence[SignersFile],
    admits: Callable[[list[str]], bool],
    mailmap: Mailmap = EMPTY,
) -> Vote:
    """The vote of a signed approval. key: in its signature; change: digest of what the deployment would change now;
    files: the key must be in each, and without any file no key counts; admits: whether a key in these lines made the
    signature."""
    vote = claimed(approval, files, mailmap)
    if key is None:
        return replace(vote, refused=f"the signature of {approval.actor} can't be read")
    addresses = people((file.signers for file in files), mailmap).get(key)
    if addresses:
        vote = Vote(approval, mailmap.canonical(addresses), addresses)
    if not files:
        return replace(
            vote, refused=f"the rules in force name no file with the key {fingerprint(key)} of {approval.actor}"
        )
    for file in files:
        lines = file.lines(key)
        if file.problem:
            return replace(vote, refused=f"{file.name}: {file.problem}")
        if not lines:
            return replace(vote, refused=f"the key {fingerprint(key)} of {approval.actor} is not in {file.name}")
        if not admits(lines):
            return replace(vote, refused=f"the signature of {approval.actor} is not valid according to {file.name}")
    if approval.change != change:
        return replace(vote, refused=f"{approval.actor} approved another change: another release was running then")
    return vote


def missing(rule: Approvals, release: Release, votes: Sequence[Vote], authors: Authors | None, now: float) -> list[str]:
    """Reasons for rejection: approvals that are missing, expired or not admitted. authors: None where authors may
    approve."""
    notes: list[str] = []
    voters: set[str] = set()
    for vote in votes:
        why = _why_not(rule, release, vote, authors, now)
        if why:
            notes.append(why)
        else:
            voters.add(vote.person)
    if len(voters) >= rule.count:
        return []
    how = counted(rule.count, "signed approval" if rule.signed else "approval")
    who = " by someone other than its authors" if rule.not_author else ""
    noted = f" ({'; '.join(dict.fromkeys(notes))})" if notes else ""
    whose = f"; its authors: {authors.render()}" if authors is not None and rule.not_author else ""
    return [f"release {release.number} needs {how}{who} and has {len(voters)}{noted}{whose}"]


def refused_author(rule: Approvals, release: Release, addresses: Sequence[str], authors: Authors) -> str | None:
    """Why this person may not approve; None if they may."""
    found = authors.find(addresses) if rule.not_author else None
    if found is None:
        return None
    return f"{addresses[0]} is an author of release {release.number} ({found.why} of {found.revision[:12]}); the plan requires someone else (`not: author`)"


def change(before: Release | None, release: Release) -> str:
    """What a deployment would change, from the ledger alone, so that the text is the same on every machine."""
    lines = [
        f"from: release {before.number} {before.digest}" if before else "from: nothing",
        f"to: release {release.number} {release.digest}",
    ]
    old = dict(before.images) if before else {}
    for name in sorted({*old, *release.images}):
        if old.get(name) != release.images.get(name):
            lines.append(f"image {name}: {old.get(name, 'none')} → {release.images.get(name, 'none')}")
    if before is None or before.schema != release.schema:
        lines.append(f"schema: {(before.schema if before else None) or 'none'} → {release.schema or 'none'}")
    return "".join(f"{line}\n" for line in lines)


def change_digest(before: Release | None, release: Release) -> str:
    """Digest of the text that `change` returns."""
    return digest_of(change(before, release))


def statement(ledger: str, approval: Approval) -> str:
    """The text that an approval's signature covers."""
    fields = {
        "ledger": ledger, "app": approval.app, "environment": approval.environment, "release": str(approval.release),
        "digest": approval.digest, "change": approval.change, "decision": APPROVE, "expires": f"{approval.expires or 0:.0f}",
    }  # fmt: skip
    assert not any("\n" in value for value in fields.values())
    return f"{NAMESPACE}\n" + "".join(f"{name}: {value}\n" for name, value in fields.items())


def _why_not(rule: Approvals, release: Release, vote: Vote, authors: Authors | None, now: float) -> str:
    approval = vote.approval
    if approval.digest != release.digest:
        return f"{approval.actor} approved other digests"
    if (rule.expire is not None and approval.at + rule.expire < now) or (
        approval.expires is not None and approval.expires <= now
    ):
        return f"the approval of {approval.actor} has expired"
    if rule.signed and not approval.signature:
        return f"{approval.actor} approved without a signature"
    if rule.signed and vote.refused:
        return vote.refused
    if rule.not_author and authors is not None and authors.find(vote.addresses):
        return f"the approval of {approval.actor}, an author of the release, does not count"
    return ""
