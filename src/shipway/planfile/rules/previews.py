"""Previews of pull requests: what they copy, and that no data leaves an environment without a mask."""

from __future__ import annotations

from shipway.domain.plan import Plan
from shipway.domain.preview import is_reserved
from shipway.domain.previews import EMPTY, SEED
from shipway.planfile.report import Report, did_you_mean
from shipway.planfile.rules.references import known

AT = ("previews",)


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    previews = plan.previews
    if previews is None:
        return
    for name in plan.environments:
        if is_reserved(name):
            report.error(
                ("environments", name), f"`{name}` is reserved for the preview of a pull request", "another name"
            )
    known(report, (*AT, "like"), previews.like, "environments", "environment")
    like = plan.environments.get(previews.like)
    if like is not None:
        if like.domains:
            report.error(
                (*AT, "like"), f"`{previews.like}` has `domains`: a preview has a single host name, so its routes would collide",
                "an environment without `domains`",
            )  # fmt: skip
        if like.by_dns:
            report.error(
                (*AT, "like"), f"`{previews.like}` has a certificate by DNS, which previews can't obtain",
                "an environment with another `tls`",
            )  # fmt: skip
    for accessory in plan.accessories.values():
        if accessory.external and not accessory.image:
            report.error(
                ("accessories", accessory.name), "previews start a container in place of an external service",
                "`image:` or `version:` too",
            )  # fmt: skip
    _data(plan, report)


def _data(plan: Plan, report: Report) -> None:
    """Data is cloned only from a snapshot of a database in a container, and only with a mask."""
    previews, at = plan.previews, (*AT, "data")
    assert previews is not None
    source = previews.source
    if source is None:
        if previews.mask:
            report.error(
                (*AT, "mask"), f"has no meaning with `data: {previews.data}`", "no `mask`, or an environment in `data`"
            )
        elif report.written(at) and previews.data == SEED and _has_no_seed(plan, previews.like):
            report.warn(at, f"`{previews.like}` has no `seed`, so previews begin empty", "`data: empty`")
        return
    names = report.names(("environments",))
    if source not in names:
        guess = did_you_mean(source, [*names, SEED, EMPTY])
        report.error(at, f"there is no environment `{source}`{guess}", f"one of {', '.join([SEED, EMPTY, *names])}")
        return
    if not (previews.mask or plan.prove.mask):
        report.error(
            at, f"the data of `{source}` is never cloned without a mask", "SQL that removes what is personal: `mask:`, or `prove: {mask: …}`",
        )  # fmt: skip
    database = plan.database
    accessory = plan.accessories.get(database.accessory) if database else None
    if accessory is None or accessory.external:
        report.error(
            at, "only the database of an accessory that runs in a container can be cloned", f"`{SEED}` or `{EMPTY}`"
        )


def _has_no_seed(plan: Plan, name: str) -> bool:
    environment = plan.environments.get(name)
    return environment is not None and environment.seed is None
