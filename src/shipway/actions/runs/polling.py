"""Ask repositories for new commits, where nothing tells of a push."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from dataclasses import replace

from shipway.actions.people.permitted import recorded
from shipway.actions.runs.queue import enqueue_remote
from shipway.context import Context
from shipway.domain.errors import RepositoryError, UsageError, unknown_name
from shipway.domain.operation import POLL
from shipway.domain.poll import LEAST, Poll, moved, of_ls_remote
from shipway.domain.queue import Push
from shipway.planfile.values import NAME_PATTERN, NAME_WORDS
from shipway.system.addresses import require_remote
from shipway.system.git.login import masked
from shipway.system.mirror import asked


def add_poll(ctx: Context, name: str, address: str, every: float) -> Poll:
    """Ask the repository at that address from now on. What is there at the first look is not run. UsageError if there is one of
    that name."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} can't be the name of a poll", hint=NAME_WORDS)
    require_remote(address)
    if every < LEAST:
        raise UsageError(f"a repository is asked at most every {LEAST:g} seconds", hint="pass --every 1m")
    made = Poll(name, address, every, ctx.actor, ctx.ledger.now())
    with recorded(ctx, None, POLL, name, f"add {name}: {masked(address)} every {every:g} s"):
        if not ctx.ledger.add_poll(made):
            raise UsageError(f"there is already a poll {name}", hint=f"`shipway poll remove {name}` removes it")
    return made


def poll_states(ctx: Context) -> list[Poll]:
    """All of them, without a login in their address."""
    return [replace(item, address=masked(item.address)) for item in ctx.ledger.polls()]


def remove_poll(ctx: Context, name: str) -> None:
    """From now on, it is not asked. UsageError if there is none."""
    with recorded(ctx, None, POLL, name, f"remove {name}"):
        if not ctx.ledger.remove_poll(name):
            raise unknown_name("poll", name, (item.name for item in ctx.ledger.polls()))


def due(ctx: Context, but: Collection[str] = ()) -> Iterator[Poll]:
    """Those that are to be asked now, each claimed as it comes: no other process asks it. but: names of others."""
    for item in ctx.ledger.polls():
        waited = ctx.ledger.now() - item.asked >= item.every
        if waited and item.name not in but and (claimed := ctx.ledger.claim_poll(item.name)):
            yield claimed


def ask(ctx: Context, poll: Poll, over: threading.Event | None = None) -> list[Push]:
    """Queue what is new there. A repository that can't be reached is reported once, and asked again when it is due. over: ends
    it at once."""
    try:
        refs = of_ls_remote(asked(ctx.home, poll.address, over))
    except RepositoryError as error:
        if over is not None and over.is_set():
            return []
        if error.message != poll.problem:
            ctx.reporter.note(f"poll {poll.name}: {error.message}; it is asked again in {poll.every:g} s")
            ctx.ledger.fail_poll(poll.name, error.message)
        return []
    if poll.problem:
        ctx.reporter.note(f"poll {poll.name}: reached again")
    # Before it is recorded: if this process dies between, the next look queues the same, which adds nothing.
    told = f"poll {poll.name} {poll.created} {poll.seq}"
    pushes = [
        enqueue_remote(ctx, poll.address, item.old, item.new, item.ref, via=f"poll {poll.name}", delivery=told)
        for item in moved(poll.refs, refs)
    ]
    if poll.refs is None or dict(poll.refs) != refs or poll.problem:
        ctx.ledger.record_poll(poll, refs)
    return pushes
