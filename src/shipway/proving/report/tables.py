"""The tables of the page."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from shipway.domain.catalog import ADDITIVE, Difference
from shipway.domain.proof import CompatibilityTest, Loss, MigrationReport, Proof, Stage
from shipway.proving.report.markup import Markup, join, tag
from shipway.proving.report.messages import DOWN, GRADES, NONE, compatibility, loss_text, other_reasons
from shipway.system.durations import human

MOST = 25  # rows of a table; the rest is collapsed
CHANGES = {"added": "good", "removed": "bad", "changed": "doubt"}


def differences(found: Sequence[Difference], caption: str, *, intended: bool = True) -> Markup | None:
    """The differences of each object. intended: they are the migrations' purpose."""
    facets = any(item.facets for item in found)
    rows = []
    for item in found:
        word = _word(CHANGES.get(item.change, NONE) if intended else "bad", item.change)
        cells = [tag("code", item.name), _cell(item.kind, class_="short"), _cell(word, class_="short")]
        rows.append(
            _row(*cells, *([join(_facet(name, *values) for name, values in item.facets.items())] if facets else []))
        )
    return _folded(caption, ("object", "kind", "change", *(["before → after"] if facets else [])), rows)


def _facet(name: str, before: str, after: str) -> Markup:
    if "\n" not in before + after:
        old, new = (tag("code", text) if text else "(none)" for text in (before, after))
        return tag("div", name, ": ", tag("del", old), " → ", tag("ins", new), class_="facet")
    changed = difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
    lines = [
        tag({"-": "del", "+": "ins"}.get(line[0], "span"), line, "" if line[0] in "+-" else "\n")
        for line in list(changed)[3:]
    ]
    return tag("div", name, ":", tag("pre", lines), class_="facet")


def warnings(found: Sequence[str]) -> Markup | None:
    """All warnings, in order."""
    items = [tag("li", text) for text in found]
    first, rest = items[:10], items[10:]
    if not first:
        return None
    return join(
        tag("ul", first, class_="plain"),
        tag("details", tag("summary", f"and {len(rest)} more"), tag("ul", rest, class_="plain")) if rest else None,
    )


def losses(found: Sequence[Loss]) -> Markup | None:
    """Lost rows and values, by table."""
    rows = [
        _row(
            tag("code", loss.table),
            _number(loss.rows[0], "before"),
            _number(loss.rows[1], "after"),
            _cell(join(_code(loss.columns)), data_of="values of" if loss.columns else None),
        )
        for loss in found
    ]
    return _folded(
        "Before the up migrations, and after the down migrations",
        ("table", "#rows before", "#rows after", "columns whose values differ"),
        rows,
    )


def work(stages: Sequence[Stage]) -> Markup | None:
    """What the migrations did to rows."""
    rows = [
        _row(
            tag("code", table),
            stage.name,
            _number(stage.rows.get(table, 0), "rows changed"),
            "rewritten" if table in stage.rewrites else "",
        )
        for stage in stages
        for table in dict.fromkeys((*stage.rewrites, *stage.rows))
    ]
    return _folded("By table and stage", ("table", "stage", "#rows changed", ""), rows)


def scenarios(proof: Proof) -> Markup | None:
    """The scenarios run with both images."""
    tests = (("The old image on the new schema", proof.old_code), ("The new image on the old schema", proof.new_code))
    if not any(test.checks or test.reasons for _, test in tests):
        return None
    return join(_compatibility(name, test) for name, test in tests)


def _compatibility(name: str, test: CompatibilityTest) -> Markup:
    rows = [_row(_word("good", "✓ passed"), check) for check in test.checks]
    rows += [
        _row(_word(GRADES.get(test.verdict, NONE), "✗ failed" if test.verdict == "UNSAFE" else "○ note"), reason)
        for reason in test.reasons
    ]
    heading = tag("h3", name, " ", _word(GRADES.get(test.verdict, NONE), test.verdict))
    empty = tag("p", "No scenario ran: compatibility is unknown.", class_="soft")
    return join(heading, _folded("", ("", "scenario"), rows) or empty)


def each(proof: Proof) -> Markup | None:
    """Every migration individually; among many, irreversible ones come first."""
    reports = proof.each
    if not reports:
        return None
    note = (
        tag(
            "p",
            "For information: the whole set counts. It may be reversible although one of its migrations is not.",
            class_="soft",
        )
        if proof.way
        else None
    )
    good = [report for report in reports if GRADES.get(report.verdict) == "good"]
    if len(reports) <= MOST or not good or len(good) == len(reports):
        return join(note, migrations(reports))
    summary = tag("summary", f"{len(good)} others, each reversible alone")
    return join(
        note,
        migrations([report for report in reports if report not in good]),
        tag("details", summary, _table("", EACH, [_alone(report) for report in good])),
    )


EACH = ("migration", "down migration", "compatibility", "#took", "reasons")


def migrations(reports: Sequence[MigrationReport]) -> Markup | None:
    """Migrations with their own verdicts."""
    return _folded("In the order in which they are applied", EACH, [_alone(report) for report in reports])


def _alone(report: MigrationReport) -> Markup:
    why = [
        *other_reasons(report),
        *map(str, report.differences),
        *(f"{loss.table}: {loss_text(loss)}" for loss in report.losses),
    ]
    why += () if report.triage == ADDITIVE else report.triage_reasons
    more = (
        tag("details", tag("summary", f"and {len(why) - 3} more"), [tag("div", text) for text in why[3:]])
        if len(why) > 3
        else None
    )
    grade = GRADES.get(report.verdict, NONE)
    verdict = tag("span", report.verdict, class_=f"word {grade}", title=DOWN.get(report.verdict))
    word = compatibility(report)
    compatible = _word(GRADES.get(word, NONE), word) if word else ""
    took = human(sum(stage.seconds for stage in report.stages)) if report.stages else ""
    cells = _cell(verdict, class_="short"), _cell(compatible, class_="short"), _cell(took, class_="number")
    return _row(
        join(tag("div", tag("code", name)) for name in report.migrations),
        *cells,
        join([tag("div", text) for text in why[:3]], more),
    )


def outputs(stages: Iterable[Stage]) -> Markup | None:
    """The last lines of output of each failed stage."""
    return _join(
        join(tag("h3", stage.name), tag("pre", "\n".join(stage.output)))
        for stage in stages
        if stage.output and stage.outcome != "succeeded"
    )


def notices(stages: Iterable[Stage]) -> Markup | None:
    """NOTICEs and warnings of the server, collapsed."""
    return _join(
        tag("details", tag("summary", f"{stage.name}: {len(stage.notices)}"), tag("pre", "\n".join(stage.notices)))
        for stage in stages
        if stage.notices
    )


def scripts(found: Mapping[str, str]) -> Markup | None:
    """The down migrations in the new image, collapsed."""
    return _join(tag("details", tag("summary", tag("code", path)), tag("pre", text)) for path, text in found.items())


def _join(parts: Iterable[Markup]) -> Markup | None:
    return join(parts) or None


def _folded(caption: str, heading: Sequence[str], rows: Sequence[Markup]) -> Markup | None:
    """A table, collapsed if long; `#` marks a column of numbers."""
    if not rows:
        return None
    first = _table(caption, heading, rows[:MOST])
    if len(rows) <= MOST:
        return first
    return join(
        first,
        tag(
            "details",
            tag("summary", f"and {len(rows) - MOST} more"),
            _table(f"{caption}, continued", heading, rows[MOST:]),
        ),
    )


def _table(caption: str, heading: Sequence[str], rows: Sequence[Markup]) -> Markup:
    head = tag(
        "tr",
        (
            tag(
                "th",
                text.lstrip("#"),
                scope="col",
                role="columnheader",
                class_="number" if text.startswith("#") else None,
            )
            for text in heading
        ),
        role="row",
    )
    body = tag("tbody", rows, role="rowgroup")
    return tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", head, role="rowgroup"),
        body,
        class_="stack",
        role="table",
    )


def _row(*cells: str) -> Markup:
    """A table row; a cell that is already a `td` is kept."""
    first, *rest = cells
    made = (cell if isinstance(cell, Markup) and cell.startswith("<td") else _cell(cell) for cell in rest)
    return tag("tr", tag("th", first, scope="row", role="rowheader"), made, role="row")


def _cell(content: str, **attributes: object) -> Markup:
    return tag("td", content, role="cell", **attributes)


def _number(value: int, of: str) -> Markup:
    return _cell(f"{value:,}", class_="number", data_of=of)


def _code(names: Sequence[str]) -> Iterable[str]:
    for index, name in enumerate(names):
        yield join(", " if index else "", tag("code", name))


def _word(grade: str, text: str) -> Markup:
    return tag("span", text, class_=f"word {grade}")
