"""A proof as lines for a terminal or a log."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from shipway.domain.proof import MigrationReport, Proof, Stage
from shipway.domain.rollback_plan import FORWARD_ONLY
from shipway.proving.report.follows import what_follows
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
from shipway.proving.report.timeline import all_stages, lock_texts
from shipway.system.durations import human, timestamp

Style = Callable[[str, str], str]  # text and red, green, yellow, dim or bold, as `cli.output.style`
MOST = 8  # items of a list
LINES = 4  # of an item: a definition may be long
MARKS = {GOOD: ("✓", "green"), DOUBT: ("●", "yellow"), BAD: ("✗", "red"), NONE: ("○", "yellow")}


def plain(text: str, how: str) -> str:
    """Render without colour."""
    return text


def lines(proof: Proof, style: Style = plain, width: int = 100) -> list[str]:
    """The most important first; `width` in characters. Lists are truncated; the page and the JSON have them in full."""
    return list(_Terminal(style, max(width, 40)).proof(proof))


class _Terminal:
    def __init__(self, style: Style, width: int) -> None:
        self.style, self.width = style, width

    def proof(self, proof: Proof) -> Iterator[str]:
        style = self.style
        yield f"{style('▌', 'green')} {style(f'proof of {_line(proof.app)} on {_line(proof.environment)}', 'bold')}  {releases(proof)}"
        facts = [
            MODES.get(proof.mode, proof.mode),
            short_image(proof.image),
            human(proof.seconds),
            f"{timestamp(proof.at)} UTC",
        ]
        yield from self._wrapped(", ".join(filter(None, facts)), "  ", how="dim")
        if schemas(proof):
            yield from self._wrapped(f"schema {schemas(proof)}", "  ", how="dim")
        yield ""
        yield from self._verdicts(proof)
        yield ""
        follows = what_follows(proof)
        colour = "red" if follows.way == FORWARD_ONLY else "green"
        yield f"  {style('▸', 'yellow')} rollback: {style(follows.title, colour)}"
        yield from self._wrapped(follows.sentence, "    ")
        if proof.way:
            yield from self._list("not restored", [str(item) for item in proof.way.differences])
            lost = [f"{loss.table}  {loss_text(loss)}" for loss in proof.way.losses]
            yield from self._list("rows and values lost", lost)
        yield from self._stages(all_stages(proof))
        yield from self._locks(proof.way)
        if proof.way:
            yield from self._list("warnings", proof.way.warnings, mark="●", colour="yellow")
        yield from self._each(proof)

    def _verdicts(self, proof: Proof) -> Iterator[str]:
        found = verdicts(proof)
        first, wide = max(len(item.part) for item in found), max(len(_line(item.word)) for item in found)
        for item in found:
            indent = first + wide + 4
            yield from self._item(
                item.meaning, "  ", item.grade, f"{item.part:<{first}} ", _line(item.word).ljust(wide)
            )
            for reason in _cut(item.reasons):
                yield from self._wrapped(reason, " " * (indent + 1) + "- ")

    def _stages(self, stages: Sequence[Stage]) -> Iterator[str]:
        if not stages:
            return
        yield from self._heading("stages")
        wide = max(len(_line(stage.name)) for stage in stages)
        for stage in stages:
            good = stage.outcome == "succeeded"
            rows = sum(stage.rows.values())
            notes = [] if good else [stage.outcome]
            notes += [f"{rows:,} rows changed"] if rows else []
            if stage.rewrites:
                others = len(stage.rewrites) - 1
                notes.append(f"{stage.rewrites[0]}{f' and {others} more tables' if others else ''} rewritten")
            yield from self._item(
                "; ".join(notes),
                "    ",
                GOOD if good else BAD,
                f"{_line(stage.name):<{wide}}  {human(stage.seconds):>10}",
                "",
            )
            for text in () if good else stage.output[-MOST:]:
                yield self.style("      │", "dim") + " " + _line(text)[: self.width - 8]

    def _locks(self, report: MigrationReport | None) -> Iterator[str]:
        yield from self._list("blocking locks", lock_texts(report) if report else [], most=6)

    def _each(self, proof: Proof) -> Iterator[str]:
        """Irreversible migrations one by one, the others as a count."""
        if not proof.each:
            return
        yield from self._heading("each migration alone" + (", for information" if proof.way else ""))
        bad = [report for report in proof.each if GRADES.get(report.verdict) != GOOD]
        wide = max((len(_line(report.verdict)) for report in bad[:MOST]), default=0)
        for report in bad[:MOST]:
            why = ": ".join([", ".join(report.migrations), *report.reasons[:1]])
            yield from self._item(why, "    ", GRADES.get(report.verdict, NONE), "", _line(report.verdict).ljust(wide))
        yield from self._more(len(bad) - MOST)
        good = Counter(report.verdict for report in proof.each if GRADES.get(report.verdict) == GOOD)
        for verdict, count in good.most_common():
            yield f"    {self.style('✓', 'green')} {count} {'others ' if bad else ''}{self.style(verdict, 'green')}"

    def _item(self, text: str, indent: str, grade: str, before: str, word: str) -> Iterator[str]:
        """A mark, the text `before` the word, the coloured word, and a text beside them."""
        mark, colour = MARKS[grade]
        head = f"{indent}{mark} {before}{word}  "
        first, *rest = self._wrapped(text, head)
        shown = word.rstrip()
        yield f"{indent}{self.style(mark, colour)} {before}{self.style(shown, colour) if shown else ''}{first[len(head) - len(word) - 2 + len(shown) :]}"
        yield from rest

    def _heading(self, text: str) -> Iterator[str]:
        yield ""
        yield f"  {self.style(text, 'bold')}"

    def _list(
        self, heading: str, texts: Sequence[str], mark: str = "-", colour: str = "", most: int = MOST
    ) -> Iterator[str]:
        if not texts:
            return
        yield from self._heading(heading)
        for text in texts[:most]:
            first, *rest = self._wrapped(text, f"    {mark} ")
            yield first.replace(mark, self.style(mark, colour), 1) if colour else first
            yield from rest
        yield from self._more(len(texts) - most)

    def _more(self, count: int) -> Iterator[str]:
        if count > 0:
            yield self.style(f"      and {count} more", "dim")

    def _wrapped(self, text: str, first: str, how: str = "") -> list[str]:
        """Wrap to the terminal's width with the first line's indentation; names are not broken."""
        room = max(self.width, len(first) + 20)
        found = textwrap.wrap(
            _line(text),
            room,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_on_hyphens=False,
            max_lines=LINES,
            placeholder=" …",
        )
        return [self.style(line, how) if how else line for line in found or [first.rstrip()]]


def _cut(texts: Sequence[str], most: int = 5) -> list[str]:
    more = len(texts) - most
    return [*texts[:most], *([f"and {more} more"] if more > 0 else [])]


def _line(text: str) -> str:
    """One line without control sequences."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "�" for sign in text)
