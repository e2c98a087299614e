"""Sleep: without requests, the containers of a preview are stopped and visitors see a page; the next request wakes it."""

from __future__ import annotations

from dataclasses import replace

from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.revert import revert
from shipway.actions.environment import maintenance
from shipway.actions.environment.observe import observe
from shipway.context import Context
from shipway.domain import names
from shipway.domain.draining import stop_of
from shipway.domain.errors import EdgeError, EngineError
from shipway.domain.preview import ASLEEP, READY, Preview
from shipway.domain.release import Release
from shipway.system.parallel import side_by_side

LOOK = 30.0  # seconds after which it is recorded that the edge was looked at
MARGIN = 5.0  # seconds that clocks may differ
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3"><title>Waking up</title>
<style>:root{color-scheme:light dark}body{font:18px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center}</style>
</head><body><h1>Waking up</h1><p>This preview was asleep, since it had no visitor for a while. It is starting: the page reloads by itself.</p></body></html>
"""


def awake(ctx: Context, preview: Preview) -> Preview:
    """The record of one that runs and was used just now."""
    return replace(preview, asleep=False, used=ctx.ledger.now(), requests=_requests(ctx, preview) or 0)


def tend(ctx: Context, preview: Preview, *, force: bool = False) -> None:
    """Send it to sleep if it had no visitor for long; wake it for the next one, or with `force`."""
    now = ctx.ledger.now()
    if preview.asleep:
        if force or asked_for(ctx, preview):
            wake(ctx, preview)
            ctx.ledger.record_preview(awake(ctx, preview))
        return
    requests = _requests(ctx, preview)
    if force or requests is None:
        return
    if requests != preview.requests:
        ctx.ledger.record_preview(replace(preview, requests=requests, used=now))
    elif 0 < preview.sleep <= now - preview.used:
        _stop(ctx, preview)


def is_restless(ctx: Context, preview: Preview) -> bool:
    """Whether it may be time for `tend`; what can't be asked now is no reason."""
    now = ctx.ledger.now()
    if preview.state != ASLEEP:
        return preview.state == READY and 0 < preview.sleep <= now - preview.used
    try:
        found = asked_for(ctx, preview)
    except (EngineError, EdgeError):
        return False
    if not found and now - preview.used > LOOK:
        ctx.ledger.see_preview(preview, now)  # the next look begins there
    return found


def asked_for(ctx: Context, preview: Preview) -> bool:
    """Whether somebody has asked for one that sleeps since the edge was looked at, or the page is not there, since a process died
    before it had stopped anything."""
    release = _release(ctx, preview)
    where = release.plan.environments[preview.environment]
    edge = ctx.on(where.hosts[0].name).edge
    owner = names.route_owner(preview.app, preview.environment)
    return not edge.maintained(owner) or edge.asked(owner, preview.used - MARGIN)


def wake(ctx: Context, preview: Preview) -> None:
    """Start what its current deployment has, and end the page once it is healthy."""
    app, name = preview.app, preview.environment
    with exclusive_access(ctx, app, name, "wake", wait=60.0) as own:
        now = own.ledger.current(app, name)
        release = own.ledger.release(app, now.release) if now else None
        if now is None or release is None:
            return
        own.reporter.heading(f"wake {own.names.shown(app, name)}")
        revert(own, release, release.plan.environments[name], now)
        _end_page(own, preview, release)


def end_page(ctx: Context, preview: Preview) -> None:
    """End the page of one that was deployed while it slept."""
    with exclusive_access(ctx, preview.app, preview.environment, "wake", wait=60.0) as own:
        _end_page(own, preview, _release(own, preview))


def _end_page(ctx: Context, preview: Preview, release: Release) -> None:
    app, name = preview.app, preview.environment
    here = ctx.on(release.plan.environments[name].hosts[0].name)
    if here.edge.maintained(names.route_owner(app, name)) and maintenance.page_of(ctx, app, name) is None:
        maintenance.switch(here, app, name, None)


def _stop(ctx: Context, preview: Preview) -> None:
    """The page first: no visitor meets a container that is gone."""
    app, name = preview.app, preview.environment
    release = _release(ctx, preview)
    where = release.plan.environments[name]
    with exclusive_access(ctx, app, name, "sleep") as own:
        # Before anything stops: if this process dies, the next request wakes what was stopped.
        if not own.ledger.record_preview(replace(preview, asleep=True, used=own.ledger.now())):
            return
        own.reporter.heading(f"{own.names.shown(app, name)} goes to sleep: no request for {preview.sleep:g} s")
        here = own.on(where.hosts[0].name)
        if maintenance.page_of(own, app, name) is None:
            maintenance.switch(here, app, name, PAGE)
        seen = observe(here, app, name, routes=False)
        for group in (seen.services, seen.accessories):
            stopping = [item for item in group if item.running]
            side_by_side(lambda item: here.runtime.stop(item.name, stop_of(item)), stopping)


def _requests(ctx: Context, preview: Preview) -> int | None:
    """By the edge's count, which begins again when the edge does; None if it has no routes, or can't be
    asked now."""
    owner = names.route_owner(preview.app, preview.environment)
    where = _release(ctx, preview).plan.environments[preview.environment]
    try:
        if ctx.on(where.hosts[0].name).edge.routes(owner) is None:
            return None  # no visitor can ever wake it
        found = ctx.on(where.hosts[0].name).edge.traffic(owner)
    except EdgeError:
        return None
    return sum(item.requests for item in found.values())


def _release(ctx: Context, preview: Preview) -> Release:
    found = ctx.ledger.release(preview.app, preview.release)
    assert found is not None  # it was recorded before anything was there
    return found
