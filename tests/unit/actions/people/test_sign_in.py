"""Who signs in, and who doesn't."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.actions.people.identify import csrf, csrf_matches, identify
from shipway.actions.people.manage import add_person, remove_person
from shipway.actions.people.password import set_password
from shipway.actions.people.sign_in import WRONG, make_link, sign_in_by_link, sign_out
from shipway.context import Context
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.people import (
    AHEAD,
    DAY,
    FREE_BY_ADDRESS,
    FREE_BY_PERSON,
    IDLE,
    LINK,
    LINKED,
    LONGEST_SESSION,
    SEEN,
)
from tests.unit.actions.people.team import ADA, ELSEWHERE, EVE, HERE, PASSWORD, Team, cheap, team

__all__ = ["team"]


def test_a_session_is_of_its_person_in_every_process(team: Team) -> None:
    session = team.sign_in(" Ada+work@Example.org ")
    for ctx in (team.ctx, team.other):
        found = identify(ctx, session.secret)
        assert (found.person, found.via, found.how) == (ADA, "session", "password")
        assert found.number == session.record.id
        assert found.may("people")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (ADA, "wrong password"), (ADA, ""), (ADA, PASSWORD.upper()), (EVE, PASSWORD), ("", PASSWORD), ("\x00", PASSWORD), ("a b", PASSWORD),
        ("x" * 9999, PASSWORD), (ADA, "x" * 9_999_999), (ADA, PASSWORD + " "), (ADA, "\udcff" * 12),
    ],
    ids=range(11),
)  # fmt: skip
def test_the_words_are_the_same_whatever_is_wrong(team: Team, name: str, password: str) -> None:
    with pytest.raises(NotSignedIn) as refused:
        team.sign_in(name, password)
    assert (refused.value.message, refused.value.hint, refused.value.retry_after) == (WRONG, "", 0)


@pytest.mark.parametrize("name", [ADA, EVE, "removed@example.org", "new@example.org", "no name"])
def test_the_work_is_the_same_for_whom_nobody_knows(team: Team, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash with the same parameters each: also for whoever was removed, or has no password yet."""
    team.add("removed@example.org")
    remove_person(team.ctx, None, "removed@example.org")
    add_person(team.ctx, None, "new@example.org")
    hashes: list[str] = []
    verify = team.passwords._hasher.verify

    class Counting:
        def verify(self, hash: str, password: bytes) -> bool:
            hashes.append(hash)
            return bool(verify(hash, password))

    monkeypatch.setattr(team.passwords, "_hasher", Counting())
    with pytest.raises(NotSignedIn, match=WRONG):
        team.sign_in(name, "wrong password")
    assert [hash.rpartition("$")[0].rpartition("$")[0] for hash in hashes] == ["$argon2id$v=19$m=8,t=1,p=1"]


def test_an_empty_hash_matches_no_password(team: Team) -> None:
    assert not team.passwords.matches("", "")
    assert not team.passwords.matches("not a hash", PASSWORD)


def test_not_even_the_one_that_is_compared_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: PASSWORD)
    assert not cheap().matches("", PASSWORD)


def test_two_ways_to_type_a_letter_are_one_password(team: Team) -> None:
    set_password(team.ctx, team.passwords, None, ADA, "une clé très sûre")
    team.sign_in(password="une cle\u0301 tre\u0300s su\u0302re")


def test_a_hash_with_other_parameters_is_made_anew_when_someone_signs_in(team: Team) -> None:
    before = team.ctx.ledger.password_hash(ADA)
    team.sign_in()
    assert team.ctx.ledger.password_hash(ADA) == before
    team.passwords = type(team.passwords)(time_cost=2, memory_cost=8, parallelism=1)
    session = team.sign_in()
    after = team.ctx.ledger.password_hash(ADA)
    assert "t=2" in after
    assert identify(team.ctx, session.secret).person == ADA
    team.sign_in()
    assert team.ctx.ledger.password_hash(ADA) == after


# sessions


def test_a_session_expires_when_nobody_uses_it(team: Team) -> None:
    session = team.sign_in()
    for _ in range(3):
        team.pass_(IDLE - SEEN)
        identify(team.other, session.secret)
    team.pass_(IDLE + SEEN)
    refused(team.ctx, session.secret)


def test_a_session_expires_however_much_it_is_used(team: Team) -> None:
    session = team.sign_in()
    for _ in range(int(LONGEST_SESSION / IDLE * 2) - 1):
        team.pass_(IDLE / 2)
        identify(team.ctx, session.secret)
    team.pass_(IDLE / 2)
    refused(team.ctx, session.secret)


def test_an_expired_session_stays_so_if_the_clock_is_set_back(team: Team) -> None:
    session = team.sign_in()
    team.pass_(IDLE + 1)
    refused(team.ctx, session.secret)
    team.pass_(-IDLE)
    refused(team.ctx, session.secret)


def test_a_session_from_before_the_clock_was_set_back_does_not_count_until_then(team: Team) -> None:
    session = team.sign_in()
    team.pass_(-AHEAD - 100)
    refused(team.ctx, session.secret)
    team.sign_in()
    team.pass_(AHEAD)
    identify(team.ctx, session.secret)


def test_a_session_is_written_at_most_once_a_minute(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    session, seen = team.sign_in(), []
    see = team.ctx.ledger.see_session
    monkeypatch.setattr(team.ctx.ledger, "see_session", lambda id, at: seen.append(at) or see(id, at))
    for _ in range(10):
        identify(team.ctx, session.secret)
    team.pass_(SEEN)
    identify(team.ctx, session.secret)
    identify(team.ctx, session.secret)
    assert len(seen) == 1


def test_who_signs_out_is_out_everywhere(team: Team) -> None:
    one, two = team.sign_in(), team.sign_in()
    sign_out(team.ctx, identify(team.ctx, one.secret))
    refused(team.other, one.secret)
    identify(team.other, two.secret)


def test_sessions_of_who_was_removed_end_at_once(team: Team) -> None:
    team.add(EVE, "viewer")
    session = team.sign_in(EVE)
    identify(team.other, session.secret)
    remove_person(team.ctx, None, EVE)
    refused(team.other, session.secret)
    team.add(EVE, "viewer")
    refused(team.other, session.secret)


def test_a_new_password_ends_sessions(team: Team) -> None:
    session, mine = team.sign_in(), team.sign_in()
    by = identify(team.ctx, mine.secret)
    with pytest.raises(NotSignedIn, match="present password is wrong"):
        set_password(team.ctx, team.passwords, by, ADA, "another long password", current="wrong")
    set_password(team.ctx, team.passwords, by, ADA, "another long password", current=PASSWORD)
    refused(team.other, session.secret)
    identify(team.other, mine.secret)
    set_password(team.ctx, team.passwords, None, ADA, PASSWORD)
    refused(team.other, mine.secret)
    team.sign_in()


def test_who_is_removed_while_the_password_is_checked_is_not_signed_in(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = team.passwords.matches

    def slow(hash: str, password: str) -> bool:
        remove_person(team.other, None, ADA)
        return matches(hash, password)

    monkeypatch.setattr(team.passwords, "matches", slow)
    with pytest.raises(NotSignedIn, match=WRONG):
        team.sign_in()


@pytest.mark.parametrize(
    "secret", ["", "sws_", "swt_", "sws_" + "x" * 43, "swt_" + "x" * 43, "sws_" + "x" * 10**7, "sws_é", "swl_" + "x" * 43, "\udcff"]
)  # fmt: skip
def test_anything_else_is_nobody(team: Team, secret: str) -> None:
    refused(team.ctx, secret)


def test_a_digest_is_no_secret(team: Team) -> None:
    """Whoever can read the ledger can't sign in with what is there."""
    session = team.sign_in()
    for row in team.ctx.ledger._db.query("SELECT digest FROM sessions"):  # type: ignore[attr-defined]
        refused(team.ctx, row[0])
        refused(team.ctx, f"sws_{row[0]}")
        assert row[0] not in session.secret


def test_a_form_counts_for_its_session(team: Team) -> None:
    one, two = team.sign_in().secret, team.sign_in().secret
    assert csrf_matches(one, csrf(one))
    assert csrf(one) == csrf(one)
    for other in (csrf(two), "", csrf(one)[:-1], csrf(one).upper(), "\udcff", one):
        assert not csrf_matches(one, other)
    assert one not in csrf(one)


def test_forms_are_compared_in_constant_time(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[object] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: compared.append(one) or real(one, two))
    assert csrf_matches("session", csrf("session"))
    assert len(compared) == 1


# pauses


def test_wrong_sign_ins_lead_to_growing_pauses(team: Team) -> None:
    waits = []
    for _ in range(FREE_BY_PERSON):
        with pytest.raises(NotSignedIn, match=WRONG):
            team.sign_in(password="wrong", at=ELSEWHERE)
    for _ in range(4):
        with pytest.raises(NotSignedIn, match="too many wrong attempts") as told:
            team.sign_in(at=ELSEWHERE)
        waits.append(told.value.retry_after)
        team.pass_(told.value.retry_after)
        with pytest.raises(NotSignedIn, match=WRONG):
            team.sign_in(password="wrong", at=HERE)
    assert waits == [1, 2, 4, 8]
    team.pass_(16)
    team.sign_in(at=ELSEWHERE)


def test_pauses_do_not_tell_who_exists(team: Team) -> None:
    told = []
    for name in (ADA, EVE):
        for _ in range(FREE_BY_PERSON + 1):
            with pytest.raises(NotSignedIn) as wrong:
                team.sign_in(name, "wrong", at=name)
        told.append((wrong.value.message, wrong.value.hint))
    assert told[0] == told[1]


def test_whoever_guesses_elsewhere_keeps_nobody_out(team: Team) -> None:
    """From where she has signed in before."""
    team.sign_in(at=HERE)
    for _ in range(FREE_BY_PERSON + 3):
        with pytest.raises(NotSignedIn):
            team.sign_in(password="wrong", at=ELSEWHERE)
    team.sign_in(at=HERE)


def test_an_address_that_guesses_many_names_pauses(team: Team) -> None:
    for number in range(FREE_BY_ADDRESS):
        with pytest.raises(NotSignedIn, match=WRONG):
            team.sign_in(f"name{number}@example.org", at=ELSEWHERE)
    with pytest.raises(NotSignedIn, match="too many"):
        team.sign_in(at=ELSEWHERE)
    team.sign_in(at=HERE)


def test_the_guesses_of_a_network_of_ipv6_count_together(team: Team) -> None:
    for number in range(FREE_BY_ADDRESS):
        with pytest.raises(NotSignedIn, match=WRONG):
            team.sign_in(f"name{number}@example.org", at=f"2001:db8::{number:x}")
    with pytest.raises(NotSignedIn, match="too many"):
        team.sign_in(at="2001:db8::ffff")


def test_pauses_are_those_of_all_processes_and_end_after_a_day(team: Team) -> None:
    for ctx in [team.ctx, team.other] * 6:
        with pytest.raises(NotSignedIn):
            team.sign_in(password="wrong", ctx=ctx)
    team.pass_(DAY + 1)
    team.sign_in()


def test_what_was_typed_as_a_name_is_not_in_the_ledger(team: Team) -> None:
    """It may be a password."""
    with pytest.raises(NotSignedIn):
        team.sign_in("my-password-by-mistake", "x")
    rows = team.ctx.ledger._db.query("SELECT bucket FROM sign_in_attempts")  # type: ignore[attr-defined]
    assert len(rows) == 2
    assert all(len(row[0].split()[1]) == 8 for row in rows)


# links


def test_a_link_signs_in_once(team: Team) -> None:
    link = make_link(team.ctx, ADA)
    session = sign_in_by_link(team.other, link, HERE)
    found = identify(team.ctx, session.secret)
    assert (found.person, found.how) == (ADA, LINKED)
    for ctx in (team.ctx, team.other):
        with pytest.raises(NotSignedIn, match="was used, or has expired"):
            sign_in_by_link(ctx, link, HERE)


def test_a_link_counts_for_ten_minutes(team: Team) -> None:
    link = make_link(team.ctx, ADA)
    team.pass_(LINK)
    with pytest.raises(NotSignedIn):
        sign_in_by_link(team.ctx, link, HERE)
    team.pass_(-LINK / 2)
    with pytest.raises(NotSignedIn):
        sign_in_by_link(team.ctx, link, HERE)


def test_a_link_is_for_active_people(team: Team) -> None:
    team.add(EVE)
    link = make_link(team.ctx, EVE)
    remove_person(team.other, None, EVE)
    with pytest.raises(NotSignedIn):
        sign_in_by_link(team.ctx, link, HERE)
    with pytest.raises(UsageError, match="there is no person eve"):
        make_link(team.ctx, EVE)


@pytest.mark.parametrize("link", ["", "swl_", "swl_" + "x" * 43, "sws_" + "x" * 43, "swl_é", "x" * 10**6])
def test_anything_else_is_no_link(team: Team, link: str) -> None:
    with pytest.raises(NotSignedIn):
        sign_in_by_link(team.ctx, link, HERE)


def test_who_came_by_a_link_sets_a_password_without_the_one_that_was_lost(team: Team) -> None:
    by = identify(team.ctx, sign_in_by_link(team.ctx, make_link(team.ctx, ADA), HERE).secret)
    set_password(team.ctx, team.passwords, by, ADA, "another long password")
    team.sign_in(password="another long password")
    assert by.how == LINKED
    later = dataclasses.replace(by, how="password")
    with pytest.raises(NotSignedIn):
        set_password(team.ctx, team.passwords, later, ADA, PASSWORD)


def refused(ctx: Context, secret: str) -> None:
    with pytest.raises(NotSignedIn, match="isn't valid"):
        identify(ctx, secret)


def test_cheap_parameters_are_only_for_tests() -> None:
    from shipway.system.passwords import Passwords

    assert "m=65536,t=3,p=4" in Passwords().hash(PASSWORD), "as RFC 9106 says for servers with little memory"
    assert "m=8,t=1,p=1" in cheap().hash(PASSWORD)
