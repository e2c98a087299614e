"""A system test as one page that loads nothing and runs no script; all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Result, SystemTest
from shipway.proving.report.document import answer, document, facts, footer, sections
from shipway.proving.report.markup import Markup, join, tag
from shipway.system.durations import human, timestamp

GRADES = {PASSED: "good", FAILED: "bad", NOT_TESTED: "none"}
MEANINGS = {
    PASSED: "it was looked at, and was as it should be",
    FAILED: "it was not; the line below says what to do",
    NOT_TESTED: "it was not looked at, for the reason given",
}


def system_test_page(test: SystemTest) -> str:
    """A complete HTML 5 document in UTF-8."""
    verdict = "passed" if test.passed else "failed"
    sentence = (
        "Nothing that was tested failed." if test.passed else "Visitors should not be let in before this is fixed."
    )
    header = tag(
        "header",
        tag("p", "System test", class_="eyebrow"),
        tag("h1", test.app, " ", tag("span", f"on {test.environment}", class_="on")),
        answer(f"System test {verdict}: {test.headline}", sentence, "good" if test.passed else "bad"),
        facts((
            ("address", test.url),
            ("release", f"{test.release} ({test.version})"),
            ("tested", f"{timestamp(test.at)} UTC, in {human(test.seconds)}"),
        )),
    )  # fmt: skip
    by = {
        outcome: [item for item in test.results if item.outcome == outcome] for outcome in (FAILED, PASSED, NOT_TESTED)
    }
    main = tag("main", sections([
        ("Failed", _table(by[FAILED])), ("Passed", _table(by[PASSED])), ("Not tested", _table(by[NOT_TESTED])),
    ]))  # fmt: skip
    return document(f"{test.app} on {test.environment}: system test {verdict}", header, main, footer(MEANINGS))


def _table(results: Sequence[Result]) -> Markup | None:
    if not results:
        return None
    rows = [
        tag(
            "tr",
            tag("th", item.name, scope="row"),
            tag("td", tag("span", item.outcome, class_=f"word {GRADES[item.outcome]}")),
            tag(
                "td",
                item.detail,
                join(tag("p", item.hint, class_="soft")) if item.hint and item.outcome == FAILED else None,
            ),
            tag("td", human(item.seconds) if item.seconds else "", class_="number"),
        )
        for item in results
    ]
    head = tag("thead", tag("tr", *(tag("th", word, scope="col") for word in ("what", "result", "seen", "took"))))
    return tag("div", tag("table", head, tag("tbody", rows), class_="stack"), class_="scroll")
