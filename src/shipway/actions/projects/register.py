"""Bind an app to its repository: its address, the plan's path, the protected branch, and where its authors begin."""

from __future__ import annotations

from pathlib import Path

from shipway.actions.projects.plans import ParsePlan, plan_files
from shipway.actions.projects.renamed import refuse_renamed_app
from shipway.context import Context
from shipway.domain.errors import GateRefused, PlanError, RepositoryError, UsageError
from shipway.domain.plan import Plan
from shipway.domain.registration import STAND_IN, AcceptedRules, Registration
from shipway.system.addresses import address_of, addresses, identity, is_bare, is_path, own_address, url_for
from shipway.system.git import Repository
from shipway.system.mirror import is_mirror
from shipway.system.origin import Origin, Refs

USUAL = ("main", "master", "trunk")
HOW = "shipway rules register --reason TEXT"
ADDRESS = "shipway rules register --address URL --reason TEXT"
LATEST = 20  # releases of a known app, one of which must be in the repository that registers it


def registered(
    ctx: Context,
    repository: Repository,
    plan: Plan,
    parse: ParsePlan,
    *,
    protected: str | None = None,
    record: bool = True,
) -> tuple[Registration, Origin]:
    """The app's registration, created if missing; record=False: without writing it. GateRefused if it is bound to
    another repository."""
    found = ctx.ledger.registration(plan.app)
    if found is None:
        origin = _first_origin(ctx, repository)
        branch = protected or _usual_branch(ctx, origin)
        _require_known(ctx, origin, plan.app)
        _require_same(origin, branch, plan, parse)
        refuse_renamed_app(ctx, plan, origin.address)
        _require_protected(ctx, origin, branch, plan)
        return register(ctx, origin, plan, branch, record=record), origin
    recorded = recorded_origin(ctx, found, repository)
    if recorded is None or found.plan != plan.file:
        here = next(iter(addresses(repository)))
        raise GateRefused(
            f"{plan.app} is bound to {found.plan} of {found.address}, but this is {plan.file} of {here}",
            hint=f"give this project its own `app:`; if the repository of {plan.app} has moved, in a clone of it: {HOW}, then: "
            f"shipway run BRANCH; if this is another address of the same repository: {ADDRESS}",
        )
    return found, recorded


def recorded_origin(ctx: Context, registration: Registration, clone: Repository) -> Origin | None:
    """The recorded repository, as this clone reaches it; None if it is no clone of it."""
    found = ((address, url_for(address, clone)) for address in registration.addresses)
    return next((Origin(address, url, clone, ctx.home) for address, url in found if url is not None), None)


def _require_same(origin: Origin, branch: str, plan: Plan, parse: ParsePlan) -> None:
    """A commit can't name another app than the protected plan does: that app would have a history without rules."""
    text = origin.text(branch, plan.file)
    try:
        found = parse(text, plan.file, lambda path: True).app if text is not None else plan.app
    except PlanError:
        return  # it deploys nothing
    if found != plan.app:
        raise GateRefused(
            f"this commit's plan has `app: {plan.app}`, but the plan on {branch} of {origin.address} has `app: {found}`",
            hint=f"if the app was renamed: shipway rename app {found} {plan.app}; then plans may have either name",
        )


def _require_protected(ctx: Context, origin: Origin, branch: str, plan: Plan) -> None:
    """Only the first app of a repository may begin with a plan that the protected branch lacks: otherwise any pushed
    branch could add an app with rules of its own."""
    if _others(ctx, origin) and origin.text(branch, plan.file) is None:
        raise GateRefused(
            f"{plan.app} is a new app of this repository, whose protected branch {branch} has no {plan.file}",
            hint=f"merge the plan to {branch} first; or, as an operator: shipway rules register --plan {plan.file} --reason TEXT",
        )


def _others(ctx: Context, origin: Origin) -> list[Registration]:
    """The registrations of this repository."""
    found = map(ctx.ledger.registration, ctx.ledger.apps())
    return [made for made in found if made is not None and _means(made, origin.address)]


def _usual_branch(ctx: Context, origin: Origin) -> str:
    """The protected branch of a new app: that of the repository's other apps, if they have one, else the default one. A
    person may have chosen another branch than the remote's HEAD, to which anyone may push."""
    known = sorted({made.branch for made in _others(ctx, origin)})
    if len(known) == 1:
        return known[0]
    usual = default_branch(origin)
    return usual if not known or usual in known else known[0]


def register(
    ctx: Context,
    origin: Origin,
    plan: Plan,
    protected: str | None,
    reason: str = "",
    *,
    address: str = "",
    path: str = "",
    record: bool = True,
) -> Registration:
    """Record and report it; record=False: report what would be recorded. The plan stands in if the protected branch has
    none. address: if it differs from the one that is read now."""
    branch = protected or _usual_branch(ctx, origin)
    baseline = origin.before(branch, plan.file)
    made = Registration(
        plan.app, address or origin.address, plan.file, branch, baseline, ctx.actor, ctx.clock(), path, reason
    )
    if record:
        ctx.ledger.register(made)
    for line in registration_notes(made, origin.refs(), remote=not is_own(origin), record=record):
        ctx.reporter.note(line)
    if origin.text(branch, plan.file) is None:
        if record:
            ctx.ledger.accept_rules(
                AcceptedRules(plan.app, STAND_IN, plan, (), ctx.actor, reason or "the first plan", ctx.clock())
            )
        ctx.reporter.note(f"{branch} has no {plan.file} yet: until then, the rules of this first plan are in force")
    return made


def register_again(
    ctx: Context, repository: Repository, plan: Plan, protected: str | None, reason: str, address: str | None = None
) -> Registration:
    """Replace the registration at a user's request. address: by which clones reach the repository, if it isn't this
    clone's remote; it must have the app's history. UsageError without a reason."""
    if not reason.strip():
        raise UsageError("a registration that replaces another needs a reason", hint="--reason TEXT")
    found = ctx.ledger.registration(plan.app)
    if address is None:
        origin = _first_origin(ctx, repository)
        same = found is not None and _means(found, origin.address)
        return register(
            ctx,
            origin,
            plan,
            protected,
            reason,
            address=found.address if found and same else "",
            path=found.path if found and same else "",
        )
    origin = _named_origin(ctx, repository, address)
    _require_history(ctx, origin, plan.app, found)
    return register(
        ctx,
        origin,
        plan,
        protected or (found.branch if found else None),
        reason,
        path=_path_beside(ctx, repository, found, origin.address),
    )


def _means(registration: Registration, address: str) -> bool:
    return identity(address) in map(identity, registration.addresses)


def _named_origin(ctx: Context, repository: Repository, url: str) -> Origin:
    """The repository at an address given by the user, which may contain credentials."""
    address = address_of(url.strip(), Path.cwd())
    return Origin(address, address if is_path(address) else url.strip(), repository, ctx.home)


def _path_beside(ctx: Context, repository: Repository, found: Registration | None, address: str) -> str:
    """The bare repository's own path is recorded beside an address for others: its hook runs there."""
    if is_path(address):
        return ""
    if _is_pushed_to(ctx, repository):
        return own_address(repository)
    if found is None:
        return ""
    return found.address if is_path(found.address) else found.path if _means(found, address) else ""


def _require_history(ctx: Context, origin: Origin, app: str, found: Registration | None) -> None:
    """GateRefused if it lacks the baseline or, without one, has none of the newest releases' commits nor the
    clone's."""
    releases = [release.revision for release in ctx.ledger.releases(app, limit=LATEST)]
    desired = [found.baseline] if found and found.baseline else releases or [origin.clone.commit("HEAD").revision]
    if not any(origin.has(revision) for revision in desired):
        what = (
            f"the baseline of {app}"
            if found and found.baseline
            else f"a release of {app}"
            if releases
            else "which is checked out here: push it first"
        )
        raise GateRefused(
            f"{origin.address} is not the repository of {app}: it lacks commit {desired[0][:12]}, {what}",
            hint=f"pass the address of the repository that has it; if {app} has a new repository: {HOW}, in a clone of it",
        )


def register_hook(ctx: Context, repository: Repository, protected: str | None, parse: ParsePlan) -> list[Registration]:
    """Register the apps of a bare repository that gets the hook; none if its protected branch has no plan yet: the first
    push registers.

    GateRefused if an app is bound to another repository.
    """
    origin = _first_origin(ctx, repository)
    branch = protected or (_usual_branch(ctx, origin) if origin.refs().commits else None)
    tip = origin.refs().branches().get(branch or "")
    texts = {file: origin.text(branch, file) for file in plan_files(repository, tip)} if tip and branch else {}
    if not texts:
        ctx.reporter.note(
            "the first push of a plan registers its app here"
            + (f", with the protected branch {branch}" if branch else "")
        )
    plans = [parse(text, file, lambda path: True) for file, text in texts.items() if text is not None]
    return [_registered_by_hook(ctx, origin, plan, protected) for plan in plans]


def _registered_by_hook(ctx: Context, origin: Origin, plan: Plan, protected: str | None) -> Registration:
    found = ctx.ledger.registration(plan.app)
    if found is not None and not _means(found, origin.address):
        raise GateRefused(
            f"{plan.app} is bound to {found.plan} of {found.address}, not to {origin.address}",
            hint=f"if it has moved, in the new repository: {HOW}",
        )
    if found is not None and found.branch == (protected or found.branch):
        return found
    if found is None:
        _require_known(ctx, origin, plan.app)
    return register(
        ctx, origin, plan, protected, address=found.address if found else "", path=found.path if found else ""
    )


def registration_notes(made: Registration, refs: Refs, *, remote: bool, record: bool = True) -> list[str]:
    """What was or would be registered, and how to change it."""
    where = (
        f"{made.plan} of {made.address}"
        + (f" (its hook: {made.path})" if made.path else "")
        + f", protected branch {made.branch}"
    )
    other = "(to change it: shipway rules register --protected BRANCH --reason TEXT)"
    lines = [
        f"{made.app} is registered: {where} {other}"
        if record
        else f"{made.app} is not registered yet: `shipway run` registers {where} {other}"
    ]
    if not remote:
        lines.append(f"this repository has no remote: its own branch {made.branch} defines the rules in force")
    if made.branch in ("develop", "development") and any(name in refs.branches() for name in USUAL):
        usual = next(name for name in USUAL if name in refs.branches())
        lines.append(f"{made.branch} is the remote's HEAD; if {usual} is the reviewed branch, protect {usual} instead")
    return lines


def default_branch(origin: Origin) -> str:
    """The remote's HEAD, else main, master or trunk, else the only branch; never just the checked-out one."""
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
            f"the protected branch of {origin.address} is unknown: none is called main, master or trunk (branches: {listed})",
            hint="shipway rules register --protected BRANCH --reason TEXT",
        )
    return usual


def _first_origin(ctx: Context, repository: Repository) -> Origin:
    """A bare repository itself, since it is pushed to; else the remote `origin`, or the only one; else the clone
    itself."""
    found = addresses(repository)
    own = own_address(repository)
    remotes = [address for address in found if address != own]
    if _is_pushed_to(ctx, repository) or not remotes:
        return Origin(own, own, repository, ctx.home)
    return Origin(remotes[0], found[remotes[0]], repository, ctx.home)


def _is_pushed_to(ctx: Context, repository: Repository) -> bool:
    """A mirror has no work tree either, but stands for its remote, on this machine and on others."""
    return repository.is_bare and not is_mirror(ctx.home, repository.common)


def is_own(origin: Origin) -> bool:
    """Whether it is the repository of this working directory, without a remote."""
    return origin.address == own_address(origin.clone) and not is_bare(origin.address)


def _require_known(ctx: Context, origin: Origin, app: str) -> None:
    """An app with releases can only be registered by the repository that they come from."""
    releases = ctx.ledger.releases(app, limit=LATEST)
    if releases and not any(origin.has(release.revision) for release in releases):
        raise GateRefused(
            f"the ledger has {len(releases)} releases of {app}, but {origin.address} has none of their commits",
            hint=f"give this project its own `app:`; if this is the repository of {app}: {HOW}",
        )
