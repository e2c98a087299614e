"""Make a version's tag and push it. A process that dies leaves no tag or a complete one, and the next one goes on."""

from __future__ import annotations

from dataclasses import replace

from shipway.actions.versions.preview import VersionPreview
from shipway.actions.versions.situation import Situation
from shipway.context import Context
from shipway.domain.errors import RepositoryError
from shipway.domain.release import FAILED, PENDING, SUCCEEDED, Deployment
from shipway.system.checkout import add_tag, push, remote_tag, remove_tag, tag_object

LISTED = 200  # commits in a tag's message


def make_version(ctx: Context, situation: Situation, preview: VersionPreview, *, send: bool) -> VersionPreview:
    """Tag the commit and push the tag. GateRefused if the preview has reasons against it. RepositoryError if it can't be
    signed, or if the remote rejects it: then the tag is removed here, too."""
    preview.require()
    repository, name = situation.subject.repository, preview.version
    object = None  # of a tag that is made here
    if not preview.exists:
        instead = name in situation.local
        object = add_tag(repository, name, preview.revision, _message(preview), signed=preview.signed, instead=instead)
    pushed, before = False, _latest(ctx, preview)
    if send and situation.remote is not None:
        _push(ctx, situation, preview, object)
        pushed = True
    latest = _latest(ctx, preview)
    started = latest if latest and (before is None or latest.id > before.id) else None
    return replace(preview, tagged=True, pushed=pushed, next=next_step(preview, pushed=pushed, started=started))


def _latest(ctx: Context, preview: VersionPreview) -> Deployment | None:
    return ctx.ledger.latest(preview.app, ctx.names.environment(preview.app, preview.environment))


def _push(ctx: Context, situation: Situation, preview: VersionPreview, object: str | None) -> None:
    """object: of the tag that this process made; None: it was there before, and stays whatever happens."""
    remote, name = situation.remote or "", preview.version
    repository, ref = situation.subject.repository, f"refs/tags/{preview.version}"
    ctx.reporter.begin("push", f"{name} to {remote}")
    begun = ctx.clock()
    try:
        push(repository, remote, [f"{ref}:{ref}"], lambda line: ctx.reporter.line("push", line))
    except RepositoryError as error:
        ctx.reporter.end("push", FAILED, ctx.clock() - begun)
        try:
            there = remote_tag(repository, remote, name)
        except RepositoryError:
            raise RepositoryError(
                f"it isn't known whether {remote} has got {name}: {error.message}",
                hint=f"the tag is complete here; `shipway release {name}` goes on, or says that {remote} has it",
            ) from error
        if there is None or there != (object or tag_object(repository, name)):
            if object is not None:
                remove_tag(repository, name, object)
            gone = "the tag was removed here again" if object else "the tag that was here before stays"
            other = ", since it has got another one" if there else ""
            raise RepositoryError(
                f"{remote} rejected the tag {name}{other}; {gone}: {error.message}",
                hint=f"ask who may push tags to {remote}; then: shipway release {name}"
                if not there
                else "see who made it: git fetch --tags; then: shipway release",
            ) from error
        ctx.reporter.note(f"{remote} has {name} nevertheless")
    else:
        ctx.reporter.end("push", SUCCEEDED, ctx.clock() - begun)


def _message(preview: VersionPreview) -> str:
    """The tag's message: the entry of the changelog, else the commits."""
    lines = [f"- {item.subject}" for item in reversed(preview.commits[:LISTED])]
    if len(preview.commits) > LISTED:
        lines = [f"- … and {len(preview.commits) - LISTED} earlier ones", *lines]
    return f"{preview.app} {preview.version}\n\n{preview.entry or chr(10).join(lines)}\n"


def next_step(preview: VersionPreview, *, pushed: bool, started: Deployment | None = None) -> str:
    """What happens now, or what to do. started: by a hook with this ledger, since the tag was made."""
    name, environment = preview.version, preview.environment
    deploy = f"shipway deploy {environment} {name}" if preview.release else f"shipway run {name}"
    if preview.remote and not pushed:
        return f"push it: shipway release {name}, or: git push {preview.remote} {name}"
    if preview.waits:
        approve = f"shipway approve {environment} r{preview.release}"
        return f"{environment} waits for an approval by {preview.approvers}: {approve}; then: {deploy}"
    if started is not None and started.outcome == SUCCEEDED:
        return f"{environment} runs {name} (release {started.release})"
    if started is not None and started.outcome == PENDING:
        return f"{name} is being deployed to {environment}: shipway show {environment} --follow"
    if started is not None:
        return (
            f"the deployment of {name} to {environment} {started.outcome}: shipway show {environment}; then: {deploy}"
        )
    if preview.remote:
        return f"the hook, server or CI of {preview.remote} deploys it to {environment}; where there is none: {deploy}"
    return f"deploy it: {deploy}"
