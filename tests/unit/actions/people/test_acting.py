"""In whose name a command acts: a person is proven where people use a server."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.people.acting import acting
from shipway.actions.people.delegation import VALID, VARIABLE, Delegate, delegated
from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, grant, remove_person, revoke
from shipway.actions.people.sign_in import make_link, sign_in_by_link
from shipway.actions.people.tokens import create_token, revoke_token
from shipway.context import Context
from shipway.domain.errors import NotAllowed, NotSignedIn, ShipwayError, UsageError
from shipway.domain.permissions import DEVELOPER
from shipway.system.actor import Claim
from shipway.system.login import login
from tests.unit.actions.people.team import ADA, EVE
from tests.unit.world import World

GIT = "grace@example.org"


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.delenv("SHIPWAY_ACTOR", raising=False)
    monkeypatch.setattr("shipway.system.actor._git_user", lambda: GIT)
    return World(tmp_path).controller()


def token(ctx: Context, *permissions: str, of: str = ADA) -> str:
    return create_token(ctx, None, of, "test", permissions or ("see",), 1).secret


def test_without_people_a_name_is_a_claim(ctx: Context) -> None:
    assert acting(ctx, Claim(ADA), {}) == (ADA, None)
    assert acting(ctx, None, {}) == (GIT, None)
    assert acting(ctx, None, {"SHIPWAY_TOKEN": "of another server"}) == (GIT, None)
    with pytest.raises(UsageError):
        acting(ctx, Claim(""), {})
    add_person(ctx, None, ADA)
    remove_person(ctx, None, ADA)
    assert acting(ctx, Claim(ADA), {}) == (ADA, None)


def test_a_name_needs_a_token_of_that_person(ctx: Context) -> None:
    add_person(ctx, None, ADA)
    add_person(ctx, None, EVE)
    for name in (ADA, "ADA+x@example.org", "nobody@example.org", "reader"):
        with pytest.raises(NotAllowed, match="not proven") as caught:
            acting(ctx, Claim(name), {})
        assert "SHIPWAY_TOKEN" in caught.value.hint
        with pytest.raises(NotAllowed, match=f"one of {EVE}"):
            acting(ctx, Claim(name), {"SHIPWAY_TOKEN": token(ctx, of=EVE)})
    for claim, variables in (
        (Claim(ADA, token(ctx)), {}),
        (Claim(None, token(ctx)), {"SHIPWAY_TOKEN": token(ctx, of=EVE)}),  # the file is what was typed
        (Claim("Ada+ci@Example.org"), {"SHIPWAY_TOKEN": token(ctx)}),
        (None, {"SHIPWAY_TOKEN": f"{token(ctx)}\n", "SHIPWAY_ACTOR": ADA}),
    ):
        who, proven = acting(ctx, claim, variables)
        assert who == ADA
        assert proven is not None
        assert proven.token is not None


def test_a_token_that_does_not_count_proves_nothing(ctx: Context) -> None:
    add_person(ctx, None, ADA)
    revoked = create_token(ctx, None, ADA, "test", ["see"], 1)
    revoke_token(ctx, None, revoked.record.id)
    session = sign_in_by_link(ctx, make_link(ctx, ADA), "127.0.0.1").secret
    for secret in (revoked.secret, "swt_" + "x" * 43, "x", session):
        for claim in (Claim(ADA), None):
            with pytest.raises(ShipwayError) as caught:
                acting(ctx, claim, {"SHIPWAY_TOKEN": secret})
            assert secret not in caught.value.message
            assert isinstance(caught.value, NotSignedIn | UsageError)


def test_who_has_proven_nothing_is_a_machine(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    add_person(ctx, None, ADA)
    assert acting(ctx, None, {}) == (GIT, None)  # not a person of the server
    add_person(ctx, None, GIT)
    assert acting(ctx, None, {})[0] == login().casefold()
    monkeypatch.setenv("SHIPWAY_ACTOR", ADA)
    assert acting(ctx, None, {"SHIPWAY_ACTOR": ADA})[0] == login().casefold()
    monkeypatch.setenv("SHIPWAY_ACTOR", "ci@example.org")
    assert acting(ctx, None, {"SHIPWAY_ACTOR": "ci@example.org"}) == ("ci@example.org", None)


def test_a_command_of_the_server_acts_for_who_asked(ctx: Context) -> None:
    add_person(ctx, None, ADA)
    grant(ctx, None, ADA, DEVELOPER, "shop")
    session = identify(ctx, sign_in_by_link(ctx, make_link(ctx, ADA), "127.0.0.1").secret)
    limited = identify(ctx, token(ctx, "run"))
    who, proven = acting(ctx, Claim(ADA), {VARIABLE: Delegate(ctx).to(session)})
    assert who == ADA
    assert proven is not None
    assert proven.may("deploy", "shop", "staging")
    _, proven = acting(ctx, Claim(ADA), {VARIABLE: Delegate(ctx).to(limited)})
    assert proven is not None
    assert proven.may("run", "shop")
    assert not proven.may("deploy", "shop", "staging")
    with pytest.raises(NotAllowed, match=f"one of {ADA}"):
        acting(ctx, Claim(EVE), {VARIABLE: Delegate(ctx).to(session)})
    revoke(ctx, None, ADA, "shop")
    assert not delegated(ctx, Delegate(ctx).to(session)).may("run", "shop")


def test_a_delegation_is_of_this_server_and_ends(ctx: Context, tmp_path: Path) -> None:
    add_person(ctx, None, ADA)
    made = create_token(ctx, None, ADA, "test", ["see"], 1)
    by_token = Delegate(ctx).to(identify(ctx, made.secret))
    session = identify(ctx, sign_in_by_link(ctx, make_link(ctx, ADA), "127.0.0.1").secret)
    given = Delegate(ctx).to(session)
    other = World(tmp_path / "other").controller()
    add_person(other, None, ADA)
    body, _, seal = given.partition(".")
    eve = Delegate(other).to(session)
    for forged in (eve, body, f"{body}.", f"{body}x.{seal}", f".{seal}", "x.y", f"{body}.{seal[:-1]}", "\ud800.\ud800"):
        with pytest.raises(NotSignedIn):
            delegated(ctx, forged)
    revoke_token(ctx, None, made.record.id)
    with pytest.raises(NotSignedIn):
        delegated(ctx, by_token)
    now = ctx.ledger.now()
    late = dataclasses.replace(ctx, ledger=_At(ctx.ledger, now + VALID + 1))  # type: ignore[arg-type]
    with pytest.raises(NotSignedIn):
        delegated(late, given)
    remove_person(ctx, None, ADA)
    with pytest.raises(NotSignedIn):
        delegated(ctx, given)


class _At:
    """A ledger at another time."""

    def __init__(self, ledger: object, at: float) -> None:
        self._ledger, self._time = ledger, at

    def now(self) -> float:
        return self._time

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)
