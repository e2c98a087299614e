"""API tokens."""

from __future__ import annotations

import pytest

from shipway.actions.people.identify import identify
from shipway.actions.people.manage import grant, remove_person, revoke
from shipway.actions.people.password import set_password
from shipway.actions.people.tokens import NewToken, create_token, revoke_token, tokens
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.people import AHEAD, DAY
from tests.unit.actions.people.team import ADA, EVE, PASSWORD, Team, team

__all__ = ["team"]


def make(team: Team, *permissions: str, app: str = "*", environment: str = "*", days: int = 30) -> NewToken:
    return create_token(team.ctx, None, ADA, "CI", permissions or ("see",), days, app, environment)


def refused(team: Team, made: NewToken) -> None:
    for ctx in (team.ctx, team.other):
        with pytest.raises(NotSignedIn, match="isn't valid"):
            identify(ctx, made.secret)


def test_a_token_may_a_part_of_what_its_person_may(team: Team) -> None:
    made = make(team, "see", "deploy", "deploy.protected", app="shop", environment="staging")
    assert made.secret.startswith("swt_")
    found = identify(team.other, made.secret)
    assert (found.person, found.via, found.number) == (ADA, "token", made.record.id)
    assert found.may("deploy", "shop", "staging")
    assert not found.may("deploy", "shop", "production")
    assert not found.may("exec", "shop", "staging")
    revoke(team.ctx, None, ADA)
    grant(team.ctx, None, ADA, "developer")
    found = identify(team.other, made.secret)
    assert found.may("deploy", "shop", "staging")
    assert not found.may("deploy.protected", "shop", "staging"), "she may not do it anymore"


def test_a_revoked_token_stops_at_once_in_every_process(team: Team) -> None:
    made = make(team)
    identify(team.other, made.secret)
    revoke_token(team.ctx, None, made.record.id)
    refused(team, made)


def test_tokens_of_who_was_removed_end_for_ever(team: Team) -> None:
    made = make(team)
    remove_person(team.other, None, ADA)
    refused(team, made)
    team.add(ADA, "admin")
    refused(team, made)


def test_a_token_expires_and_stays_so_if_the_clock_is_set_back(team: Team) -> None:
    made = make(team, days=1)
    team.pass_(DAY - 1)
    identify(team.ctx, made.secret)
    team.pass_(1)
    refused(team, made)
    team.pass_(-DAY / 2)
    refused(team, made)
    assert [item.revoked is not None for item in tokens(team.ctx)] == [True]


def test_a_token_from_before_the_clock_was_set_back_does_not_count_until_then(team: Team) -> None:
    made = make(team)
    team.pass_(-AHEAD - 100)
    refused(team, made)
    team.pass_(AHEAD + 100)
    identify(team.ctx, made.secret)


def test_its_last_use_is_written_at_most_once_a_minute(team: Team) -> None:
    made = make(team)
    assert tokens(team.ctx)[0].used is None
    identify(team.ctx, made.secret)
    first = tokens(team.ctx)[0].used
    assert first is not None
    identify(team.ctx, made.secret)
    assert tokens(team.ctx)[0].used == first
    team.pass_(61)
    identify(team.other, made.secret)
    assert (tokens(team.ctx)[0].used or 0) > first


def test_a_new_password_leaves_tokens(team: Team) -> None:
    made = make(team)
    set_password(team.ctx, team.passwords, None, ADA, "another long password")
    identify(team.ctx, made.secret)
    assert PASSWORD not in made.secret


@pytest.mark.parametrize(
    ("name", "permissions", "days", "why"),
    [
        ("", ["see"], 30, "can't be what a token is for"), ("x" * 61, ["see"], 30, "can't be"), ("a\nb", ["see"], 30, "can't be"),
        ("\x1b[31m", ["see"], 30, "can't be"), ("CI", ["see", "everything"], 30, "there is no permission everything"),
        ("CI", [], 30, "no permission"), ("CI", ["see"], 0, "0 days"), ("CI", ["see"], -1, "-1 days"), ("CI", ["see"], 367, "367 days"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(team: Team, name: str, permissions: list[str], days: int, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        create_token(team.ctx, None, ADA, name, permissions, days)
    assert tokens(team.ctx) == []


def test_two_tokens_differ(team: Team) -> None:
    team.add(EVE)
    made = {make(team).secret for _ in range(20)}
    assert len(made) == 20
    assert all(len(secret) > 44 for secret in made)
