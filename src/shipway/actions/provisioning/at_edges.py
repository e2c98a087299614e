"""Put a renewed certificate in place at the edges of what runs, without a deployment."""

from __future__ import annotations

from shipway.actions.environment.locks import fenced
from shipway.actions.environment.ownership import require_owned
from shipway.actions.schedules.live import Live
from shipway.context import Context
from shipway.domain import certificate, names
from shipway.domain.errors import CertificateError, ShipwayError

WAIT = 60.0  # seconds for a deployment in progress


def place(ctx: Context, here: Live, bundle: str) -> list[str]:
    """Names of the hosts whose edge serves it only since now. A switch of routes takes each of them in, so no request is
    lost. CertificateError lists the hosts that keep the former one."""
    if not here.place.by_dns:
        return []
    app, name, own, changed = here.release.app, here.place.name, certificate.pair(bundle), list[str]()
    owner, problems = names.route_owner(app, name), list[str]()
    with fenced(ctx, names.scope(app, name), "certificate", wait=WAIT) as ours:
        for host in here.place.hosts:
            try:
                at = ours.on(host.name)
                table = at.edge.routes(owner)
                if table is None or table.get("certificates") in (None, [own]):
                    continue
                require_owned(at, app, name)
                at.edge.switch(owner, {**table, "certificates": [own]})
                changed.append(host.name)
            except ShipwayError as error:
                problems.append(f"{host.name}: {error.message}")
    if problems:
        raise CertificateError(
            f"the new certificate of {name} is not in place everywhere: {'; '.join(problems)}",
            hint="the former one is served there; `shipway tick` tries again",
        )
    return changed
