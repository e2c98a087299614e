"""The images that an image was built on, from the output of its build."""

from __future__ import annotations

import re

from shipway.context import Context
from shipway.domain.build import BuildSource
from shipway.domain.image import by_digest
from shipway.domain.provenance import Base

FROM = re.compile(r"#\d+ \[(?:[^\]\s]+ )?\d+/\d+\] FROM (?P<name>[^\s@]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?\s*$")
OFFICIAL = ("docker.io/library/", "docker.io/")  # how a builder names what others leave out
INSTRUCTION = re.compile(r"#\d+ \[(?!internal\])|#\d+ \d+\.\d+ ")  # that of a stage, or what it prints
MOST = 100


class Bases:
    """Reads a build's output. An instruction's text and output come from the commit, which could write lines like the
    builder's own there: all from the first instruction on is ignored."""

    def __init__(self, source: BuildSource) -> None:
        self._found: dict[str, str] = {}
        # These names are in the builder's output from its beginning.
        given = (source.dockerfile, source.target or "", source.folder)
        self._over = any(not text.isprintable() for text in given)

    def line(self, line: str) -> None:
        """One line of the output."""
        if self._over or len(self._found) >= MOST:
            return
        found = FROM.match(line)
        if found:
            self._found.setdefault(found["name"], found["digest"] or "")
        elif INSTRUCTION.match(line):
            self._over = True

    def of(self, ctx: Context) -> tuple[Base, ...]:
        """Those that were seen, but for names with a secret's value; the engine knows the digest of one that it had."""
        shown = {name: digest for name, digest in sorted(self._found.items()) if ctx.redactor.text(name) == name}
        return tuple(Base(name, digest or _digest(ctx, name)) for name, digest in shown.items())


def _digest(ctx: Context, name: str) -> str:
    short = next((name.removeprefix(prefix) for prefix in OFFICIAL if name.startswith(prefix)), name)
    found = ctx.images.inspect(short) or {}
    return by_digest(short, found.get("RepoDigests")).partition("@")[2]
