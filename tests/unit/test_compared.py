"""The page about what is compared is the pairs' own, and every property that is read has a pair."""

from __future__ import annotations

from scripts.compared import PAGE, page
from tests.compared import EXISTENCE, PROPERTIES, WITHOUT_PAIR, coverage

POINTS = {(kind, name) for kind, names in PROPERTIES.items() for name in (EXISTENCE, *names)} - {
    ("database", EXISTENCE)
}


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "call `make docs`"


def test_every_property_has_a_pair_or_a_reason() -> None:
    assert POINTS - coverage().keys() == set(WITHOUT_PAIR)


def test_no_pair_names_an_unknown_property() -> None:
    assert coverage().keys() <= POINTS
