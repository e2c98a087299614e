"""Who may change people, roles and tokens, and what is recorded of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, grant, people, remove_person, revoke
from shipway.actions.people.password import set_password
from shipway.actions.people.permitted import require
from shipway.actions.people.sign_in import make_link
from shipway.actions.people.tokens import create_token, revoke_token, tokens
from shipway.domain.errors import NotAllowed, ShipwayError, UsageError
from shipway.domain.people import TOKEN, Identity
from shipway.domain.permissions import ADMIN, ALL, PERMISSIONS, ROLES, Grant
from shipway.domain.renaming import Renaming
from tests.unit.actions.people.team import ADA, EVE, PASSWORD, Team, team

__all__ = ["team"]
# What only `people` or `tokens` allows, done to somebody else.
CHANGES: dict[str, Callable[[Team, Identity | None], object]] = {
    "add": lambda team, by: add_person(team.ctx, by, "new@example.org"),
    "remove": lambda team, by: remove_person(team.ctx, by, ADA),
    "grant": lambda team, by: grant(team.ctx, by, EVE, ADMIN),
    "revoke": lambda team, by: revoke(team.ctx, by, ADA),
    "password": lambda team, by: set_password(team.ctx, team.passwords, by, ADA, "another long password"),
    "token": lambda team, by: create_token(team.ctx, by, ADA, "CI", ["see"], 30),
    "revoke token": lambda team, by: revoke_token(team.ctx, by, 1),
}


def limited(role: str, team: Team) -> Identity:
    """Eve with that role, for less than everything if she is an admin."""
    team.add(EVE, role, *(("shop", ALL) if role == ADMIN else (ALL, ALL)))
    return team.identity(EVE)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("change", CHANGES)
def test_nobody_but_an_admin_of_everything_changes_others(team: Team, change: str, role: str) -> None:
    create_token(team.ctx, None, ADA, "CI", ["see"], 30)
    by, before = limited(role, team), (people(team.ctx), tokens(team.ctx))
    history = team.history()
    with pytest.raises(NotAllowed):
        CHANGES[change](team, by)
    assert (people(team.ctx), tokens(team.ctx)) == before
    assert team.history() == history


@pytest.mark.parametrize("change", CHANGES)
def test_a_token_changes_neither_people_nor_tokens(team: Team, change: str) -> None:
    """Of an admin, with every permission: who steals it can't stay."""
    made = create_token(team.ctx, None, ADA, "CI", list(PERMISSIONS), 30)
    by = identify(team.ctx, made.secret)
    assert by.may("people")
    with pytest.raises(NotAllowed, match="a token can't change people"):
        CHANGES[change](team, by)


@pytest.mark.parametrize("change", sorted(set(CHANGES) - {"token"}))
def test_an_admin_changes_others(team: Team, change: str) -> None:
    team.add(EVE, ADMIN)
    create_token(team.ctx, None, ADA, "CI", ["see"], 30)
    CHANGES[change](team, team.identity(EVE))
    kind, _, _, _, actor, code = team.history()[-1]
    assert (kind in ("user", "grant", "token"), actor, code) == (True, EVE, 0)


def test_an_admin_makes_no_token_in_the_name_of_others(team: Team) -> None:
    team.add(EVE, ADMIN)
    with pytest.raises(NotAllowed, match="only the person can make a token"):
        CHANGES["token"](team, team.identity(EVE))


def test_people_manage_their_own_tokens(team: Team) -> None:
    team.add(EVE, "viewer")
    by = team.identity(EVE)
    made = create_token(team.ctx, by, EVE, "laptop", ["see"], 30)
    assert identify(team.ctx, made.secret).person == EVE
    assert tokens(team.ctx, EVE) == [dataclasses.replace(made.record, used=tokens(team.ctx, EVE)[0].used)]
    assert tokens(team.ctx, ADA) == []
    revoke_token(team.ctx, by, made.record.id)
    with pytest.raises(UsageError, match="is revoked already"):
        revoke_token(team.ctx, by, made.record.id)
    with pytest.raises(NotAllowed):
        revoke_token(team.ctx, by, 99)
    with pytest.raises(UsageError, match="isn't there"):
        revoke_token(team.ctx, None, 10**30)


def test_every_change_is_recorded(team: Team) -> None:
    """With who made it, and without what only one person may know."""
    before = len(team.history())
    add_person(team.ctx, None, EVE)
    set_password(team.ctx, team.passwords, None, EVE, PASSWORD)
    grant(team.ctx, None, EVE, "viewer", "shop", "staging")
    grant(team.ctx, None, EVE, "releaser", "shop", "staging")
    revoke(team.ctx, None, EVE, "shop", "staging")
    make_link(team.ctx, EVE)
    made = create_token(team.ctx, None, EVE, "CI", ["see"], 30, "shop")
    revoke_token(team.ctx, team.identity(), made.record.id)
    with pytest.raises(UsageError):
        add_person(team.ctx, None, EVE)
    remove_person(team.ctx, team.identity(), EVE)
    me = team.ctx.actor
    assert team.history()[before:] == [
        ("user", EVE, "add", "*/*", me, 0),
        ("user", EVE, "set the password", "*/*", me, 0),
        ("grant", EVE, "grant viewer", "shop/staging", me, 0),
        ("grant", EVE, "grant releaser", "shop/staging", me, 0),
        ("grant", EVE, "revoke releaser", "shop/staging", me, 0),
        ("user", EVE, "make a sign-in link", "*/*", me, 0),
        ("token", EVE, "create CI: see for all of shop, 30 days", "shop/*", me, 0),
        ("token", EVE, "revoke CI", "shop/*", ADA, 0),
        ("user", EVE, "add", "*/*", me, 1),
        ("user", EVE, "remove", "*/*", ADA, 0),
    ]
    logins = [item.login for item in team.ctx.ledger.operations("shop", limit=3)]
    assert logins[0].startswith("session ")
    assert "@" in logins[1], "user and machine"


def test_a_change_that_fails_half_way_is_recorded_as_failed(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(team.ctx.ledger, "add_grant", fails)
    with pytest.raises(KeyboardInterrupt):
        grant(team.ctx, None, ADA, "viewer")
    assert team.history()[-1] == ("grant", ADA, "grant viewer", "*/*", team.ctx.actor, 1)


def test_people_are_listed_with_their_roles(team: Team) -> None:
    grant(team.ctx, None, ADA, "viewer", "shop")
    add_person(team.ctx, None, "Eve <EVE+x@Example.org>")
    remove_person(team.ctx, None, EVE)
    ada, eve = people(team.ctx)
    assert (ada.name, ada.active, ada.password, ada.totp) == (ADA, True, True, False)
    assert ada.grants == (Grant(ADA, ADMIN), Grant(ADA, "viewer", "shop"))
    assert (eve.name, eve.active, eve.password, eve.grants) == (EVE, False, False, ())


def test_roles_are_those_of_the_app_whatever_it_is_called(team: Team) -> None:
    team.world.release(1)
    team.ctx.ledger.rename(Renaming("shop", "", "store", ADA, "", 1.0))
    team.ctx.ledger.rename(Renaming("shop", "staging", "test", ADA, "", 1.0))
    team.add(EVE)
    grant(team.ctx, None, EVE, "releaser", "store", "test")
    assert team.identity(EVE).may("approve", "shop", "staging")
    assert people(team.ctx)[1].grants == (Grant(EVE, "releaser", "store", "test"),)
    create_token(team.ctx, None, EVE, "CI", ["see"], 30, "shop", "test")
    assert [(item.app, item.environment) for item in tokens(team.ctx)] == [("store", "test")]
    revoke(team.ctx, None, EVE, "shop", "staging")
    assert team.ctx.ledger.grants(EVE) == []


@pytest.mark.parametrize(
    "name", ["", "ada", "a b@example.org", "ada@example.org\n", "\u202eada@example.org", "x" * 255 + "@example.org"]
)
def test_what_is_no_address_is_no_name(team: Team, name: str) -> None:
    with pytest.raises(UsageError):
        add_person(team.ctx, None, name)
    assert len(people(team.ctx)) == 1


@pytest.mark.parametrize(
    "place", [("Shop", ALL), ("", ALL), ("shop", ""), ("shop", "../x"), ("shop\n", ALL), ("s*", ALL), ("**", ALL)]
)
def test_what_is_no_name_is_no_place(team: Team, place: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="is not the name of"):
        grant(team.ctx, None, ADA, "viewer", *place)
    with pytest.raises(UsageError, match="is not the name of"):
        create_token(team.ctx, None, ADA, "CI", ["see"], 30, *place)


def test_who_does_not_exist_gets_nothing(team: Team) -> None:
    for change in (
        lambda: grant(team.ctx, None, EVE, "viewer"),
        lambda: set_password(team.ctx, team.passwords, None, EVE, PASSWORD),
        lambda: create_token(team.ctx, None, EVE, "CI", ["see"], 30),
        lambda: remove_person(team.ctx, None, EVE),
    ):
        with pytest.raises(UsageError, match="there is no person eve") as told:
            change()
        assert ADA in told.value.hint
    with pytest.raises(UsageError, match="has no role of their own for all of shop") as told:
        revoke(team.ctx, None, ADA, "shop")
    assert "admin for everything" in told.value.hint
    with pytest.raises(UsageError, match="there is no role 'root'"):
        grant(team.ctx, None, ADA, "root")


def test_a_lost_role_counts_at_once(team: Team) -> None:
    team.add(EVE, "releaser", "shop")
    session = team.sign_in(EVE)
    require(identify(team.other, session.secret), "approve", "shop", "staging")
    revoke(team.ctx, None, EVE, "shop")
    with pytest.raises(NotAllowed, match="eve@example.org may not `approve` in shop/staging") as told:  # noqa: RUF043
        require(identify(team.other, session.secret), "approve", "shop", "staging")
    assert "the role releaser may" in told.value.hint


def test_what_a_token_lacks_is_told(team: Team) -> None:
    made = create_token(team.ctx, None, ADA, "CI", ["see"], 30)
    by = identify(team.ctx, made.secret)
    require(by, "see", "shop", "staging")
    with pytest.raises(NotAllowed, match="this token may not `deploy` in shop"):
        require(by, "deploy", "shop")
    with pytest.raises(NotAllowed, match=r"this token may not `people`$"):
        require(by, "people")


def test_a_refusal_has_its_exit_code() -> None:
    assert issubclass(NotAllowed, ShipwayError)
    assert NotAllowed.exit_code == 41
    assert TOKEN == "token"
