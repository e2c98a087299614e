"""Who gets to the pages and what they may do there: the sign-in, roles, grants, forms of other pages."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from shipway.actions.people.identify import csrf
from shipway.actions.people.manage import add_person
from shipway.actions.people.password import set_password
from shipway.actions.people.sign_in import make_link
from shipway.domain.permissions import ADMIN, DEVELOPER, RELEASER, ROLES, VIEWER
from shipway.server.access import COOKIE
from tests.unit.server.asking import Answer, ask
from tests.unit.server.site import CHEAP, EVIL, HTML, Place, commands, place

__all__ = ["commands", "place"]


# What each route asks for: by the least role. staging is not protected, production is reached by promotion.
ROUTES = {
    ("POST", "/apps/shop/environments/staging/approve"): RELEASER, ("POST", "/apps/shop/environments/production/approve"): RELEASER,
    ("POST", "/apps/shop/environments/staging/reject"): RELEASER, ("POST", "/apps/shop/environments/production/reject"): RELEASER,
    ("POST", "/apps/shop/environments/staging/deploy"): DEVELOPER, ("POST", "/apps/shop/environments/production/deploy"): RELEASER,
    ("GET", "/apps/shop/environments/staging/rollback"): DEVELOPER, ("GET", "/apps/shop/environments/production/rollback"): RELEASER,
    ("POST", "/apps/shop/environments/staging/rollback"): DEVELOPER, ("POST", "/apps/shop/environments/production/rollback"): RELEASER,
    ("POST", "/apps/shop/environments/staging/resume"): DEVELOPER, ("POST", "/apps/shop/environments/production/resume"): RELEASER,
    ("POST", "/apps/shop/environments/staging/cancel"): DEVELOPER, ("POST", "/apps/shop/environments/production/cancel"): RELEASER,
    ("POST", "/apps/shop/runs/check"): DEVELOPER,
    ("GET", "/apps/shop/environments/staging/deploy?release=1"): DEVELOPER, ("GET", "/apps/shop/environments/production/deploy?release=1"): RELEASER,
    ("GET", "/apps/shop/environments/staging/logs"): VIEWER, ("GET", "/apps/shop/environments/production/logs"): VIEWER,
    ("GET", "/apps/shop/releases"): VIEWER, ("GET", "/apps/shop/releases/1"): VIEWER, ("GET", "/apps/shop/releases/1?to=production"): VIEWER,
    ("GET", "/apps/shop"): VIEWER, ("GET", "/apps/shop/runs"): VIEWER, ("GET", "/queue"): VIEWER, ("GET", "/account/codes"): VIEWER, ("GET", "/account/password"): VIEWER,
    ("GET", "/apps/shop/insights"): VIEWER, ("GET", "/apps/shop/database"): VIEWER, ("GET", "/apps/shop/jobs"): VIEWER, ("GET", "/apps/shop/secrets"): DEVELOPER,
    ("GET", "/apps/shop/releases/1/packages"): VIEWER,
    ("GET", "/audit"): ADMIN, ("GET", "/audit.csv"): ADMIN, ("GET", "/audit.json"): ADMIN,
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_each_route_needs_its_role(place: Place, commands: list[tuple[str, list[str]]], role: str) -> None:
    place.deployed(1)
    place.observer.look("shop")
    secret = place.person(f"{role}@example.org", role)
    for (method, path), least in ROUTES.items():
        before = len(commands)
        found = (
            place.send(path, secret, release="1", note="fine", pull="7", commit="a" * 40)
            if method == "POST"
            else place.page(path, secret)
        )
        may = ROLES.index(role) >= ROLES.index(least)
        assert (found.status in (200, 303)) == may, (path, found.text)
        if not may:
            assert found.status == 403
            assert len(commands) == before
    assert all(person == f"{role}@example.org" for person, _ in commands)


def test_nobody_gets_past_the_sign_in(place: Place, commands: list[tuple[str, list[str]]]) -> None:
    place.deployed(1)
    place.observer.look("shop")
    for secret in ("none", "sws_" + "x" * 43, ""):
        for method, path in [
            *ROUTES,
            ("GET", "/"),
            ("GET", "/nosuch"),
            ("GET", "/queue/1/events"),
            ("GET", "/sign-in-not"),
        ]:
            given = {"cookie": f"{COOKIE}={secret}"} if secret else {}
            found = ask(place.app, path, method, **given)
            assert found.status == 401, path
            assert "shop" not in found.text
            browser = ask(place.app, path, method, accept=HTML, **given)
            assert browser.status == 303
            assert browser.headers["location"].startswith("/sign-in?next=/")
    assert commands == []


def test_what_a_grant_does_not_cover_is_not_seen(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    other = place.person("other@example.org", ADMIN, "other")
    assert place.page("/apps/shop", other).status == 404
    assert place.page("/apps/nosuch", other).text.replace("nosuch", "shop") == place.page("/apps/shop", other).text
    assert place.page("/apps/shop/runs/1", other).status == 404
    assert place.page("/queue", other).status == 403
    part = place.person("part@example.org", VIEWER, "shop", "staging")
    assert ">production</h2>" not in place.page("/apps/shop", part).text
    assert ">staging</h2>" in place.page("/apps/shop", part).text


def test_a_form_of_another_page_does_nothing(place: Place, commands: list[tuple[str, list[str]]]) -> None:
    place.deployed(1)
    place.observer.look("shop")
    admin, victim = place.person("a@example.org", ADMIN), place.person("b@example.org", ADMIN)
    for given in ("", "x", csrf(admin)):
        assert place.send("/apps/shop/environments/staging/deploy", victim, release="1", csrf=given).status == 403
        assert place.send("/sign-out", victim, csrf=given).status == 403
        for order in ("approve", "reject", "rollback", "resume", "cancel"):
            assert place.send(f"/apps/shop/environments/staging/{order}", victim, release="1", csrf=given).status == 403
    assert commands == []
    assert place.page("/apps/shop", victim).status == 200


def test_a_pull_request_from_outside_is_checked_by_a_member_alone(
    place: Place, commands: list[tuple[str, list[str]]]
) -> None:
    place.deployed(1)
    place.observer.look("shop")
    member, viewer = place.person("d@example.org", DEVELOPER), place.person("v@example.org", VIEWER)
    link = f"/apps/shop/runs?pull=7&commit={'a' * 40}"
    assert f'value="{"a" * 40}"' in place.page(link, member).text
    assert 'name="commit"' not in place.page(link, viewer).text
    assert EVIL not in place.page(f"/apps/shop/runs?pull={EVIL}&commit={EVIL}", member).text
    found = place.send("/apps/shop/runs/check", member, pull="7", commit="a" * 40)
    assert (found.status, found.headers["location"]) == (303, "/apps/shop/runs")
    assert commands == [("d@example.org", ["run", "a" * 40, "--pull-request", "7", "--app", "shop"])]
    for pull, commit in (
        ("", "a" * 40),
        ("--help", "a" * 40),
        ("7", "main"),
        ("7", "a" * 12),
        ("7", "--no-cache"),
        ("0", "a" * 40),
    ):
        assert place.send("/apps/shop/runs/check", member, pull=pull, commit=commit).status == 404
    assert place.send("/apps/shop/runs/check", member, pull="7", commit="a" * 40, csrf="x").status == 403
    other = place.person("other@example.org", ADMIN, "other")
    assert place.send("/apps/shop/runs/check", other, pull="7", commit="a" * 40).status == 404
    assert len(commands) == 1


@pytest.mark.parametrize("release", ["", "-1", "r1", "1 --force", "--force", "9" * 40, "١"])
def test_a_field_never_becomes_an_option(place: Place, commands: list[tuple[str, list[str]]], release: str) -> None:
    place.deployed(1)
    place.observer.look("shop")
    admin = place.person("a@example.org", ADMIN)
    assert place.send("/apps/shop/environments/staging/deploy", admin, release=release).status == 404
    assert commands == []
    place.send("/apps/shop/environments/staging/approve", admin, release="1", note="--sign\n--reason=x")
    assert commands == [("a@example.org", ["approve", "staging", "r1", "--reason=--sign\n--reason=x", "--app", "shop"])]


@pytest.mark.parametrize("role", ROLES)
def test_a_freeze_is_overridden_by_who_may(place: Place, commands: list[tuple[str, list[str]]], role: str) -> None:
    place.deployed(1)
    place.observer.look("shop")
    secret = place.person(f"{role}@example.org", role)
    path = "/apps/shop/environments/production/deploy"
    found = place.send(path, secret, release="1", freeze="override", note="customers wait")
    assert (found.status == 303 and bool(commands)) == (role == ADMIN), found.text
    words = ["deploy", "production", "r1", "--override-freeze", "--reason=customers wait", "--app", "shop"]
    assert commands == ([(f"{role}@example.org", words)] if role == ADMIN else [])


def test_who_signs_in_goes_on_where_they_were(place: Place) -> None:
    add_person(place.ctx, None, "ada@example.org")
    set_password(place.ctx, CHEAP, None, "ada@example.org", "a long enough password")
    form = {"accept": HTML, "content_type": "application/x-www-form-urlencoded"}

    def signed_in(password: str, where: str) -> Answer:
        body = urlencode({"name": "ada@example.org", "password": password, "next": where}).encode()
        return ask(place.app, "/sign-in", "POST", body, **form)

    wrong = signed_in("another password", "/apps/shop")
    assert wrong.status == 403
    assert "is wrong" in wrong.text
    assert "set-cookie" not in wrong.headers
    found = signed_in("a long enough password", "/apps/shop")
    assert (found.status, found.headers["location"]) == (303, "/apps/shop")
    assert "httponly" in found.headers["set-cookie"].lower()
    assert "samesite=lax" in found.headers["set-cookie"].lower()
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert signed_in("a long enough password", elsewhere).headers["location"] == "/"
    secret = found.headers["set-cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]
    assert place.send("/sign-out", secret).status == 303
    assert place.page("/", secret).status == 303


def test_a_link_signs_in_once_and_looking_at_it_uses_nothing(place: Place) -> None:
    add_person(place.ctx, None, "ada@example.org")
    link = make_link(place.ctx, "ada@example.org")
    form = {"accept": HTML, "content_type": "application/x-www-form-urlencoded"}
    assert link in ask(place.app, f"/sign-in?link={link}", accept=HTML).text
    body = urlencode({"link": link}).encode()
    assert ask(place.app, "/sign-in/link", "POST", body, **form).status == 303
    assert ask(place.app, "/sign-in/link", "POST", body, **form).status == 403


def test_a_form_of_any_size_is_refused_and_not_kept(place: Place) -> None:
    found = ask(
        place.app,
        "/sign-in",
        "POST",
        b"name=" + b"x" * (1 << 20),
        accept=HTML,
        content_type="application/x-www-form-urlencoded",
    )
    assert found.status == 403
    assert "bytes" in found.text
