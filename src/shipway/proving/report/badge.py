"""A result as a small picture, for a README."""

from __future__ import annotations

from shipway.domain.proof import Proof
from shipway.domain.rollback_plan import FORWARD_ONLY
from shipway.proving.report.folder_results import FolderResults
from shipway.proving.report.follows import FIRST, what_follows
from shipway.proving.report.markup import tag
from shipway.proving.report.messages import BAD, GOOD, NONE

LABEL = "rollback"
COLOURS = {GOOD: "#1a7f45", BAD: "#b3261e", NONE: "#59636e"}
WIDE, NARROW = "mwMW@%", "ijlft1.,:'|/ "
HEIGHT, PADDING = 20, 6


def badge(proof: Proof) -> str:
    """An SVG document: whether a rollback from this release is proven."""
    way = what_follows(proof).way
    text = {FORWARD_ONLY: "not proven", FIRST: "no previous release"}.get(way, "proven")
    return _svg(text, {FORWARD_ONLY: BAD, FIRST: NONE}.get(way, GOOD))


def folder_badge(results: FolderResults) -> str:
    """An SVG document: how many of the selected migrations revert cleanly."""
    if not results.requested:
        return _svg("nothing tested", NONE)
    return _svg(f"proven {len(results.tested) - len(results.bad)}/{results.requested}", results.grade)


def _svg(text: str, grade: str) -> str:
    left, right = _width(LABEL) + 2 * PADDING, _width(text) + 2 * PADDING
    return (
        tag(
            "svg",
            tag("title", f"{LABEL}: {text}"),
            tag("rect", width=left, height=HEIGHT, fill="#444c56"),
            tag("rect", x=left, width=right, height=HEIGHT, fill=COLOURS[grade]),
            tag(
                "g",
                _words(LABEL, PADDING),
                _words(text, left + PADDING),
                fill="#fff", font_family="Verdana,DejaVu Sans,Geneva,sans-serif", font_size=11,
            ),
            xmlns="http://www.w3.org/2000/svg", width=left + right, height=HEIGHT, role="img", aria_label=f"{LABEL}: {text}",
        )
        + "\n"
    )  # fmt: skip


def _words(text: str, x: int) -> str:
    return tag("text", text, x=x, y=14, textLength=_width(text))


def _width(text: str) -> int:
    """Pixels, about as in the font; the viewer stretches the text to it."""
    return round(sum(10 if sign in WIDE else 4.2 if sign in NARROW else 7 for sign in text))
