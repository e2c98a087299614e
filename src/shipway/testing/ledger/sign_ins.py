"""The conformance suite of sessions, links, codes and attempts."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from shipway.domain.people import AHEAD, DAY, LONGEST_PAUSE
from shipway.ports import Ledger
from shipway.testing.ledger.people import ADA, EVE, SESSION

T = TypeVar("T")


class SignInSuite:
    """What can be used once is used once, whoever comes at the same time."""

    @pytest.fixture
    def ada(self, ledger: Ledger) -> None:
        ledger.add_person(ADA, 1.0)
        ledger.set_password(ADA, "hash", 2.0)

    @pytest.mark.usefixtures("ada")
    def test_sessions_come_back(self, ledger: Ledger) -> None:
        number = ledger.add_session(SESSION, "digest", "hash")
        assert number is not None
        known = dataclasses.replace(SESSION, id=number)
        assert ledger.session_of("digest") == known
        ledger.see_session(number, 150.0)
        assert ledger.session_of("digest") == dataclasses.replace(known, seen=150.0)
        assert ledger.end_session(number, 160.0)
        assert not ledger.end_session(number, 170.0)
        assert ledger.session_of("digest") is None
        assert ledger.session_of("other") is None

    @pytest.mark.usefixtures("ada")
    def test_a_password_that_was_changed_meanwhile_begins_no_session(self, ledger: Ledger) -> None:
        ledger.set_password(ADA, "new", 90.0)
        assert ledger.add_session(SESSION, "digest", "hash") is None
        assert ledger.add_session(dataclasses.replace(SESSION, person=EVE), "digest", "") is None

    @pytest.mark.usefixtures("ada")
    def test_a_new_password_ends_the_other_sessions_and_the_links(self, ledger: Ledger) -> None:
        ledger.add_person(EVE, 1.0)
        ledger.set_password(EVE, "hash", 2.0)
        first = ledger.add_session(SESSION, "first", "hash")
        ledger.add_session(SESSION, "second", "hash")
        ledger.add_session(dataclasses.replace(SESSION, person=EVE), "eve", "hash")
        ledger.add_link(ADA, "link", 100.0, 700.0)
        ledger.set_password(ADA, "new", 150.0, keep=first)
        assert ledger.session_of("first") is not None
        assert ledger.session_of("second") is None
        assert ledger.session_of("eve") is not None
        assert ledger.use_link("link", 160.0, SESSION, "third") is None

    @pytest.mark.usefixtures("ada")
    def test_an_address_is_known_by_its_sessions(self, ledger: Ledger) -> None:
        number = ledger.add_session(SESSION, "digest", "hash") or 0
        ledger.end_session(number, 110.0)
        assert ledger.is_known_address(ADA, "192.0.2.7", 99.0)
        assert not ledger.is_known_address(ADA, "192.0.2.7", 100.0)
        assert not ledger.is_known_address(ADA, "192.0.2.8", 99.0)
        assert not ledger.is_known_address(EVE, "192.0.2.7", 99.0)

    @pytest.mark.usefixtures("ada")
    def test_old_sessions_are_removed(self, ledger: Ledger, execute: Callable[[str], object]) -> None:
        ledger.add_session(SESSION, "old", "hash")
        late = 100.0 + 31 * DAY
        ledger.add_session(dataclasses.replace(SESSION, created=late, seen=late), "new", "hash")
        assert execute("SELECT digest FROM sessions") == [("new",)]

    @pytest.mark.usefixtures("ada")
    @pytest.mark.parametrize("at", [100.0 - AHEAD - 1, 700.0])
    def test_a_link_counts_for_a_time(self, ledger: Ledger, at: float) -> None:
        """Also on a clock that was set back."""
        ledger.add_link(ADA, "link", 100.0, 700.0)
        assert ledger.use_link("link", at, SESSION, "digest") is None
        assert ledger.session_of("digest") is None

    @pytest.mark.usefixtures("ada")
    def test_of_two_who_use_a_link_at_once_one_has_a_session(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        ledger.add_link(ADA, "link", 100.0, 700.0)
        use = _at_once(
            again, lambda one, name: one.use_link("link", 150.0, dataclasses.replace(SESSION, person=""), name)
        )
        assert [item is None for item in sorted(use, key=lambda item: item is None)] == [False, True]
        assert sum(ledger.session_of(name) is not None for name in ("0", "1")) == 1
        found = next(item for item in use if item)
        assert found.person == ADA
        assert ledger.use_link("link", 151.0, SESSION, "again") is None

    @pytest.mark.usefixtures("ada")
    def test_a_code_is_used_once(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        assert sorted(_at_once(again, lambda one, name: one.use_code(ADA, 1, 7, 210.0))) == [False, True]
        assert ledger.use_code(ADA, 1, 6, 211.0)
        assert not ledger.use_code(ADA, 1, 7, 90.0), "a clock that is set back brings no code back"
        ledger.add_person(EVE, 1.0)
        assert ledger.use_code(EVE, 1, 7, 210.0)
        assert ledger.use_code(ADA, 2, 7, 210.0)

    @pytest.mark.usefixtures("ada")
    def test_a_recovery_code_is_used_once(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        assert ledger.set_totp(ADA, 3, ["one", "two"])
        assert ledger.totp_version(ADA) == 3
        assert sorted(_at_once(again, lambda one, name: one.use_recovery_code(ADA, "one", 1.0))) == [False, True]
        assert not ledger.use_recovery_code(EVE, "two", 1.0)
        ledger.set_totp(ADA, 4, ["three"])
        assert not ledger.use_recovery_code(ADA, "two", 1.0)
        assert ledger.use_recovery_code(ADA, "three", 1.0)
        assert not ledger.set_totp(EVE, 1, ["four"])
        assert ledger.totp_version(EVE) == 0

    def test_pauses_grow_and_end(self, ledger: Ledger) -> None:
        at, waited = 1000.0, []
        for _ in range(12):
            while wait := ledger.begin_attempt({"person": 2}, at):
                assert ledger.begin_attempt({"person": 2}, at) == wait, "asking again makes it no longer"
                waited.append(wait)
                at += wait
        assert waited == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_PAUSE]
        assert ledger.begin_attempt({"person": 2}, at + DAY + 1) == 0
        assert ledger.begin_attempt({"person": 2}, at + DAY + 1) == 0, "the count started again"

    def test_the_longest_pause_counts_and_counts_nowhere_else(self, ledger: Ledger) -> None:
        for _ in range(3):
            ledger.begin_attempt({"person": 3}, 1000.0)
        assert ledger.begin_attempt({"person": 3, "address": 9}, 1000.0) == 1
        assert ledger.begin_attempt({"address": 1}, 1000.0) == 0, "what must wait is not counted for the address"

    def test_a_clock_that_is_set_back_makes_no_pause_longer(self, ledger: Ledger) -> None:
        for _ in range(4):
            ledger.begin_attempt({"person": 3}, 900_000.0)
        assert ledger.begin_attempt({"person": 3}, 1000.0) == 1
        assert ledger.begin_attempt({"person": 3}, 1001.0) == 0

    def test_a_success_forgets_the_failures(self, ledger: Ledger) -> None:
        for _ in range(3):
            ledger.begin_attempt({"person": 3, "address": 3}, 1000.0)
        ledger.end_attempt("person", "address")
        assert ledger.begin_attempt({"person": 3}, 1000.0) == 0
        assert ledger.begin_attempt({"address": 3}, 1000.0) == 0, "this one attempt"
        assert ledger.begin_attempt({"address": 3}, 1000.0) == 1, "and none of others from there"

    def test_many_attempts_at_once_are_each_counted(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        begun = _at_once(again, lambda one, name: [one.begin_attempt({"person": 3}, 1000.0) for _ in range(4)])
        assert sorted(wait for each in begun for wait in each) == [0, 0, 0, 1, 1, 1, 1, 1]


def _at_once(again: Callable[[], Ledger], work: Callable[[Ledger, str], T]) -> list[T]:
    """By two processes' ledgers."""
    start = threading.Barrier(2)
    ledgers = [again(), again()]

    def begin(number: int) -> T:
        start.wait()
        return work(ledgers[number], str(number))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(begin, range(2)))
