"""Generate docs/commands.md from the commands: `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from shipway.cli import COMMANDS, cli  # noqa: E402

PAGE = ROOT / "docs" / "commands.md"
HEAD = """\
# Commands

Generated from the commands by `make docs`; `shipway COMMAND --help` prints the same.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            *sections(
                cli,
                click.Context(
                    cli, info_name="shipway", max_content_width=100, terminal_width=100, **cli.context_settings
                ),
            ),
        ]
    )


def sections(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """One for a command, and those below it."""
    depth = "##" if ctx.parent is None or ctx.parent.parent is None else "###"
    yield f"{depth} `{ctx.command_path}`\n\n```text\n{command.get_help(ctx).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for name in COMMANDS if command is cli else sorted(command.commands):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from sections(below, click.Context(below, ctx, name))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
