"""`shipway check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shipway.cli import Globals
from shipway.cli.output import say, style


@click.command()
@click.option(
    "--plan",
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="The plan file [shipway.yaml in this folder or a parent folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the plan file, for editors")
@click.pass_obj
def check(options: Globals, file: Path | None, as_json: bool, schema: bool) -> None:
    """Check the plan and print all its problems, with line, column and what was expected."""
    if schema:
        from shipway.planfile.schema import PUBLISHED

        say(PUBLISHED.read_text(encoding="utf-8").rstrip())
        return
    from shipway.actions.projects.check import check as check_plan
    from shipway.actions.projects.check import check_files
    from shipway.app import existing_ledger, this_machine
    from shipway.domain.errors import PlanError
    from shipway.domain.plan import PLAN_FILE
    from shipway.planfile import find
    from shipway.planfile.problem import documentation

    path = file / PLAN_FILE if file and file.is_dir() else file or find(Path.cwd())
    with existing_ledger(options.home) as ledger:
        result = check_plan(path, this_machine, ledger)
    if as_json:
        import json

        from shipway.domain.record import to_data

        say(json.dumps({"valid": result.valid, "problems": to_data(result.problems)}, indent=2))
    else:
        for problem in result.problems:
            say(problem.render(style))
        if not result.valid:
            say(style(documentation(result.problems), "dim"))
        for hint in result.renamed:
            say(f"{style('note:', 'yellow')} {hint}")
        say(style(result.summary(path.name), "green" if result.valid else "red"))
    if not result.valid:
        sys.exit(PlanError.exit_code)
    check_files(path.absolute())
