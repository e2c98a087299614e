"""Render docs/assets/recording.svg from a real run of the tutorial: `make recording`. It needs a Docker Engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.blocks import Shell, blocks  # noqa: E402

PICTURE = ROOT / "docs" / "assets" / "recording.svg"
TUTORIAL = ROOT / "docs" / "tutorial.md"
WIDTH = 108  # columns
SHOWN = ("git push --quiet origin v1.1.0", "shipway rollback production --reason")
TITLE = "A release with a migration, and back"


def main() -> None:
    """Follow the tutorial to its end, which removes all, and write the picture of the commands in SHOWN."""
    seen: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as folder, reader(Path(folder)) as shell:
        for block in blocks(TUTORIAL):
            if block.file:
                shell.save(block.file, block.text)
            elif block.runs:
                for command in block.text.splitlines():
                    print(f"$ {command}", flush=True)
                    output = shell.run(command)
                    if command.startswith(SHOWN):
                        seen.append((command, output))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(seen), encoding="utf-8")


@contextmanager
def reader(folder: Path) -> Iterator[Shell]:
    """A shell as the tutorial's reader has it: nothing on the machine is used but the Docker Engine."""
    (folder / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    work = folder / "work"
    work.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SHIPWAY_"))}
    bin_ = str(Path(sys.executable).parent)
    yield Shell(work, {
        **env, "HOME": str(folder), "SHIPWAY_HOME": str(folder / "home"), "PATH": f"{bin_}:{env['PATH']}",
        "FORCE_COLOR": "1", "COLUMNS": str(WIDTH),
    })  # fmt: skip


def picture(seen: list[tuple[str, str]]) -> str:
    """SVG of a terminal with these commands and their output (with its colours)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    for command, output in seen:
        console.print(Text(f"$ {command}", style="bold"))
        for line in tidy(output):
            console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True)
        console.print()
    svg = console.export_svg(title=TITLE, unique_id="shipway")
    svg = re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL)  # the picture loads nothing
    return re.sub(r"[ \t]+$", "", svg.replace("Fira Code", "ui-monospace"), flags=re.MULTILINE)


def tidy(output: str) -> list[str]:
    """Lines without git's prefix."""
    return [re.sub(r"^remote: ?", "", line).rstrip() for line in output.splitlines()]


if __name__ == "__main__":
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        sys.exit("recording: no Docker Engine answers: run `make setup`")
    main()
