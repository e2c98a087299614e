"""The pages on which people change what they sign in with: from a secret to a code, from a password to the next."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from shipway.actions.people.identify import csrf, identify
from shipway.actions.people.manage import people
from shipway.actions.people.password import set_password
from shipway.actions.people.sign_in import sign_in
from shipway.actions.people.tokens import create_token
from shipway.domain.errors import NotSignedIn
from shipway.domain.people import CODE, FREE_BY_PERSON
from shipway.domain.permissions import VIEWER
from shipway.domain.totp import PERIOD, code
from shipway.server.access import COOKIE
from tests.unit.server.asking import Answer, ask
from tests.unit.server.site import CHEAP, HTML, Place, place

__all__ = ["place"]
ADA, PASSWORD, CODES = "ada@example.org", "a long enough password", "/account/codes"


class Person:
    """Ada with a password, at the page."""

    def __init__(self, place: Place) -> None:
        self.place = place
        place.person(ADA, VIEWER)
        set_password(place.ctx, CHEAP, None, ADA, PASSWORD)
        self.session = self.sign_in()

    def sign_in(self, given: str = "") -> str:
        return sign_in(self.place.ctx, CHEAP, ADA, PASSWORD, given, "127.0.0.1").secret

    def secret(self) -> str:
        """A new one, as the page shows it."""
        return secret_on(self.place.page(CODES, self.session).text)

    def code(self, secret: str) -> str:
        return code(secret, int(self.place.ctx.ledger.now()) // PERIOD)

    def confirm(self, secret: str, given: str, **more: str) -> Answer:
        return self.place.send(CODES, self.session, key=secret, code=given, **more)


def secret_on(page: str) -> str:
    [found] = re.findall(r"<pre>([A-Z2-7 ]+)</pre>", page)
    return str(found).replace(" ", "")


@pytest.fixture
def ada(place: Place) -> Person:
    return Person(place)


def test_from_the_page_to_the_next_sign_in(ada: Person) -> None:
    assert CODES in ada.place.page("/queue", ada.session).text, "every page leads there"
    shown = ada.place.page(CODES, ada.session).text
    secret = secret_on(shown)
    assert f"otpauth://totp/Shipway%3Aada%40example.org?secret={secret}&amp;" in shown
    found = ada.confirm(secret, ada.code(secret))
    assert found.status == 200
    recovery = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", found.text)
    assert len(set(recovery)) == 10
    with pytest.raises(NotSignedIn):
        ada.sign_in()
    assert identify(ada.place.ctx, ada.sign_in(recovery[0])).how == CODE
    ada.place.world.now += PERIOD
    assert identify(ada.place.ctx, ada.sign_in(ada.code(secret))).how == CODE


def test_a_wrong_code_shows_the_same_secret_again(ada: Person) -> None:
    secret = ada.secret()
    found = ada.confirm(secret, "000000")
    assert (found.status, f'value="{secret}"' in found.text) == (403, True)
    assert "the code is wrong" in found.text
    assert not next(item for item in people(ada.place.ctx) if item.name == ADA).totp
    assert ada.confirm(secret, ada.code(secret)).status == 200


def test_codes_are_not_guessed_there(ada: Person) -> None:
    secret = ada.secret()
    for _ in range(FREE_BY_PERSON):
        ada.confirm(secret, "000000")
    found = ada.confirm(secret, ada.code(secret))
    assert (found.status, int(found.headers["retry-after"]) > 0) == (403, True)


def test_another_app_needs_a_code_of_the_present_one(ada: Person) -> None:
    first = ada.secret()
    ada.confirm(first, ada.code(first))
    ada.place.world.now += PERIOD
    other = ada.secret()
    assert 'name="current"' in ada.place.page(CODES, ada.session).text
    assert ada.confirm(other, ada.code(other)).status == 403
    assert ada.confirm(other, ada.code(other), current=ada.code(first)).status == 200


def test_only_an_own_form_of_a_session_counts(ada: Person) -> None:
    secret = ada.secret()
    given = {"key": secret, "code": ada.code(secret)}
    assert ada.confirm(secret, given["code"], csrf="of another page").status == 403
    token = create_token(ada.place.ctx, None, ADA, "x", ["see"], 1).secret
    bearer = {"accept": HTML, "authorization": f"Bearer {token}"}
    assert ask(ada.place.app, CODES, **bearer).status == 403
    assert ask(ada.place.app, CODES, "POST", urlencode(given).encode(), **bearer).status == 403
    assert not next(item for item in people(ada.place.ctx) if item.name == ADA).totp


@pytest.mark.parametrize("secret", ["", "<script>", "A" * 31])
def test_what_is_no_secret_is_not_shown(ada: Person, secret: str) -> None:
    body = urlencode({"csrf": csrf(ada.session), "key": secret, "code": "000000"}).encode()
    found = ask(ada.place.app, CODES, "POST", body, accept=HTML, cookie=f"{COOKIE}={ada.session}")
    assert found.status == 403
    assert not secret or secret not in found.text


def test_a_password_is_changed_by_who_knows_the_present_one(ada: Person) -> None:
    other, new = ada.sign_in(), "another long password"
    for fields, why in (
        ({"current": "a wrong password", "password": new, "again": new}, "the present password is wrong"),
        ({"current": PASSWORD, "password": new, "again": new + "x"}, "the two new passwords differ"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "at least 12 characters"),
    ):
        found = ada.place.send("/account/password", ada.session, **fields)
        assert (found.status, why in found.text) == (403, True), found.text
    found = ada.place.send("/account/password", ada.session, current=PASSWORD, password=new, again=new)
    assert (found.status, "is changed" in found.text) == (200, True)
    assert identify(ada.place.ctx, ada.session).person == ADA
    with pytest.raises(NotSignedIn):
        identify(ada.place.ctx, other)
    with pytest.raises(NotSignedIn):
        ada.sign_in()
    assert sign_in(ada.place.ctx, CHEAP, ADA, new, "", "127.0.0.1").secret


def test_after_a_link_no_present_password_is_asked_for(place: Place) -> None:
    session, new = place.person(ADA, VIEWER), "another long password"
    assert 'name="current"' not in place.page("/account/password", session).text
    assert place.send("/account/password", session, password=new, again=new).status == 200
    assert sign_in(place.ctx, CHEAP, ADA, new, "", "127.0.0.1").secret


def test_a_token_changes_no_password(ada: Person) -> None:
    token = create_token(ada.place.ctx, None, ADA, "x", ["see"], 1).secret
    bearer = {"accept": HTML, "authorization": f"Bearer {token}"}
    body = urlencode({"current": PASSWORD, "password": "another long password", "again": "another long password"})
    assert ask(ada.place.app, "/account/password", **bearer).status == 403
    assert ask(ada.place.app, "/account/password", "POST", body.encode(), **bearer).status == 403
    assert ada.sign_in()
