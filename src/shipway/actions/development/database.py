"""The development database: migrated and filled from the working tree, and recreated when asked."""

from __future__ import annotations

import dataclasses

from shipway.actions.development.session import Session
from shipway.actions.environment.jobs import Files, database_tool, image_files
from shipway.actions.environment.service_job import service_job
from shipway.actions.environment.tool_container import one_off, tool_containers
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.development import migration_key, mounted
from shipway.domain.errors import StepFailed
from shipway.domain.record import to_data
from shipway.domain.release import digest_of
from shipway.ports import OneOff
from shipway.steps.container import TIMED_OUT, run_container

SEED_TIMEOUT = 1800.0  # seconds


def bring_up_to_date(session: Session) -> None:
    """Apply the working tree's migrations, then the seed, if either or the database changed since they last passed.
    MigrationFailed or StepFailed otherwise: then no service starts."""
    migrate(session)
    seed(session)


def migrate(session: Session) -> None:
    """Apply pending migrations; a tool whose files are the same as after its last success isn't asked again."""
    plan = session.plan
    if plan.database is None or plan.database.on_start:
        return
    key = migration_key(plan, _files(session), _identity(session))
    if key == session.state.migrated:
        return
    ctx = session.ctx
    release, own = session.release()
    laid = mounted(plan, session.own.environment, plan.database.service)
    job = service_job(release, session.own.environment, own, plan.database.service, {})

    with tool_containers(ctx) as shared:

        def runner(spec: ContainerSpec) -> OneOff:
            return one_off(shared, dataclasses.replace(spec, volumes={**spec.volumes, **laid}))

        def files(_: Files) -> Files:
            return lambda folder: image_files(shared, dataclasses.replace(job, volumes=laid), folder)

        tool = database_tool(shared, release, session.own.environment, own, runner=runner, files=files)
        assert tool is not None
        pending = tool.pending()
        if pending:
            with ctx.part("migrate", ", ".join(pending)):
                tool.up(lambda line: ctx.reporter.line("migrate", line))
    session.remember(migrated=key)


def seed(session: Session) -> None:
    """Run the seed of the plan's environments, once for each database and each text of its command."""
    chosen = session.own.environment.seed
    if chosen is None:
        return
    key = digest_of([_identity(session), to_data(chosen)])
    if key == session.state.seeded:
        return
    ctx = session.ctx
    release, own = session.release()
    extra = {name: own.secrets[name] for name in chosen.secrets}
    job = service_job(release, session.own.environment, own, chosen.service, extra, volumes=True)
    spec = dataclasses.replace(job, entrypoint=("sh", "-c"), command=(chosen.run,))
    with ctx.part("seed", chosen.run):
        code = run_container(ctx, spec, on_line=lambda line: ctx.reporter.line("seed", line), timeout=SEED_TIMEOUT)
        if code != 0:
            why = f"timed out after {SEED_TIMEOUT:g} s" if code == TIMED_OUT else f"exited with {code}"
            raise StepFailed(f"the seed `{chosen.run}` {why}")
    session.remember(seeded=key)


def reset(session: Session) -> None:
    """Remove the database with its data, create it again, migrate and seed. No service may run."""
    database = session.plan.database
    accessory = session.plan.accessories.get(database.accessory) if database else None
    app, environment = session.plan.app, session.checkout.environment
    ctx = session.ctx
    if database is None:
        raise StepFailed(f"the plan of {app} has no `database`", hint="`shipway dev down --volumes` removes all data")
    if database.file:
        volumes = session.plan.services[database.service].volumes.values()
        gone = [names.volume(app, environment, item.name) for item in volumes if not item.folder]
        session.stop_services(remove=True)
        found = "the volume with its file"
    else:
        if accessory is None or accessory.external:
            raise StepFailed(f"{database.accessory} runs elsewhere: Shipway doesn't empty it")
        name = names.accessory(app, environment, accessory.name)
        ctx.runtime.remove(name)
        gone, found = [name], f"{accessory.name} with its volume"
    with ctx.part("reset", f"removes {found}"):
        for name in gone:
            ctx.runtime.remove_volume(name)
    session.remember(migrated="", seeded="")
    session.build(())
    session.start_accessories()
    bring_up_to_date(session)


def _files(session: Session) -> dict[str, str]:
    run = session.run
    return run.repository.tree_hashes(run.commit.revision, ["."])


def _identity(session: Session) -> str:
    """What another database than before has differently: the container that was created for it, or its address."""
    plan, ctx = session.plan, session.ctx
    database = plan.database
    if database is None:
        found = sorted(item.name for item in plan.own_accessories.values())
        containers = [ctx.runtime.find(names.accessory(plan.app, session.checkout.environment, name)) for name in found]
        return digest_of([item.id if item else "" for item in containers])
    if database.file:
        file = plan.migrated(session.images)
        volume = names.volume(plan.app, session.checkout.environment, file.file.volume) if file and file.file else ""
        return volume if volume and ctx.runtime.has_volume(volume) else ""
    if database.accessory not in plan.own_accessories:
        return digest_of(["external", session.given.get(plan.accessories[database.accessory].external or "", "")])
    container = ctx.runtime.find(names.accessory(plan.app, session.checkout.environment, database.accessory))
    return container.id if container else ""
