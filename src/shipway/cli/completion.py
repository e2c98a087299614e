"""Shell completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from shipway.cli import cli

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    bash: `shipway completion bash > ~/.local/share/bash-completion/completions/shipway`.
    zsh: a file `_shipway` in a folder of `$fpath`. fish: `~/.config/fish/completions/shipway.fish`.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "shipway", "_SHIPWAY_COMPLETE").source())
