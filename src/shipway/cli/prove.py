"""`shipway prove`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style
from shipway.cli.report_files import ReportFiles, report_options
from shipway.domain.errors import UsageError
from shipway.drivers.database.layouts import LAYOUTS

if TYPE_CHECKING:
    from shipway.domain.plan import Environment
    from shipway.domain.proof import Proof
    from shipway.domain.release import Release

TOOLS = ("alembic", "django")  # layouts whose migrations their own tool runs
OF_RELEASES = {
    "release": "RELEASE", "environment": "--env", "mode": "--mode", "again": "--again", "app": "--app", "plan": "--plan",
}  # fmt: skip
OF_FOLDERS = {
    "layout": "--layout", "dialect": "--dialect", "database": "--database", "image": "--image", "rows": "--rows",
    "lint": "--lint", "locks": "--locks", "strict": "--strict", "timeout": "--timeout", "first": "--from",
    "since": "--since", "only": "--only", "changed": "--changed",
}  # fmt: skip


class Seconds(click.FloatRange):
    """A time-out. `nan` is neither too small nor too large, so it needs a check of its own."""

    def __init__(self) -> None:
        super().__init__(min=0.01, max=86400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if found != found:
            self.fail(f"{value} is no number of seconds", param, ctx)
        return found


@click.command()
@click.argument("release", required=False)
@click.option(
    "--env",
    "environment",
    metavar="ENVIRONMENT",
    help="The environment whose current release is the rollback target [the one that requires proofs]",
)
@click.option(
    "--mode",
    type=click.Choice(["schema", "data", "rows"]),
    help="How the copy of its database is filled [as in the plan]",
)
@click.option("--again", is_flag=True, help="Test again, even if a proof is recorded")
@report_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.option(
    "--migrations",
    type=click.Path(path_type=Path, file_okay=False, readable=False),
    help="Test each migration of a folder, without a plan",
)
@click.option("--layout", type=click.Choice([*LAYOUTS, *TOOLS]), help="The layout of the folder [detected]")
@click.option(
    "--database",
    metavar="URL",
    help="The server to test them on, in temporary databases; or sqlite: [one that is started in a container]",
)
@click.option("--image", metavar="IMAGE", help="The image of that container [postgres:15, or mysql:8.4]")
@click.option(
    "--dialect",
    type=click.Choice(["postgres", "mysql", "sqlite"]),
    help="What the migrations are written for [from the other options and the folder, else postgres]",
)
@click.option("--rows", is_flag=True, help="Generate rows where migrations may lose some, and compare them")
@click.option(
    "--lint", is_flag=True, help="Find locks that only matter on large tables, with squawk (optional part lint)"
)
@click.option("--locks", is_flag=True, help="Record the locks of each migration, and the tables that it rewrites")
@click.option("--strict", is_flag=True, help="Fail if migrations were skipped")
@click.option(
    "--timeout",
    type=Seconds(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time-out of each up or down migration",
)
@click.option("--from", "first", metavar="NAME", help="Begin with this migration; earlier ones are only applied")
@click.option("--since", metavar="NAME", help="Begin after this migration, such as the newest one in production")
@click.option("--only", metavar="NAME", multiple=True, help="Test only this migration (repeatable)")
@click.option(
    "--changed",
    metavar="[REF]",
    is_flag=False,
    flag_value="",
    help="Test only migrations that this branch adds or changes, compared with REF [the main branch]",
)
@click.pass_context
def prove(
    ctx: click.Context, /, release: str | None, environment: str | None, mode: str | None, again: bool,
    html: Path | None, junit: Path | None, markdown: Path | None, badge: Path | None, as_json: bool,
    app: str | None, migrations: Path | None, **folder: Any,
) -> None:  # fmt: skip
    """Test the rollback of RELEASE before it is deployed, and report what it does not restore.

    RELEASE is a revision, a version or a release such as r12 [the newest]. Its migrations run up, down and up again on a copy
    of the environment's database, and the images of each release are tested on the schema of the other one.

    --migrations tests any folder of migrations, without a plan: on a server that is started in a container, or on the one of
    --database. The database that its URL names is not touched. NAME is a version, a name or a path.
    """
    files = ReportFiles({"html": html, "junit": junit, "markdown": markdown, "badge": badge}, as_json)
    options: Globals = ctx.obj
    if migrations is not None:
        _refuse(ctx, OF_RELEASES, "--migrations: it belongs to the proof of a release")
        from shipway.cli.prove_folder import prove_folder

        prove_folder(options, files, migrations, as_json=as_json, **folder)
        return
    _refuse(ctx, OF_FOLDERS, "a release: it belongs to --migrations FOLDER")
    from shipway.actions.deployments.proof_gate import require_rollback_plan
    from shipway.actions.proofs.prove import find_environment, find_release, runs_already
    from shipway.actions.proofs.prove import prove as prove_action
    from shipway.actions.proofs.recorded import recorded_proofs
    from shipway.app import open_context
    from shipway.domain.proof import UNSAFE

    silent = as_json or files.to_stdout
    with open_context(options.home, TerminalReporter(quiet=options.quiet, silent=silent), actor=options.actor) as plain:
        known = options.known_app(plain, app)
        opened = known.ctx
        chosen = find_release(opened, known.name, release)
        where = find_environment(chosen.plan, known.kept(environment) if environment else None)
        if runs_already(opened, chosen, where):
            proof = next(iter(recorded_proofs(opened, chosen, where.name)), None)
            say(_running(chosen, where, proof), err=silent)
        else:
            proof = prove_action(opened, chosen, where, mode=mode, again=again)
            if proof is None:
                say(f"nothing runs in {where.name} yet: there is no rollback target", err=silent)
            elif not as_json:
                show(proof, as_json, err=silent)
        if proof is None:
            return
        files.write(reports(proof))
        if as_json:
            show(proof, as_json)
        if proof.together is not None and proof.together.verdict == UNSAFE:
            strategy = where.strategy.kind
            say(
                f"{style('warning:', 'yellow')} both releases do not work at the same time, but the strategy {strategy} of {where.name} "
                "lets both serve for minutes: use blue-green or split the release",
                err=True,
            )
        require_rollback_plan(opened, proof)


def _running(release: Release, environment: Environment, proof: Proof | None) -> str:
    """Message that there is nothing left to prove before a deployment."""
    from shipway.actions.proofs.recorded import summary
    from shipway.system.durations import timestamp

    runs = f"release {release.number} already runs in {environment.name}"
    if proof is None:
        return f"{runs}, and has no recorded proof; `shipway rehearse {environment.name}` tests its rollback now"
    shown = f"shipway proof r{release.number} --env {environment.name}"
    return f"{runs}; its proof of {timestamp(proof.at)} UTC: {summary(proof)}: {shown}"


def show(proof: Proof, as_json: bool, *, err: bool = False) -> None:
    """Print the report."""
    from shipway.proving.report.data import as_json as data
    from shipway.proving.report.terminal import lines

    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    say(data(proof) if as_json else "\n".join(lines(proof, style, width)), err=err)


def reports(proof: Proof) -> dict[str, Callable[[], str]]:
    """The texts of the files of `ReportFiles`."""
    from shipway.proving.report.badge import badge
    from shipway.proving.report.junit import junit
    from shipway.proving.report.markdown import markdown
    from shipway.proving.report.page import page

    return {
        "html": lambda: page(proof), "junit": lambda: junit(proof), "markdown": lambda: markdown(proof),
        "badge": lambda: badge(proof),
    }  # fmt: skip


def _refuse(ctx: click.Context, options: dict[str, str], why: str) -> None:
    """An option is never ignored silently. UsageError."""
    for name, option in options.items():
        if ctx.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
            raise UsageError(f"{option} has no meaning with {why}")
