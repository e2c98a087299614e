"""Which provider has a name, and which values of the ledger count."""

from __future__ import annotations

import pytest

from shipway.domain.secret_source import Origin, SecretAge, SecretSource, ages, assigned, set_by_person, source_of

LISTED = SecretSource("age", "a.age", names={"ONE": "ONE", "TWO": "second"})
REST = SecretSource("vault", "https://vault", "secret/shop")


def test_a_listed_name_comes_from_its_provider_and_the_rest_from_the_one_without_a_list() -> None:
    assert assigned((REST, LISTED), ["ONE", "TWO", "THREE"]) == [
        (LISTED, {"ONE": "ONE", "TWO": "second"}),
        (REST, {"THREE": "THREE"}),
    ]
    assert source_of((LISTED,), "THREE") is None
    assert assigned((), ["ONE"]) == []


@pytest.mark.parametrize(
    ("origins", "newest", "expected"),
    [
        ((), None, False),
        ((), 1, True),  # of a time without records
        ((Origin(1),), 1, True),
        ((Origin(1), Origin(2, "vault")), 2, False),
        ((Origin(1, "vault"), Origin(2)), 2, True),
        ((Origin(1, "vault"), Origin(1)), 1, True),  # the same value, then set by a person
        ((Origin(1, "vault"),), None, False),  # removed since
    ],
)
def test_whether_a_person_set_the_newest_value(origins: tuple[Origin, ...], newest: int | None, expected: bool) -> None:
    assert set_by_person(origins, newest) == expected


def test_ages_are_those_of_the_versions_in_use() -> None:
    origins = {
        "A": [Origin(1, "", "", 5.0), Origin(2, "vault", "1", 9.0), Origin(2, "vault", "2", 10.0)],
        "B": [Origin(1, at=7.0)],
    }
    assert ages(origins, {"A": 2, "B": 1, "C": 3}) == (SecretAge("B", 7.0), SecretAge("A", 9.0, "vault"))
    assert ages(origins, {"A": 1}) == (SecretAge("A", 5.0),)


def test_no_value_is_in_a_representation() -> None:
    from shipway.domain.secret_source import Provided, ProvidedSecret

    assert "hunter2" not in f"{ProvidedSecret('hunter2', '1')} {Provided({'KEY': 'hunter2'})}"
