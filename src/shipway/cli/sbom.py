"""`shipway sbom`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.actions.provenance.packages import ImagePackages, ServiceChanges

FORMS = ("table", "cyclonedx", "spdx")


@click.command()
@click.argument("release", metavar="RELEASE|ENVIRONMENT")
@click.argument("service", required=False)
@click.option("--against", metavar="RELEASE|ENVIRONMENT", help="What it has in place of the packages of this one")
@click.option("--format", "form", type=click.Choice(FORMS), default="table", help="A document of one image [table]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def sbom(
    options: Globals, release: str, service: str | None, against: str | None, form: str, as_json: bool, app: str | None
) -> None:  # fmt: skip
    """Print the packages of a release's images, or of those of SERVICE; with --against, what was added, removed and changed.

    RELEASE is a number or a version, such as r12 or v1.4.0; of an environment, what runs there.
    """
    from shipway.actions.environment.compare import named_release
    from shipway.actions.provenance.packages import document, no_sbom, package_changes, packages_in
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.record import to_data

    if form != "table" and against:
        raise UsageError("--format has no meaning with --against: a document is of one image")
    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        found = named_release(known, release)
        if form != "table":
            say(json.dumps(document(ctx, found, service, form), indent=2))
        elif against is not None:
            before = named_release(known, against)
            changes = package_changes(ctx, before, found, service)
            if as_json:
                say(json.dumps(to_data(changes), indent=2))
            else:
                say(style(f"r{before.number} → r{found.number}", "bold"))
                _show_changes(changes)
        else:
            listed = packages_in(ctx, found, service)
            if as_json:
                say(json.dumps(to_data(listed), indent=2))
            elif not any(item.tool for item in listed):
                raise no_sbom(found)
            else:
                _show(listed)


def _show(listed: Sequence[ImagePackages]) -> None:
    from shipway.domain.count import counted

    for item in listed:
        made = f"{counted(len(item.packages), 'package')}, by {item.tool}" if item.tool else "no SBOM was made"
        say(style(f"{', '.join(item.services)}: {made}", "bold"))
        rows = [[one.name, one.version, one.kind, one.licenses] for one in item.packages]
        if rows:
            table(rows, ["package", "version", "kind", "licences"], ["licences"])


def _show_changes(changes: Sequence[ServiceChanges]) -> None:
    if not changes:
        say("the images are the same")
    for item in changes:
        title = item.problem or (item.changes.text if item.changes else "the packages are the same")
        say(style(f"{', '.join(item.services)}: {title}", "bold"))
        rows = [
            *(["+", one.name, "", one.version, one.kind] for one in item.changes.added),
            *(["-", one.name, one.version, "", one.kind] for one in item.changes.removed),
            *(["~", one.name, one.before, one.after, one.kind] for one in item.changes.changed),
        ]
        if rows:
            table(rows, ["", "package", "before", "after", "kind"])
