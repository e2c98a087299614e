"""Bind an app to its repository: where it is, the plan's path, the protected branch, and where its authors begin."""

from __future__ import annotations

from collections.abc import Callable

from shipway.context import Context
from shipway.domain.errors import GateRefused, PlanError, RepositoryError, UsageError
from shipway.domain.plan import Plan
from shipway.domain.registration import STAND_IN, AcceptedRules, Registration
from shipway.system.addresses import addresses, identity, is_bare, own_address, url_for
from shipway.system.git import Repository
from shipway.system.origin import Origin, Refs

ParsePlan = Callable[[str, str, Callable[[str], bool]], Plan]
PLAN = "shipway.yaml"
USUAL = ("main", "master", "trunk")
HOW = "shipway rules register --reason TEXT"
LATEST = 20  # releases, of which one must be in the repository that registers an app which the ledger knows


def registered(
    ctx: Context, repository: Repository, plan: Plan, parse: ParsePlan, *, protected: str | None = None
) -> tuple[Registration, Origin]:
    """The app's registration, made now where it has none. GateRefused where it is bound to another repository."""
    found = ctx.ledger.registration(plan.app)
    if found is None:
        origin = _first_origin(ctx, repository)
        _require_known(ctx, origin, plan.app)
        _require_same(origin, protected or default_branch(origin), plan, parse)
        return register(ctx, origin, plan, protected), origin
    url = url_for(found.address, repository)
    if url is None or found.plan != PLAN:
        here = next(iter(addresses(repository)))
        raise GateRefused(
            f"{plan.app} is bound to {found.plan} of {found.address}, and this is {PLAN} of {here}",
            hint=f"give this project an `app:` of its own; where the repository of {plan.app} has moved: {HOW}",
        )
    return found, Origin(found.address, url, repository, ctx.home)


def _require_same(origin: Origin, branch: str, plan: Plan, parse: ParsePlan) -> None:
    """A commit can't name another app than the protected plan does: it would have a history without rules."""
    text = origin.text(branch, PLAN)
    try:
        found = parse(text, PLAN, lambda path: True).app if text is not None else plan.app
    except PlanError:
        return  # nothing is deployed by it
    if found != plan.app:
        raise GateRefused(
            f"this commit's plan is that of {plan.app}, and {branch} of {origin.address} has the plan of {found}",
            hint="to rename an app, change `app:` on the protected branch first",
        )


def register(ctx: Context, origin: Origin, plan: Plan, protected: str | None, reason: str = "") -> Registration:
    """Record it and say so. The plan stands in where the protected branch has none."""
    branch = protected or default_branch(origin)
    baseline = origin.before(branch, PLAN)
    made = Registration(plan.app, origin.address, PLAN, branch, baseline, ctx.actor, ctx.clock())
    ctx.ledger.register(made)
    for line in words(made, origin.refs(), remote=not is_own(origin)):
        ctx.reporter.note(line)
    if origin.text(branch, PLAN) is None:
        ctx.ledger.accept_rules(AcceptedRules(plan.app, STAND_IN, plan, (), ctx.actor, reason or "the first plan", ctx.clock()))
        ctx.reporter.note(f"{branch} has no {PLAN} yet: until it has, the rules in force are those of this first plan")
    return made


def register_again(ctx: Context, repository: Repository, plan: Plan, protected: str | None, reason: str) -> Registration:
    """On a person's word, whatever was registered before. UsageError without a reason."""
    if not reason.strip():
        raise UsageError("a registration that replaces another needs a reason", hint="--reason TEXT")
    return register(ctx, _first_origin(ctx, repository), plan, protected, reason)


def register_hook(ctx: Context, repository: Repository, protected: str | None, parse: ParsePlan) -> Registration | None:
    """Of a bare repository that gets the hook; None where its protected branch has no plan yet: the first push registers.

    GateRefused where the app is bound to another repository.
    """
    origin = _first_origin(ctx, repository)
    branch = protected or (default_branch(origin) if origin.refs().commits else None)
    text = origin.text(branch, PLAN) if branch else None
    if text is None:
        ctx.reporter.note("the first push of a plan registers it here" + (f", with the protected branch {branch}" if branch else ""))
        return None
    plan = parse(text, PLAN, lambda path: True)
    found = ctx.ledger.registration(plan.app)
    if found is not None and identity(found.address) != identity(origin.address):
        raise GateRefused(f"{plan.app} is bound to {found.plan} of {found.address}, and not to {origin.address}", hint=f"where it has moved, there: {HOW}")
    if found is not None and found.branch == (protected or found.branch):
        return found
    if found is None:
        _require_known(ctx, origin, plan.app)
    return register(ctx, origin, plan, protected)


def words(made: Registration, refs: Refs, *, remote: bool) -> list[str]:
    """What was registered, and how to change it."""
    lines = [
        f"{made.app} is registered: {made.plan} of {made.address}, protected branch {made.branch} "
        f"(another one: shipway rules register --protected BRANCH --reason TEXT)"
    ]  # fmt: skip
    if not remote:
        lines.append(f"this repository has no remote: its own branch {made.branch} has the rules in force")
    if made.branch in ("develop", "development") and any(name in refs.branches() for name in USUAL):
        usual = next(name for name in USUAL if name in refs.branches())
        lines.append(f"{made.branch} is what the remote's HEAD names; where {usual} is the reviewed one, protect that")
    return lines


def default_branch(origin: Origin) -> str:
    """The remote's HEAD, else main, master or trunk, else the only branch; never just the one that is checked out."""
    refs = origin.refs()
    branches = refs.branches()
    usual = next((name for name in USUAL if name in branches), None)
    if refs.head in branches or (refs.head and usual is None):
        return str(refs.head)
    if usual is None and len(branches) == 1:
        return next(iter(branches))
    if usual is None:
        listed = ", ".join(sorted(branches)[:10]) or "none"
        raise RepositoryError(
            f"which branch of {origin.address} has the rules in force? None is called main, master or trunk (there are: {listed})",
            hint="shipway rules register --protected BRANCH --reason TEXT",
        )
    return usual


def _first_origin(ctx: Context, repository: Repository) -> Origin:
    """A bare repository itself, to which people push; else the remote `origin`, or the only one; else the clone itself."""
    found = addresses(repository)
    own = own_address(repository)
    remotes = [address for address in found if address != own]
    if is_bare(str(repository.path)) or not remotes:
        return Origin(own, own, repository, ctx.home)
    return Origin(remotes[0], found[remotes[0]], repository, ctx.home)


def is_own(origin: Origin) -> bool:
    """Whether it is the repository that this process works in, which has no remote."""
    return origin.address == own_address(origin.clone) and not is_bare(origin.address)


def _require_known(ctx: Context, origin: Origin, app: str) -> None:
    """An app with releases is only registered by the repository that they come from."""
    releases = ctx.ledger.releases(app, limit=LATEST)
    if releases and not any(origin.has(release.revision) for release in releases):
        raise GateRefused(
            f"the ledger knows {len(releases)} releases of {app}, and {origin.address} has the commit of none of them",
            hint=f"give this project an `app:` of its own; where it is the repository of {app}: {HOW}",
        )
