"""The timeline of a proof and its locks: tables with a drawn column, so that the picture is accessible as a table.

Each bar is a small SVG without a view box: widths are percentages, and text keeps the page's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipway.domain.proof import Proof, Stage
from shipway.proving.report.markup import Markup, join, tag
from shipway.proving.report.messages import LOCK_GRADES
from shipway.proving.report.timeline import Held, all_stages, held, length, ticks
from shipway.system.durations import human

MOST_LOCKS = 16  # rows of a stage's picture; the rest is collapsed
HEIGHT = 22  # pixels of a bar's row


def patterns() -> Markup:
    """Fills of the bars, once per page: a colour and a texture for each grade, so that colours need not be
    distinguished."""
    made = (
        tag("pattern", tag("rect", width=8, height=8, class_=f"ground {name}", fill=colour), tag("path", d=drawn, class_="texture", stroke="#fff", fill="none"),
            id=f"fill-{name}", width=8, height=8, patternUnits="userSpaceOnUse")
        for name, (colour, drawn) in _FILLS.items()
    )  # fmt: skip
    return tag("svg", tag("defs", made), width=0, height=0, class_="defs", aria_hidden="true", focusable="false")


_FILLS = {  # colour without the style sheet, and the texture
    "all": ("#c8321f", "M-2 2 L2 -2 M0 8 L8 0 M6 10 L10 6"),
    "writes": ("#c77700", "M-2 6 L2 10 M0 0 L8 8 M6 -2 L10 2"),
    "changes": ("#6a5acd", "M0 4 H8"),
    "none": ("#7d8590", "M4 3 V5"),
    "failed": ("#c8321f", "M0 0 L8 8 M0 8 L8 0"),
}


def stages(proof: Proof) -> Markup:
    """All stages on the scale of the whole proof."""
    found, whole = all_stages(proof), length(proof)
    rows = [_stage(stage, whole) for stage in found]
    return _table("Stages of the proof", ("stage", "took", ""), whole, rows, class_="chart stages")


def _stage(stage: Stage, whole: float) -> Markup:
    good = stage.outcome == "succeeded"
    label = f"{stage.name}: {human(stage.seconds)}, starting at {human(stage.start)}, {stage.outcome}"
    bar = _bar(
        [(stage.start, stage.seconds)], whole, label, "" if good else "fill-failed", "stage" if good else "stage failed"
    )
    name = join(stage.name, None if good else join(" ", tag("b", stage.outcome, class_="word bad")))
    return _row(name, human(stage.seconds), bar)


def locks(stage: Stage) -> Markup:
    """The locks of one stage on its own scale, blocking ones first."""
    found = held(stage.locks)
    whole = max([stage.seconds, *(start + taken for item in found for start, taken in item.times)])
    first = _table(
        f"Locks in {stage.name}",
        ("relation and mode", "held", ""),
        whole,
        [_lock(item, whole) for item in found[:MOST_LOCKS]],
        class_="chart locks",
    )
    if len(found) <= MOST_LOCKS:
        return first
    rest = _table(
        f"More locks in {stage.name}",
        ("relation and mode", "held", ""),
        whole,
        [_lock(item, whole) for item in found[MOST_LOCKS:]],
        class_="chart locks",
    )
    return join(first, tag("details", tag("summary", f"and {len(found) - MOST_LOCKS} more"), rest))


def _lock(item: Held, whole: float) -> Markup:
    times = "" if len(item.times) == 1 else f", {len(item.times)} times"
    label = f"{item.mode.name} on {item.relation} for {human(item.seconds)}{times}, first after {human(item.times[0][0])}: {item.mode.blocks}"
    name = join(
        tag("div", item.relation, class_="name"),
        tag("div", tag("b", item.mode.name), f" {item.mode.blocks}", class_=f"mode {item.mode.grade}"),
    )
    return _row(
        name, human(item.seconds) + times, _bar(item.times, whole, label, f"fill-{item.mode.grade}", item.mode.grade)
    )


def legend(found: Iterable[Held]) -> Markup:
    """The meaning of the textures that occur."""
    known = {item.mode.grade: item.mode.blocks for item in found}
    swatch = {
        grade: tag(
            "svg",
            tag("rect", width=22, height=12, rx=2, fill=f"url(#fill-{grade})"),
            width=22,
            height=12,
            aria_hidden="true",
            focusable="false",
        )
        for grade in known
    }
    return tag(
        "p", [tag("span", swatch[grade], " ", known[grade]) for grade in LOCK_GRADES if grade in known], class_="legend"
    )


def _table(caption: str, heading: Sequence[str], whole: float, rows: Sequence[Markup], class_: str) -> Markup:
    *cells, last = (tag("th", text, role="columnheader", scope="col") for text in heading[:-1])
    head = tag("tr", cells, last, tag("th", _axis(whole), role="columnheader", scope="col", class_="plot"), role="row")
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", head, role="rowgroup"),
        tag("tbody", rows, role="rowgroup"),
        class_=class_,
        role="table",
    )


def _row(name: Markup, took: str, bar: Markup) -> Markup:
    cells = (
        tag("th", name, scope="row", role="rowheader"),
        tag("td", took, class_="took", role="cell"),
        tag("td", bar, class_="plot", role="cell"),
    )
    return tag("tr", cells, role="row")


def _axis(whole: float) -> Markup:
    marks = ticks(whole)
    texts = (
        tag("text", _tick(at, whole), x=_percent(at, whole), y=13, class_="tick", fill="currentColor", font_size=11,
            text_anchor="start" if at == 0 else "end" if at > whole * 0.9 else "middle")
        for at in marks
    )  # fmt: skip
    return tag(
        "svg", tag("title", f"seconds, up to {human(whole)}"), texts, width="100%", height=18, role="img", class_="axis"
    )


def _tick(at: float, whole: float) -> str:
    if whole >= 300:
        return f"{at / 60:g} min"
    return f"{at * 1000:g} ms" if whole < 0.5 else f"{at:g} s"


def _bar(times: Iterable[tuple[float, float]], whole: float, label: str, fill: str, class_: str) -> Markup:
    lines = (
        tag("line", x1=_percent(at, whole), x2=_percent(at, whole), y1=0, y2=HEIGHT, class_="grid", stroke="#8884")
        for at in ticks(whole)
    )
    drawn = (
        tag("rect", x=_percent(start, whole), y=5, height=HEIGHT - 10, rx=2, class_=f"bar {class_}", fill=f"url(#{fill})" if fill else "#3b6fd4",
            width=_percent(max(taken, whole * 0.004), whole))
        for start, taken in times
    )  # fmt: skip
    return tag("svg", tag("title", label), lines, drawn, width="100%", height=HEIGHT, role="img")


def _percent(seconds: float, whole: float) -> str:
    return f"{100 * seconds / whole if whole > 0 else 0:.2f}%"
