"""Codes of an authenticator app."""

from __future__ import annotations

import pytest

from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, people, remove_person
from shipway.actions.people.second_factor import SCOPE, confirm_totp, enrol_totp
from shipway.actions.people.sign_in import WRONG, make_link, sign_in_by_link
from shipway.actions.people.tokens import create_token
from shipway.domain.errors import KeyMissing, NotAllowed, NotSignedIn, UsageError
from shipway.domain.people import CODE, FREE_BY_PERSON
from shipway.domain.totp import PERIOD
from tests.unit.actions.people.team import ADA, ELSEWHERE, HERE, Team, team

__all__ = ["team"]


def wrong(team: Team, code: str) -> None:
    with pytest.raises(NotSignedIn) as refused:
        team.sign_in(code=code)
    assert refused.value.message == WRONG
    team.ctx.ledger.end_attempt("", "")
    team.ctx.ledger._db.query("DELETE FROM sign_in_attempts")  # type: ignore[attr-defined]


def test_a_code_is_needed_from_then_on(team: Team) -> None:
    secret, _ = team.enrol()
    assert people(team.ctx)[0].totp
    wrong(team, "")
    wrong(team, team.code(secret, 3))
    wrong(team, team.code(secret, -3))
    session = team.sign_in(code=team.code(secret))
    assert identify(team.ctx, session.secret).how == CODE


def test_the_right_code_needs_the_right_password(team: Team) -> None:
    secret, codes = team.enrol()
    for code in (team.code(secret), codes[0]):
        with pytest.raises(NotSignedIn, match=WRONG):
            team.sign_in(password="wrong password", code=code)
    team.sign_in(code=codes[0])
    team.sign_in(code=team.code(secret))


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_counts_once_within_a_step_of_now(team: Team, steps: int) -> None:
    secret, _ = team.enrol()
    code = team.code(secret, steps)
    team.sign_in(code=f" {code[:3]} {code[3:]}\n")
    for ctx in (team.ctx, team.other):
        with pytest.raises(NotSignedIn, match=WRONG):
            team.sign_in(code=code, ctx=ctx)


def test_a_clock_that_is_set_back_brings_no_code_back(team: Team) -> None:
    secret, _ = team.enrol()
    code = team.code(secret)
    team.sign_in(code=code)
    team.pass_(3600)
    team.sign_in(code=team.code(secret))
    team.pass_(-3600)
    wrong(team, code)
    team.pass_(2 * PERIOD)
    team.sign_in(code=team.code(secret))


def test_the_code_that_confirmed_does_not_sign_in(team: Team) -> None:
    by = team.identity()
    made = enrol_totp(team.ctx, by)
    code = team.code(made.secret)
    confirm_totp(team.ctx, by, made.secret, code)
    wrong(team, code)


def test_recovery_codes_count_once_each(team: Team) -> None:
    _, codes = team.enrol()
    assert len(set(codes)) == 10
    team.sign_in(code=codes[0])
    wrong(team, codes[0])
    team.sign_in(code=f"  {codes[1].upper().replace('-', ' ')} ")
    wrong(team, codes[2][:-1])


def test_without_a_confirmation_nothing_changes(team: Team) -> None:
    by = team.identity()
    made = enrol_totp(team.ctx, by)
    with pytest.raises(UsageError, match="the code is wrong"):
        confirm_totp(team.ctx, by, made.secret, team.code(made.secret, 5))
    team.sign_in()
    assert not people(team.ctx)[0].totp


def test_codes_to_confirm_are_guessed_with_pauses(team: Team) -> None:
    by = team.identity()
    made = enrol_totp(team.ctx, by)
    for _ in range(FREE_BY_PERSON):
        with pytest.raises(UsageError):
            confirm_totp(team.ctx, by, made.secret, "000000")
    with pytest.raises(NotSignedIn, match="too many"):
        confirm_totp(team.ctx, by, made.secret, team.code(made.secret))
    team.sign_in()


def test_another_app_needs_a_code_of_the_present_one(team: Team) -> None:
    """Who finds an open session can't take it over."""
    secret, codes = team.enrol()
    by = identify(team.ctx, team.sign_in(code=team.code(secret)).secret)
    made = enrol_totp(team.ctx, by)
    with pytest.raises(NotSignedIn, match="the present code is wrong"):
        confirm_totp(team.ctx, by, made.secret, team.code(made.secret))
    confirm_totp(team.ctx, by, made.secret, team.code(made.secret, 1), codes[0])
    team.pass_(2 * PERIOD)
    wrong(team, team.code(secret))
    wrong(team, codes[1])
    team.sign_in(code=team.code(made.secret))


@pytest.mark.parametrize("secret", ["", "A" * 31, "a" * 32, "A" * 40, "0" * 32, "\udcff" * 32])
def test_only_a_secret_of_the_usual_length_is_kept(team: Team, secret: str) -> None:
    """It comes back from a page."""
    with pytest.raises(UsageError, match="the code is wrong"):
        confirm_totp(team.ctx, team.identity(), secret, "000000")
    assert not people(team.ctx)[0].totp
    assert team.ctx.secrets.names(SCOPE) == {}


def test_an_enrolment_that_nobody_confirms_is_not_kept(team: Team) -> None:
    by = team.identity()
    assert len({enrol_totp(team.ctx, by).secret for _ in range(5)}) == 5
    assert team.ctx.secrets.names(SCOPE) == {}


def test_a_link_is_the_way_back_for_whoever_lost_the_phone(team: Team) -> None:
    team.enrol()
    by = identify(team.ctx, sign_in_by_link(team.ctx, make_link(team.ctx, ADA), HERE).secret)
    made = enrol_totp(team.ctx, by)
    confirm_totp(team.ctx, by, made.secret, team.code(made.secret))
    team.pass_(2 * PERIOD)
    team.sign_in(code=team.code(made.secret))


def test_a_token_sets_up_no_app(team: Team) -> None:
    by = identify(team.ctx, create_token(team.ctx, None, ADA, "CI", ["people"], 1).secret)
    with pytest.raises(NotAllowed):
        enrol_totp(team.ctx, by)
    with pytest.raises(NotAllowed):
        confirm_totp(team.ctx, by, "A" * 32, "000000")


def test_secrets_are_sealed_and_removed_with_the_person(team: Team) -> None:
    secret, codes = team.enrol()
    rows = str([
        team.ctx.ledger._db.query(f"SELECT * FROM {table}")  # type: ignore[attr-defined]
        for table in ("people", "secrets", "recovery_codes", "used_codes", "operations")
    ])  # fmt: skip
    for text in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert text not in rows
    remove_person(team.ctx, None, ADA)
    assert team.ctx.secrets.get(SCOPE, ADA) is None
    add_person(team.ctx, None, ADA)
    assert team.ctx.ledger.totp_version(ADA) == 0


def test_without_the_key_nobody_signs_in_without_a_code(team: Team, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On a machine that lacks it, the code can't be checked."""
    import dataclasses

    from shipway.drivers.secrets.key import Keys
    from shipway.drivers.secrets.ledger import LedgerSecrets

    secret, _ = team.enrol()
    keys = Keys(tmp_path_factory.mktemp("other") / "key")
    elsewhere = dataclasses.replace(team.ctx, secrets=LedgerSecrets(team.ctx.ledger, keys))
    with pytest.raises(KeyMissing):
        team.sign_in(code=team.code(secret), ctx=elsewhere, at=ELSEWHERE)
