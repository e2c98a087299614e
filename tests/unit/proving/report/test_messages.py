"""The texts of reports."""

from __future__ import annotations

from shipway.cli.prove_folder import COLOURS
from shipway.domain import proof as words
from shipway.proving.report.messages import DOWN, GRADES


def test_every_verdict_is_explained_and_has_a_colour() -> None:
    assert set(words.VERDICTS) <= GRADES.keys()
    assert set(words.VERDICTS) - {words.SKIPPED} == DOWN.keys()
    assert set(words.VERDICTS) == COLOURS.keys()
