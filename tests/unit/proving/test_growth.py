"""Estimates from the sizes of an environment's tables."""

from __future__ import annotations

import pytest

from shipway.domain.server_log import Costly, TableSize
from shipway.proving.growth import estimated

INDEX = Costly("public.pets", "index", "SHARE", "CREATE INDEX ON pets (a)", "do it concurrently")
SCAN = Costly("public.items", "scan", "ACCESS EXCLUSIVE", "ALTER TABLE items ADD CHECK (a > 0)", "not valid first")
SIZES = {"public.pets": TableSize(10, 50_000_000), "public.items": TableSize(1000, 2_000_000_000)}


def test_bytes_by_the_rate_of_their_work_longest_first() -> None:
    found = estimated([INDEX, SCAN], SIZES, {"index": 50_000_000.0, "scan": 400_000_000.0})
    assert [(item.relation, item.rows, item.bytes, item.work) for item in found] == [
        ("public.items", 1000, 2_000_000_000, "scan"),
        ("public.pets", 10, 50_000_000, "index"),
    ]
    assert [item.seconds for item in found] == pytest.approx([5.0, 1.0])


def test_small_tables_are_no_warning() -> None:
    assert estimated([INDEX], SIZES, {"index": 5e9}) == ()
