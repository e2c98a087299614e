"""A proof as one page that loads nothing and runs no script; all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.proof import SCHEMA, Proof
from shipway.domain.rollback_plan import FORWARD_ONLY
from shipway.proving.report import picture, tables
from shipway.proving.report.document import answer, document, facts, footer, sections
from shipway.proving.report.follows import FIRST, what_follows
from shipway.proving.report.markup import Markup, join, tag
from shipway.proving.report.messages import (
    BAD,
    DOWN,
    GOOD,
    MODES,
    NONE,
    OLD_CODE,
    Verdict,
    releases,
    schemas,
    short_image,
    verdicts,
)
from shipway.proving.report.timeline import all_stages, held
from shipway.system.durations import human, timestamp

MOST_REASONS = 6  # of a card; the rest is collapsed
SIGNS = {GOOD: "✓", BAD: "✗", NONE: "○"}


def page(proof: Proof) -> str:
    """A complete HTML 5 document in UTF-8."""
    title = f"{proof.app} on {proof.environment}: {what_follows(proof).title}"
    main = tag("main", _cards(proof), sections(_sections(proof)))
    return document(title, picture.patterns(), _header(proof), main, footer(_meanings()))


def _header(proof: Proof) -> Markup:
    follows = what_follows(proof)
    tone = {FORWARD_ONLY: BAD, FIRST: NONE}.get(follows.way, GOOD)
    return tag(
        "header",
        tag("p", "Rollback proof, ", releases(proof), class_="eyebrow"),
        tag("h1", proof.app, " ", tag("span", "on ", proof.environment, class_="on")),
        answer(f"Rollback: {follows.title}", follows.sentence, tone),
        facts(_facts(proof)),
    )


def _facts(proof: Proof) -> Sequence[tuple[str, str]]:
    return (
        ("tested", f"{timestamp(proof.at)} UTC, in {human(proof.seconds)}"),
        ("database", MODES.get(proof.mode, proof.mode)),
        ("server", tag("code", short_image(proof.image), title=proof.image) if proof.image else ""),
        ("schema", tag("code", schemas(proof)) if schemas(proof) else ""),
        ("new images", _digest(proof.digest)),
        ("old images", _digest(proof.before_digest)),
    )


def _digest(digest: str) -> str:
    return tag("code", short_image(digest), title=digest) if digest else ""


def _cards(proof: Proof) -> Markup:
    return tag("ul", [_card(item) for item in verdicts(proof)], class_="cards", aria_label="Verdicts")


def _card(item: Verdict) -> Markup:
    word = tag("p", tag("span", SIGNS.get(item.grade, "●"), aria_hidden="true"), " ", item.word, class_="verdict")
    first, rest = item.reasons[:MOST_REASONS], item.reasons[MOST_REASONS:]
    reasons = tag("ul", [tag("li", reason) for reason in first]) if first else None
    more = (
        tag("details", tag("summary", f"and {len(rest)} more"), tag("ul", [tag("li", reason) for reason in rest]))
        if rest
        else None
    )
    return tag(
        "li", tag("h2", item.part, class_="part"), word, tag("p", item.meaning), reasons, more, class_=item.grade
    )


def _sections(proof: Proof) -> Sequence[tuple[str, Markup | None]]:
    """Heading and content, most important first; None: nothing to report."""
    report = proof.way
    return (
        (
            "Not restored",
            tables.differences(
                report.differences,
                "The schema before the up migrations, and after the down migrations",
                intended=False,
            )
            if report
            else None,
        ),
        ("Rows and values lost", tables.losses(report.losses) if report else None),
        ("Output of failed stages", tables.outputs(all_stages(proof))),
        ("Warnings", tables.warnings(report.warnings) if report else None),
        ("Timeline", picture.stages(proof) if all_stages(proof) else None),
        ("Locks", _locks(proof)),
        ("Rows changed and tables rewritten", tables.work(all_stages(proof))),
        (
            "Changes by the up migrations",
            tables.differences(report.changes, "The schema before and after the up migrations") if report else None,
        ),
        ("Scenarios", tables.scenarios(proof)),
        ("Each migration alone", tables.each(proof)),
        ("Notices of the database", tables.notices(all_stages(proof))),
        ("Down migrations", tables.scripts(proof.scripts)),
    )


def _locks(proof: Proof) -> Markup | None:
    stages = [stage for stage in all_stages(proof) if stage.locks]
    if not stages:
        return None
    note = "Each chart has the scale of its stage. On a database in use, a lock request waits for the sessions that hold the lock, and later requests queue behind it."
    if proof.mode == SCHEMA:
        note += " The tables were empty: with rows, locks are held longer."
    return join(
        tag("p", note, class_="soft"),
        (picture.locks(stage) for stage in stages),
        picture.legend(item for stage in stages for item in held(stage.locks)),
    )


def _meanings() -> dict[str, str]:
    return {**DOWN, **{verdict: meaning.replace("old image", "other image") for verdict, meaning in OLD_CODE.items()}}
