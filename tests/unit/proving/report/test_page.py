"""The page of a proof, as a browser would read it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re

import pytest

from shipway.domain.catalog import Difference
from shipway.domain.proof import SCHEMA, Proof
from shipway.proving.report.page import page
from tests.unit.proving.report.html import Node, read
from tests.unit.proving.report.proofs import GONE, HOSTILE, PROOF, RESTORED, SAMPLES, UP, hostile, huge, texts, with_way

ALL = {**SAMPLES, "huge": huge(), "hostile": hostile(SAMPLES["not-restored"])}
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section", "h1", "h2", "h3", "p", "ul", "li", "a",
    "dl", "dt", "dd", "div", "span", "b", "code", "pre", "del", "ins", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "svg", "defs", "pattern", "rect", "line", "path", "text",
}  # fmt: skip


DISPLAY = {"additive": "compatible"}  # the compatibility as the page shows it


def section(root: Node, name: str) -> Node | None:
    """By its heading."""
    return next((node for node in root.all("section") if node.all("h2")[0].text == name), None)


def shown(proof: Proof) -> str:
    """All text, in which a control is shown as one."""
    return read(page(proof)).text


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_loaded_and_nothing_runs(name: str) -> None:
    text = page(ALL[name])
    root = read(text)
    assert text.startswith('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">')
    assert {node.name for node in root.walk()} - {"", "title"} <= ELEMENTS
    names = [node.attributes["id"] for node in root.walk() if "id" in node.attributes]
    assert len(names) == len(set(names))
    for node in root.walk():
        assert not [
            key for key in node.attributes if key.startswith("on") or key in ("src", "style", "srcset", "action")
        ], node
        assert (node.attributes.get("href") or "#").startswith("#")
        if node.name == "a":
            assert (node.attributes["href"] or "")[1:] in names
        for value in node.attributes.values():
            for target in re.findall(r"url\((.*?)\)", value or "") if node.name == "rect" else ():
                assert target[1:] in names
    (css,) = root.all("style")
    assert not re.search(r"@import|url\((?!#)|expression|<", "".join(map(str, css.children)))


def test_its_own_policy_allows_its_own_style_only() -> None:
    root = read(page(PROOF))
    (css,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256("".join(map(str, css.children)).encode()).digest()).decode()
    (policy,) = [node.attributes["content"] for node in root.all("meta") if node.attributes.get("http-equiv")]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("name", [*SAMPLES, "huge"])
def test_nothing_of_the_proof_is_missing(name: str) -> None:
    """Each of its texts can be read; reasons that the tables say already are there once."""
    proof = ALL[name]
    wanted = dataclasses.replace(
        proof, way=proof.way and dataclasses.replace(proof.way, reasons=()), mode="",
        each=tuple(dataclasses.replace(way, stages=(), triage_reasons=()) for way in proof.each),
    )  # fmt: skip
    everything = shown(proof)
    other_words = ("Lock", "succeeded")
    said = (DISPLAY.get(text, text) for text in texts(wanted))
    missing = {text for text in said if text not in everything and not text.endswith(other_words)}
    assert missing == set()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_cards_have_the_verdicts(name: str) -> None:
    proof = SAMPLES[name]
    cards = [
        (node.all("h2")[0].text, node.all("p", "verdict")[0].text.split()[-1])
        for node in read(page(proof)).all("ul", "cards")[0].children
        if isinstance(node, Node)
    ]
    down = [("down migrations", proof.way.verdict)] if proof.way else []
    triage = proof.way.triage if proof.way else ""
    compatibility = [("compatibility", DISPLAY.get(triage, triage))] if triage else []
    assert cards == [
        *down,
        ("old code", proof.old_code.verdict),
        ("new code", proof.new_code.verdict),
        *([("old and new code", proof.together.verdict)] if proof.together else []),
        *compatibility,
    ]


def test_the_header_has_the_rollback_plan_and_what_was_tested() -> None:
    (header,) = read(page(SAMPLES["data-lost"])).all("header")
    for text in (
        "catalogue",
        "production",
        "release 12 → 14",
        "no safe rollback (roll forward)",
        "a rollback is rejected",
        "with the target's data",
        "0007_orders → 0009_currency",
    ):
        assert text in header.text
    titles = [node.attributes.get("title") for node in header.all("code")]
    assert {PROOF.digest, PROOF.before_digest, PROOF.image} <= set(titles)


def test_differences_before_and_after() -> None:
    table = section(read(page(SAMPLES["not-restored"])), "Not restored")
    assert table
    row = next(row for row in table.all("tr") if "public.items.price" in row.all("th")[0].text)
    assert [node.text for node in row.all("del")] == ["integer", "0"]
    assert [node.text for node in row.all("ins")] == ["numeric(10,2)", "(none)"]
    lines = Difference(
        "changed",
        "function",
        "public.total()",
        {"definition": ("SELECT 1\nFROM a\nWHERE x", "SELECT 1\nFROM b\nWHERE x")},
    )
    table = section(read(page(with_way("NOT_RESTORED", differences=(lines,)))), "Not restored")
    assert table
    assert ([node.text for node in table.all("del")], [node.text for node in table.all("ins")]) == (
        ["-FROM a"],
        ["+FROM b"],
    )


def test_losses_stages_and_locks() -> None:
    root = read(page(SAMPLES["data-lost"]))
    losses = section(root, "Rows and values lost")
    assert losses
    assert [[cell.text for cell in (*row.all("th"), *row.all("td"))] for row in losses.all("tr")[1:]] == [
        ["public.items", "120,000", "120,000", "price, note"], ["public.discounts", "312", "0", ""],
    ]  # fmt: skip
    stages, locks = section(root, "Timeline"), section(root, "Locks")
    assert stages
    assert locks
    assert [row.all("th")[0].text for row in stages.all("tr")[1:]] == [
        "template",
        "up",
        "down",
        "up again",
        "compare",
        "old code failed",
        "new code",
    ]
    bars = {row.all("th")[0].text: row.all("rect", "bar") for row in stages.all("tr")[1:]}
    assert (bars["up"][0].attributes["x"], bars["up"][0].attributes["width"]) == (
        "33.98%",
        "5.34%",
    )  # 14 and 2.2 of 41.2 s
    assert bars["old code failed"][0].attributes["fill"] == "url(#fill-failed)"
    first = locks.all("table")[0].all("tr")[1]
    assert "ACCESS EXCLUSIVE" in first.text
    assert "reads and writes wait" in first.text
    assert len(first.all("rect", "bar")) == 2
    assert first.all("rect", "bar")[0].attributes["fill"] == "url(#fill-all)"


def test_pictures_can_be_heard() -> None:
    for drawing in read(page(ALL["huge"])).all("svg"):
        assert drawing.attributes.get("aria-hidden") == "true" or (
            drawing.attributes["role"] == "img" and drawing.all("title")[0].text
        )
    for table in read(page(ALL["huge"])).all("table"):
        assert all(row.all("th") for row in table.all("tr"))


def test_empty_sections_are_omitted() -> None:
    root = read(page(SAMPLES["no-migration"]))
    assert [node.all("h2")[0].text for node in root.all("section")] == ["Scenarios"]
    assert "The tables were empty" in shown(dataclasses.replace(PROOF, mode=SCHEMA))


def test_irreversible_migrations_are_not_collapsed() -> None:
    table = section(read(page(ALL["huge"])), "Each migration alone")
    assert table
    first = table.all("table")[0]
    assert {row.all("td")[0].all("span")[0].children[0] for row in first.all("tr")[1:]} == {"NOT_RESTORED", "DATA_LOST"}
    assert "240 others" in table.text
    few = section(
        read(
            page(
                dataclasses.replace(
                    PROOF, each=(dataclasses.replace(RESTORED, verdict="NOT_RESTORED", differences=(GONE,)),)
                )
            )
        ),
        "Each migration alone",
    )
    assert few
    assert str(GONE) in few.text


def test_hostile_names_are_nothing_but_text() -> None:
    root = read(page(hostile(SAMPLES["not-restored"])))
    seen = HOSTILE.replace("\x1b", "�").replace("\x00", "�").replace("\u202e", "�")
    for text in (
        "catalogue",
        "public.items_price_idx",
        "write add-item: exit code 1",
        "public.items",
        "0008_price",
        "def downgrade",
    ):
        assert text in root.text
    assert root.text.count(seen) > 50
    assert "\u202e" not in page(hostile(PROOF))
    assert UP.name + seen in root.text


def test_waits_and_estimates_have_tables() -> None:
    waits = section(read(page(SAMPLES["traffic"])), "Up migrations under traffic")
    assert waits
    (first, second) = waits.all("tr")[1:]
    assert first.all("th")[0].text == "the up migrations"
    assert [node.text for node in first.all("code")] == [
        "ALTER TABLE items ADD note text", "public.items", "SELECT * FROM items FOR UPDATE",
    ]  # fmt: skip
    assert ("4.9 s" in first.text, "300 ms" in second.text) == (True, True)
    assert "canceling statement due to lock timeout" in waits.text
    grows = section(read(page(SAMPLES["traffic"])), "Grows with the number of rows")
    assert grows
    for text in ("1,200,000", "340 MB", "a rewrite under ACCESS EXCLUSIVE", "7.4 s", "add a column of the new type"):
        assert text in grows.text
    assert section(read(page(PROOF)), "Grows with the number of rows") is None
