"""A proof in a terminal: everything that counts, first what counts most, and nothing that a terminal would obey."""

from __future__ import annotations

import dataclasses
import re

import pytest

from shipway.cli.output import style
from shipway.domain.proof import Lock, Proof
from shipway.proving.report.terminal import lines
from tests.unit.proving.report.proofs import PROOF, SAFE, SAMPLES, UP, hostile, huge, with_way

ROLLBACK = {
    "restored": "keep schema",
    "down-then-code": "revert schema, then switch",
    "column-order": "revert schema, then switch",
    "data-lost": "no safe rollback (roll forward)",
    "not-restored": "no safe rollback (roll forward)",
    "irreversible": "no safe rollback (roll forward)",
    "up-fails": "no safe rollback (roll forward)",
    "down-fails": "no safe rollback (roll forward)",
    "no-evidence": "switch, then revert schema",
    "breaking": "revert schema, then switch",
    "schema-only": "keep schema",
    "no-migration": "keep schema",
    "traffic": "keep schema",
    "no-traffic": "keep schema",
    "first": "no previous release",
}


def said(proof: Proof, width: int = 100) -> str:
    """On one line, so that where lines are broken doesn't matter."""
    return " ".join(" ".join(lines(proof, width=width)).split())


@pytest.mark.parametrize("name", SAMPLES)
def test_verdicts_come_first_and_then_what_follows(name: str) -> None:
    proof, text = SAMPLES[name], said(SAMPLES[name])
    verdicts = [f"down migrations {proof.way.verdict}"] if proof.way else []
    verdicts += [
        f"old code {proof.old_code.verdict}",
        f"new code {proof.new_code.verdict}",
        f"rollback: {ROLLBACK[name]}",
    ]
    places = [" ".join(text.replace("  ", " ").split()).find(item) for item in verdicts]
    assert -1 not in places
    assert places == sorted(places)
    if "stages" in text:
        assert places[-1] < text.index("stages")


def test_why_the_schema_goes_first_where_no_test_failed() -> None:
    assert "no test shows that the old images work on the new one" in said(SAMPLES["breaking"])
    assert "The old images do not work on the new schema" in said(SAMPLES["down-then-code"])


def test_what_waits_under_traffic_and_what_grows() -> None:
    text = said(SAMPLES["traffic"])
    for part in (
        "31 runs of scenarios while the up migrations ran: 13 statements waited, at most 4.9 s",
        "● the up migrations waited 4.9 s for ACCESS EXCLUSIVE on public.items: ALTER TABLE items ADD note text; blocked by the old release: SELECT * FROM items FOR UPDATE",
        "● the old release waited in 12 statements, at most 300 ms for ACCESS SHARE on public.items: SELECT price FROM items; blocked by the up migrations: ALTER TABLE items ADD note text",
        "● write add-item exited with 1: canceling statement due to lock timeout",
        "● about 7.4 s under ACCESS EXCLUSIVE for a rewrite of public.items (about 1200000 rows, 340 MB): ALTER TABLE items ALTER price TYPE bigint; safe form: add a column of the new type",
        "Estimates: at the rate of the scratch server",
        "old and new code UNSAFE the images do not work on the new schema at the same time: use blue-green or split the release",
    ):
        assert part in text
    assert "not measured: the old code does not work on its own schema" in said(SAMPLES["no-traffic"])
    assert "traffic" not in said(PROOF)


def test_the_exact_objects_rows_and_reasons() -> None:
    text = said(SAMPLES["not-restored"])
    assert "index public.items_price_idx removed" in text
    assert "column public.items.price changed: type: integer → numeric(10,2); default: 0 → (none)" in text
    assert "3 objects not restored" in text
    assert text.count("index public.items_price_idx removed") == 1
    assert '42703: column "price" of relation "items" does not exist' in text
    assert 'index "items_pirce_idx" does not exist, skipping' in text
    text = said(SAMPLES["data-lost"])
    assert "public.items 120,000 rows; values of price, note differ" in text
    assert "public.discounts 312 → 0 rows" in text
    assert "0009_currency has no downgrade" in said(SAMPLES["irreversible"])
    assert "old code SAFE there was nothing to test - the release brings no migration" in said(SAMPLES["no-migration"])
    idle = dataclasses.replace(SAFE, reasons=("the workers (mail) had no work",))
    assert "the workers (mail) had no work" in said(dataclasses.replace(PROOF, old_code=idle))
    assert "rows were not tested" in said(SAMPLES["schema-only"])


def test_stages_and_locks_that_others_wait_for() -> None:
    text = said(SAMPLES["up-fails"])
    assert "✗ up 2.2 s failed; 120,000 rows changed; public.items rewritten │ ERROR: syntax error" in text
    assert "ACCESS EXCLUSIVE on public.items for 2.0 s in up: reads and writes wait" in text
    assert "SHARE on public.items for 0.7 s in up: writes wait" in text
    assert "ROW EXCLUSIVE on public.orders" not in text
    both = (Lock("t", "AccessExclusiveLock", 0.0, 2.0), Lock("t", "AccessExclusiveLock", 1.0, 2.0))
    assert "ACCESS EXCLUSIVE on t for 3.0 s" in said(
        with_way("RESTORED", stages=(dataclasses.replace(UP, locks=both),))
    )


def test_long_lists_are_cut_and_counted() -> None:
    found = lines(huge(), width=100)
    assert len(found) < 140
    text = " ".join(found)
    for count in ("102 more", "72 more", "52 more"):  # differences, losses and warnings; 8 are shown
        assert f"and {count}" in text, count
    assert "210 others RESTORED" in text
    assert "NOT_RESTORED 0008_change_56_of_the_accounting_module: reason of 0008" in " ".join(text.split())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", [*SAMPLES, "huge"])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    proof = huge() if name == "huge" else SAMPLES[name]
    assert [line for line in lines(proof, width=width) if len(line) > width] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_colours_change_no_letter(name: str) -> None:
    coloured = lines(SAMPLES[name], style)
    assert [re.sub("⟦[^⟧]*⟧", "", line) for line in coloured] == lines(SAMPLES[name])
    assert coloured != lines(SAMPLES[name])


def test_a_name_gives_the_terminal_no_orders() -> None:
    for line in lines(hostile(PROOF)):
        assert line.isprintable(), line
