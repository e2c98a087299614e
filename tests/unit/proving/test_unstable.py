"""Which differences a second run of the same migrations explains."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import Catalog, Difference, Entry, compare
from shipway.proving.unstable import possibly_unstable, unstable, without


def catalog(*entries: Entry) -> Catalog:
    return Catalog({(entry.kind, entry.name): entry for entry in entries})


def view(definition: str) -> Catalog:
    return catalog(Entry("view", "v", {"definition": definition}))


def part(name: str, bounds: str = "none", columns: str = "id") -> Catalog:
    return catalog(Entry("table", name, {"bounds": bounds}), Entry("column", f"{name}.{columns}", {"on": name}))


FIRST, SECOND, THIRD = "SELECT '2026-01-02 03:04:05'", "SELECT '2026-01-02 03:04:06'", "SELECT '2026-01-02 03:04:07'"


def found(before: Catalog, after: Catalog, repeated: Catalog, *, names: bool = True) -> tuple[Difference, ...]:
    """What remains of the differences to `before`, if another run results in `repeated`."""
    return without(compare(before, after), unstable(after, repeated), names=names)


def test_a_time_in_a_definition() -> None:
    assert found(view(FIRST), view(SECOND), view(THIRD)) == ()


def test_a_number_that_is_the_same_each_time_was_changed() -> None:
    assert len(found(view("SELECT 1"), view("SELECT 2"), view("SELECT 2"))) == 1


def test_a_number_beside_a_time() -> None:
    before, after, repeated = (
        view(f"{time} AND price > {price}") for time, price in ((FIRST, 100), (SECOND, 10), (THIRD, 10))
    )
    assert len(found(before, after, repeated)) == 1


def test_a_random_value() -> None:
    one, two, three = (view(f"DEFAULT '{name}'::uuid") for name in (
        "8d0c2ef6-7e8d-4f6a-9b4e-0123456789ab", "a1b2c3d4-e5f6-4a7b-8c9d-abcdefabcdef", "deadbeef-cafe-4bad-8abe-feedfacefeed"))  # fmt: skip
    assert found(one, two, three) == ()


def test_what_was_there_before_has_no_name_that_differs_each_time() -> None:
    assert len(found(part("p_1", "1"), part("p_2", "2"), part("p_3", "3"), names=False)) == 4


def test_a_time_and_something_else() -> None:
    assert len(found(view(FIRST), view(f"{SECOND}, true"), view(f"{THIRD}, true"))) == 1


def test_names_with_a_time() -> None:
    assert found(part("p_1", "1"), part("p_2", "2"), part("p_3", "3")) == ()
    assert found(part("p_a0c3d5e7"), part("p_b1c3d5e7"), part("p_c1c3d5e7")) == ()
    assert found(part("p_a0c3"), part("p_b1c3"), part("p_c1c3")) == ()


@pytest.mark.parametrize(
    "after",
    [catalog(), part("p_2", columns="other"), Catalog({**part("p_2").entries, **part("p_3").entries}), part("q_2")],
    ids=["missing", "other column", "one more", "other name"],
)
def test_names_with_a_time_and_another_difference(after: Catalog) -> None:
    assert found(part("p_1"), after, part("p_9")) != ()


@pytest.mark.parametrize(
    ("before", "after", "possible"),
    [(view(FIRST), view(SECOND), True), (view("SELECT a"), view("SELECT b"), False), (part("p_1"), part("p_2"), True), (part("a"), part("b"), False)],
)  # fmt: skip
def test_only_such_differences_need_another_run(before: Catalog, after: Catalog, possible: bool) -> None:
    assert possibly_unstable(compare(before, after)) is possible
