"""Ask a CDN, and the services behind it, for a sample of what was purged."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from functools import partial

from shipway.actions.environment.observe import observe
from shipway.context import Context
from shipway.domain.cdn import Answered, Side, Targets, is_stale, sample
from shipway.domain.count import counted
from shipway.domain.errors import CdnError, ShipwayError
from shipway.domain.observed import release_of
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.served import served_by
from shipway.ports import CdnProvider
from shipway.system.parallel import side_by_side
from shipway.system.probe import Probe

URLS = 5  # that are asked for
TIMEOUT = 5.0  # seconds for the service
RECENT = 10.0  # seconds: a page that was modified since then may be made for each request


def verify(
    ctx: Context, provider: CdnProvider, targets: Targets, release: Release, environment: Environment, side: Side,
    purged: float,
) -> tuple[bool, str]:  # fmt: skip
    """Whether no old copy was found, and what was. purged: when, by the context's clock."""
    urls = sample(targets, URLS)
    found = side_by_side(partial(_look, ctx, provider, release, environment, side, purged), urls)
    stale = [text for kind, text in found if kind == "stale"]
    silent = [text for kind, text in found if kind == "silent"]
    if stale:
        return False, f"an old copy is still there: {stale[0]}"
    if len(silent) == len(found):
        return True, f"not verified: {silent[0]}" if silent else "not verified: tags have no address to ask for"
    return True, f"{counted(len(found) - len(silent), 'URL')} asked for: no old copy"


def _look(
    ctx: Context, provider: CdnProvider, release: Release, environment: Environment, side: Side, purged: float, url: str
) -> tuple[str, str]:
    try:
        cached = provider.ask(url)
    except CdnError as error:
        return "silent", error.message
    origin = _origin(ctx, release, environment, side, url)
    since = max(0.0, ctx.clock() - purged)
    reasons = [why for item in cached if (why := is_stale(item, origin, since))]
    return ("stale", f"{url}: {reasons[0]}") if reasons else ("fresh", "")


def _origin(ctx: Context, release: Release, environment: Environment, side: Side, url: str) -> Answered | None:
    """What a container of the release answers; None if it can't be asked."""
    name = served_by(side, url)
    service = release.plan.services.get(name) if name else None
    if service is None or service.port is None:
        return None
    try:
        here = ctx.on(environment.hosts[0].name)
        running = [
            item
            for item in observe(here, release.app, environment.name, routes=False).services
            if item.running and release_of(item) == release.number and item.labels.get("shipway.name") == service.name
        ]
        address = next((each for item in running for each in item.addresses.values() if each), None)
        if address is None:
            return None
        path = "/" + url.partition("://")[2].partition("/")[2]
        if service.routing.strip and service.route not in (None, "/"):
            path = path.removeprefix(service.route or "") or "/"
        host = url.partition("://")[2].partition("/")[0]
        headers = {**environment.forwarded, "Host": host}
        first, second = (here.machine.probe(address, service.port, path, TIMEOUT, headers) for _ in range(2))
    except ShipwayError:
        return None
    if first.status is None:
        return None
    validator = _validator(first, ctx.clock())
    return Answered(first.status, None, validator if validator == _validator(second, ctx.clock()) else "")


def _validator(answer: Probe, now: float) -> str:
    """Empty if it has none, or one that says only when it was asked: a page with a nonce has another ETag each time."""
    if tag := answer.headers.get("etag"):
        return tag
    modified = answer.headers.get("last-modified") or ""
    try:
        recent = parsedate_to_datetime(modified).timestamp() > now - RECENT
    except ValueError:
        recent = False
    return "" if recent else modified
