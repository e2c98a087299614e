"""The conformance suite of people, grants and tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from shipway.domain.people import Person, SessionRecord, Token
from shipway.domain.permissions import Grant
from shipway.ports import Ledger

ADA, EVE = "ada@example.org", "eve@example.org"
TOKEN = Token(0, ADA, "CI", ("see", "deploy"), "shop", "staging", 100.0, 200.0)
SESSION = SessionRecord(0, ADA, "192.0.2.7", "password", 100.0, 100.0)


class PeopleSuite:
    """Whoever was removed has nothing left, in any process."""

    def test_people_come_back(self, ledger: Ledger) -> None:
        assert ledger.add_person(EVE, 1.5)
        assert ledger.add_person(ADA, 2.5)
        assert not ledger.add_person(ADA, 3.5)
        assert ledger.set_password(ADA, "hash", 4.0)
        ada, eve = Person(ADA, True, True, False, 2.5), Person(EVE, True, False, False, 1.5)
        assert ledger.people() == [ada, eve]
        assert ledger.person(ADA) == ada
        assert ledger.person("nosuch") is None
        assert ledger.password_hash(ADA) == "hash"
        assert ledger.password_hash(EVE) == ledger.password_hash("nosuch") == ""

    def test_a_hash_is_replaced_once_and_only_if_it_is_that_one(self, ledger: Ledger) -> None:
        ledger.add_person(ADA, 1.0)
        ledger.set_password(ADA, "old", 2.0)
        assert ledger.replace_hash(ADA, "old", "new")
        assert not ledger.replace_hash(ADA, "old", "other")
        assert ledger.password_hash(ADA) == "new"

    def test_a_grant_replaces_the_one_for_the_same_place(self, ledger: Ledger) -> None:
        ledger.add_person(ADA, 1.0)
        everywhere, staging = Grant(ADA, "viewer"), Grant(ADA, "admin", "shop", "staging")
        assert ledger.add_grant(everywhere)
        assert ledger.add_grant(dataclasses.replace(staging, role="viewer"))
        assert ledger.add_grant(staging)
        assert ledger.grants() == ledger.grants(ADA) == [everywhere, staging]
        assert ledger.grants(EVE) == []
        assert not ledger.add_grant(Grant(EVE, "admin"))
        assert ledger.remove_grant(ADA, "shop", "staging")
        assert not ledger.remove_grant(ADA, "shop", "staging")
        assert ledger.grants(ADA) == [everywhere]

    def test_tokens_come_back(self, ledger: Ledger) -> None:
        ledger.add_person(ADA, 1.0)
        number = ledger.add_token(TOKEN, "digest")
        assert number is not None
        known = dataclasses.replace(TOKEN, id=number)
        assert ledger.token_of("digest") == known
        assert ledger.token_of("other") is None
        assert ledger.tokens() == ledger.tokens(ADA) == [known]
        assert ledger.tokens(EVE) == []
        ledger.use_token(number, 150.0)
        assert ledger.token_of("digest") == dataclasses.replace(known, used=150.0)
        assert ledger.add_token(dataclasses.replace(TOKEN, person=EVE), "else") is None

    def test_a_revoked_token_is_unknown_to_all_at_once(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        other = again()
        ledger.add_person(ADA, 1.0)
        number = ledger.add_token(TOKEN, "digest") or 0
        assert other.token_of("digest") is not None
        assert ledger.revoke_token(number, 150.0)
        assert other.token_of("digest") is None
        assert not other.revoke_token(number, 160.0)
        assert not other.revoke_token(number + 1, 160.0)
        assert [item.revoked for item in other.tokens()] == [150.0]

    @pytest.mark.parametrize("added_again", [False, True])
    def test_who_is_removed_has_nothing_left(
        self, ledger: Ledger, again: Callable[[], Ledger], added_again: bool
    ) -> None:
        other = again()
        ledger.add_person(ADA, 1.0)
        ledger.set_password(ADA, "hash", 2.0)
        ledger.set_totp(ADA, 3, ["code"])
        ledger.add_grant(Grant(ADA, "admin"))
        ledger.add_token(TOKEN, "token")
        ledger.add_session(SESSION, "session", "hash")
        ledger.add_link(ADA, "link", 100.0, 700.0)
        assert other.session_of("session") is not None
        assert ledger.remove_person(ADA, 150.0)
        assert not ledger.remove_person(ADA, 160.0)
        if added_again:
            assert ledger.add_person(ADA, 170.0)
        assert other.person(ADA) == Person(ADA, added_again, False, False, 170.0 if added_again else 1.0)
        assert other.password_hash(ADA) == ""
        assert other.totp_version(ADA) == 0
        assert other.grants() == []
        assert other.token_of("token") is None
        assert other.session_of("session") is None
        assert other.add_session(SESSION, "late", "hash") is None
        assert other.use_link("link", 180.0, SESSION, "another") is None
        assert not other.use_recovery_code(ADA, "code", 180.0)
        assert other.add_link(ADA, "next", 180.0, 700.0) == added_again

    def test_who_is_not_active_has_no_session_and_no_token_whatever_else_is_there(
        self, ledger: Ledger, execute: Callable[[str], object]
    ) -> None:
        ledger.add_person(ADA, 1.0)
        ledger.set_password(ADA, "hash", 2.0)
        ledger.add_grant(Grant(ADA, "admin"))
        ledger.add_token(TOKEN, "token")
        ledger.add_session(SESSION, "session", "hash")
        execute("UPDATE people SET active = 0")
        assert ledger.session_of("session") is None
        assert ledger.token_of("token") is None
        assert ledger.grants(ADA) == []
        assert ledger.password_hash(ADA) == ""
