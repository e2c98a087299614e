"""A database that is a file: its volume, and the program that reads it."""

from __future__ import annotations

from shipway.actions.environment.jobs import never_started
from shipway.actions.environment.service_job import service_job
from shipway.context import Context
from shipway.domain.desired import Settings
from shipway.domain.errors import DeployFailed, EngineError
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.steps.database_server import ask


def prepare_file(ctx: Context, release: Release, environment: Environment, own: Settings) -> None:
    """Create its volume as the service would, so that it belongs to the service's user whatever runs first. DeployFailed if
    its image can't read such files. ctx: of the host of the database; nothing is done for a database with a server."""
    accessory, database = release.migrated, release.plan.database
    if accessory is None or database is None or not accessory.file:
        return
    with never_started(ctx, service_job(release, environment, own, database.service, {}, volumes=True)):
        pass
    server = ctx.servers[accessory.kind]
    try:
        code, output = ask(ctx, release.app, environment.name, accessory, "", server.command("reach"))
    except EngineError as error:
        code, output = 1, error.message
    if code != 0:
        raise DeployFailed(
            f"the image {accessory.image} can't read {accessory.file.path}, a file of {server.product}: {output.strip()[-300:]}",
            hint="name an image that can in `database: {image: …}` of the plan; docs/databases.md says what it needs",
        )
