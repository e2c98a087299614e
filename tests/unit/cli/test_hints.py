"""Commands that messages and docs name exist, with these options: a hint that can't be followed is worse than none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from shipway.cli import COMMANDS, cli
from shipway.cli.schedules import DEFAULT

ROOT = Path(__file__).parents[3]
CALL = re.compile(r"(?<![\w/.-])shipway (?:--(?:as|home|plan) \S+ |--?[\w-]+ )*([a-z][a-z-]*)((?: [^`\n;,:()#]*)?)")
PROSE = {"command"}  # as in: the next shipway command


def texts(path: Path) -> Iterator[str]:
    text = path.read_text()
    if path.suffix != ".py":
        yield text
    elif re.search(r"shipway[\s\"']", text):  # a name, and more of that text or its end
        yield from _strings(ast.parse(text))


def _strings(tree: ast.AST) -> Iterator[str]:
    """All of a program, with X for what is put in."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
            left += [part for part in node.values if not isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        else:
            left += ast.iter_child_nodes(node)


def wrong(text: str) -> Iterator[str]:
    for name, rest in CALL.findall(text):
        command = cli.get_command(click.Context(cli), name)
        if command is None:
            yield from [] if name in PROSE else [f"shipway {name}"]
            continue
        words = rest.split()
        if isinstance(command, click.Group):
            command = command.commands.get(words[0] if words else "", command.commands.get(DEFAULT, command))
        options = {"--help", *(option for item in command.params for option in (*item.opts, *item.secondary_opts))}
        given = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.partition(" -- ")[0])
        yield from (f"shipway {name}{rest}" for option in given if option not in options)


def test_what_is_wrong_is_found() -> None:
    assert list(wrong("run `shipway deploi staging`; `shipway scale web=2 --force`; shipway secret set KEY --wait 3")) == [
        "shipway deploi", "shipway scale web=2 --force", "shipway secret set KEY --wait 3",
    ]  # fmt: skip
    assert "deploy" in COMMANDS


@pytest.mark.parametrize("folder", ["src/shipway", "docs", "README.md"])
def test_every_named_command_exists(folder: str) -> None:
    place = ROOT / folder
    files = [place] if place.is_file() else [*place.rglob("*.py"), *place.rglob("*.md")]
    found = ((path, text) for path in files for text in texts(path) if "shipway" in text)
    assert {f"{path.name}: {item}" for path, text in found for item in wrong(text)} == set()
