"""The migration tool of the release that brought the schema which a rollback reverts, even if its image is gone."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.actions.database.down_scripts import as_folder, recorded_scripts, write_out
from shipway.actions.environment.jobs import Files, database_tool, files_of
from shipway.actions.environment.observe import settings
from shipway.context import Context
from shipway.domain.desired import Settings
from shipway.domain.errors import EngineError, MigrationFailed, RegistryError
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.schema_history import SchemaRevision
from shipway.ports import DatabaseTool


def down_migration_tool(
    ctx: Context, target: Release, revisions: Sequence[SchemaRevision], environment: Environment, own: Settings
) -> DatabaseTool | None:
    """The tool of the newest release in the schema history. Without its image, plain SQL uses the recorded scripts;
    other tools can't, and the error names the files with the scripts."""
    brought = ctx.ledger.release(target.app, revisions[-1].release)
    if brought is None or brought.plan.database is None:
        return None
    recorded: dict[str, str] = {}
    for item in revisions:
        recorded |= recorded_scripts(ctx, target.app, environment.name, item.release)
    if brought.plan.database.tool != "sql":
        _require_image(ctx, brought, brought.plan.database.service, environment, recorded)

    def instead(image_has: Files) -> Files:
        def read(folder: str) -> dict[str, bytes]:
            try:
                return image_has(folder)
            except (EngineError, RegistryError) as error:
                downs = as_folder(recorded)
                if not downs:
                    raise _gone(ctx, brought, environment, recorded, error) from error
                ctx.reporter.note(
                    f"the image of release {brought.number} can't be pulled ({error.message}): its recorded down migrations run"
                )
                return {**downs, **files_of(ctx, target, environment, own, folder)}

        return read

    return database_tool(ctx, brought, environment, settings(ctx, brought, environment), files=instead)


def _require_image(
    ctx: Context, release: Release, service: str, environment: Environment, recorded: dict[str, str]
) -> None:
    try:
        ctx.images.pull(release.images[service], lambda line: None)
    except (EngineError, RegistryError) as error:
        raise _gone(ctx, release, environment, recorded, error) from error


def _gone(
    ctx: Context, release: Release, environment: Environment, recorded: dict[str, str], error: Exception
) -> MigrationFailed:
    where = write_out(ctx, release.app, environment.name, release.number, recorded) if recorded else None
    hint = (
        f"run them manually; they were recorded when they were deployed, and are now in {where}:\n{', '.join(recorded)}"
        if where
        else ""
    )
    return MigrationFailed(
        f"the image of release {release.number}, which has the down migrations, can't be pulled", hint=hint
    )
