"""A proof as Markdown for a comment on a pull request, as GitHub, GitLab and Gitea show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from shipway.domain.proof import Proof
from shipway.domain.rollback_plan import FORWARD_ONLY
from shipway.domain.value import dataclass
from shipway.proving.report.follows import FIRST, what_follows
from shipway.proving.report.messages import (
    BAD,
    DOUBT,
    GOOD,
    GRADES,
    MODES,
    NONE,
    loss_text,
    releases,
    schemas,
    short_image,
    verdicts,
)
from shipway.proving.report.traffic import growth_text, summary, wait_text
from shipway.system.durations import human

MOST = 60_000  # characters: GitHub rejects comments of more than 65,536
MARKS = {GOOD: "✅", DOUBT: "⚠️", BAD: "❌", NONE: "⚪"}
LONGEST = 400  # characters of one reason
_SPECIAL = re.compile(r"[\\`*\[\]|~&<>]|(?<!\w)_|_(?!\w)")
_LINKED = re.compile(r"(?<!\w)([@#!])(?=\w)")  # a person, an issue or a merge request


@dataclass(frozen=True)
class Block:
    """Lines that are folded under a title; long ones are cut, so that the whole fits into a comment."""

    title: str
    lines: Sequence[str]
    head: Sequence[str] = ()  # of a table
    open: bool = False  # shown without a title, and not folded


def markdown(proof: Proof) -> str:
    """The rollback plan, the verdicts with their reasons, and folded below what explains them."""
    follows = what_follows(proof)
    tone = {FORWARD_ONLY: BAD, FIRST: NONE}.get(follows.way, GOOD)
    lead = [
        f"**{MARKS[tone]} Rollback: {escaped(follows.title)}.** {escaped(follows.sentence)}",
        "",
        " · ".join(filter(None, map(escaped, _facts(proof)))),
    ]
    rows = [
        row(f"{MARKS[item.grade]} {item.part}", code(item.word), "; ".join([item.meaning, *item.reasons]))
        for item in verdicts(proof)
    ]
    return assembled(lead, [Block("", rows, table("part", "verdict", "why"), open=True), *_details(proof)])


def _facts(proof: Proof) -> tuple[str, ...]:
    return (
        f"{proof.app} on {proof.environment}",
        releases(proof),
        f"schema {schemas(proof)}" if schemas(proof) else "",
        MODES.get(proof.mode, proof.mode),
        short_image(proof.image),
        human(proof.seconds),
    )


def _details(proof: Proof) -> Iterator[Block]:
    report = proof.way
    if report is not None:
        yield Block("Not restored", bullets(map(str, report.differences)))
        yield Block("Rows and values lost", bullets(f"{loss.table}: {loss_text(loss)}" for loss in report.losses))
        yield Block("Warnings", bullets(report.warnings))
        yield Block("Changes by the up migrations", bullets(map(str, report.changes)))
    if proof.traffic is not None:
        waits = (*map(wait_text, proof.traffic.waits), *proof.traffic.failures)
        yield Block(f"Up migrations under traffic: {summary(proof.traffic)}", bullets(waits))
    yield Block("Grows with the number of rows", bullets(map(growth_text, proof.growth)))
    rows = [
        row(code(", ".join(each.migrations)), f"{MARKS[GRADES.get(each.verdict, NONE)]} {code(each.verdict)}",
            "; ".join(each.reasons)) for each in proof.each
    ]  # fmt: skip
    yield Block("Each migration alone", rows, table("migration", "verdict", "why"))


def assembled(lead: Sequence[str], blocks: Iterable[Block]) -> str:
    """The document, of at most MOST characters: what doesn't fit is counted."""
    text = "\n".join(lead) + "\n"
    for block in blocks:
        if block.lines:
            text += _fitting(block, MOST - len(text))
    return text


def _fitting(block: Block, room: int) -> str:
    title = f"<details><summary>{block.title} ({len(block.lines)})</summary>"
    start, end = ("", "") if block.open else (f"\n{title}\n", "\n</details>\n")
    used = len(start) + len(end) + sum(len(line) + 1 for line in block.head) + 60  # for the line that counts the rest
    shown: list[str] = []
    for line in block.lines:
        used += len(line) + 1
        if used > room:
            break
        shown.append(line)
    if not shown:
        return ""
    more = len(block.lines) - len(shown)
    rest = [f"\n… and {more} more: see the other reports"] if more else []
    return start + "\n" + "\n".join([*block.head, *shown, *rest]) + "\n" + end


def table(*names: str) -> tuple[str, str]:
    """The head of a table."""
    return row(*names), "|" + " --- |" * len(names)


def row(*cells: str) -> str:
    """A row of a table. The last cell is plain text, the others are Markdown."""
    *first, last = cells
    return f"| {' | '.join([*first, escaped(last)])} |"


def bullets(texts: Iterable[str]) -> list[str]:
    """A list."""
    return [f"- {escaped(text)}" for text in texts]


def escaped(text: str) -> str:
    """Plain text on one line: no markup, and no link to a person or an issue. Long text is cut."""
    line = text
    if not text.isprintable():
        line = "".join(sign if sign.isprintable() else " " if sign.isspace() else "�" for sign in text)
    line = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
    return _LINKED.sub(r"\1<!-- -->", _SPECIAL.sub(lambda found: f"\\{found[0]}", line))


def code(text: str) -> str:
    """Text as code."""
    line = " ".join(text.split())
    if any(sign in line for sign in "`|"):
        return f"<code>{escaped(line)}</code>"
    return f"`{line}`"
