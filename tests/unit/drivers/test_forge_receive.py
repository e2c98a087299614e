"""Webhooks of the forges: any bytes give a delivery, Forged or Unreadable, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shipway.domain.errors import Forged, Unreadable
from shipway.domain.forge import (
    APPROVED,
    CLOSED,
    DISMISSED,
    OPENED,
    UPDATED,
    Deleted,
    Delivery,
    Hosted,
    Ignored,
    Person,
    PullRequest,
    Pushed,
    Review,
    Tagged,
)
from shipway.drivers import driver
from shipway.drivers.forge import payload
from shipway.drivers.forge.gitlab import GitLab
from shipway.ports import ForgeAccess
from shipway.testing.forge import ONE, SECRET, TWO, pull_request
from shipway.testing.memory_forge import MemoryForge, delivery
from tests.conformance.forge_fuzz import STRANGE, as_json, check, places, replaced, signed
from tests.conformance.forge_stand_ins import STAND_INS
from tests.conformance.test_forge import MemoryLab

NAMES = ["github", "gitlab", "gitea", "bitbucket", "memory"]
FORGES: dict[str, Any] = {name: driver("forge", name)(ForgeAccess()) for name in STAND_INS} | {"memory": MemoryForge()}


@cache
def recorded(name: str) -> list[tuple[Mapping[str, str], bytes]]:
    """Webhook requests of each kind."""
    lab: Any = MemoryLab() if name == "memory" else STAND_INS[name]()
    ann = lab.person("ann")
    found = [
        lab.deliver(event)
        for event in (
            Pushed(lab.hosted, "main", ONE, TWO, True, ann),
            Tagged(lab.hosted, "v1", None, TWO, TWO, ann),
            Deleted(lab.hosted, "refs/heads/old", ONE, ann),
            pull_request(lab, 7, OPENED),
            pull_request(lab, 8, CLOSED, outside=True, gone=True),
            Review(lab.hosted, 7, APPROVED, ann, TWO),
            Review(lab.hosted, 7, DISMISSED, ann, TWO),
            Ignored("star"),
        )
    ]
    if name != "memory":
        lab.close()
    return found


def received(name: str, headers: Mapping[str, str], body: bytes) -> Delivery | None:
    try:
        found = FORGES[name].receive(headers, body, SECRET)
    except Unreadable:
        return None
    assert isinstance(found, Delivery)
    for event in found.events:
        check(event, name)
    return found


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(data=some.data())
def test_any_bytes_with_a_right_signature(name: str, data: some.DataObject) -> None:
    body = data.draw(some.binary(max_size=200) | some.text(max_size=60).map(str.encode) | jsons.map(as_json))
    headers = data.draw(some.sampled_from([headers for headers, _ in recorded(name)]))
    received(name, signed(headers, body), body)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(data=some.data())
def test_any_headers(name: str, data: some.DataObject) -> None:
    headers, body = data.draw(some.sampled_from(recorded(name)))
    changed = {key: data.draw(some.text(max_size=30)) for key in headers}
    kept = data.draw(some.sets(some.sampled_from(sorted(headers))))
    try:
        received(name, {key: headers[key] if key in kept else value for key, value in changed.items()}, body)
    except Forged:
        return


@pytest.mark.parametrize("name", NAMES)
def test_bodies_with_other_values(name: str) -> None:
    """Each value of each recorded body, in turn, is missing or something else."""
    wild = random.Random(7)
    events = 0
    for headers, body in recorded(name):
        found = json.loads(body)
        paths = list(places(found))
        for path in paths:
            for value in wild.sample(STRANGE, 6):
                changed = as_json(replaced(found, path, value))
                events += received(name, signed(headers, changed), changed) is not None
    assert events > 50


@pytest.mark.parametrize("name", ["github", "gitea", "bitbucket", "memory"])
def test_a_changed_body_is_forged(name: str) -> None:
    wild = random.Random(8)
    for headers, body in recorded(name):
        for _ in range(20):
            at = wild.randrange(len(body))
            changed = body[:at] + bytes([body[at] ^ (1 << wild.randrange(8))]) + body[at + 1 :]
            with pytest.raises(Forged):
                FORGES[name].receive(headers, changed, SECRET)


@pytest.mark.parametrize("name", sorted(STAND_INS))
@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b"{" * 5000 + b"}" * 5000, b'{"a":' * 100 + b"1" + b"}" * 100, b'"' * 99_999, b'"\\' * 100_000, b"1" * 10_000, b"\xff\xfe{\x00}\x00"],
)  # fmt: skip
def test_deep_and_endless(name: str, body: bytes) -> None:
    headers, _ = recorded(name)[0]
    with pytest.raises(Unreadable):
        FORGES[name].receive(signed(headers, body), body, SECRET)


def test_the_depth_that_is_just_right() -> None:
    headers, body = recorded("github")[0]
    for depth, fits in ((payload.DEPTH - 1, True), (payload.DEPTH, False)):
        deep = body[:-1] + b', "more": ' + b"[" * depth + b"]" * depth + b', "text": "' + b"[" * 500 + b'"}'
        if fits:
            assert received("github", signed(headers, deep), deep)
        else:
            assert received("github", signed(headers, deep), deep) is None


def test_a_large_body(monkeypatch: pytest.MonkeyPatch) -> None:
    headers, body = recorded("github")[0]
    assert payload.MOST == 25 << 20
    monkeypatch.setattr(payload, "MOST", len(body) - 1)
    with pytest.raises(Unreadable, match="more than"):
        FORGES["github"].receive(headers, body, SECRET)


@pytest.mark.parametrize("name", ["github", "gitea"])
def test_a_form(name: str) -> None:
    headers, body = recorded(name)[0]
    form = urlencode({"payload": body.decode()}).encode()
    sent = {**signed(headers, form), "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert received(name, sent, form).events == received(name, headers, body).events  # type: ignore[union-attr]
    for form in (b"payload=%ff", b"other=1", b"&".join([b"a=1"] * 100), b"payload=" + body + b"&payload=%7B%7D"):
        assert received(name, {**sent, **signed(headers, form)}, form) is None


@pytest.mark.parametrize("header", ["sha1=", "sha256=", "", "sha256=" + "0" * 64, "SHA256=", "sha256=é", "é" * 64])
def test_signatures_of_another_form(header: str) -> None:
    headers, body = recorded("github")[0]
    with pytest.raises(Forged):
        FORGES["github"].receive({**headers, "X-Hub-Signature-256": header}, body, SECRET)


def test_the_signature_of_sha1_does_not_count() -> None:
    _, body = recorded("github")[0]
    old = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    with pytest.raises(Forged):
        FORGES["github"].receive({"X-GitHub-Event": "push", "X-Hub-Signature": old}, body, SECRET)


@pytest.mark.parametrize("name", ["x-hub-signature-256", "X-Forgejo-Signature"])
def test_other_headers_of_gitea(name: str) -> None:
    headers, body = recorded("gitea")[0]
    right = headers["X-Gitea-Signature"]
    sent = {"X-Gitea-Event": "push", name: f"sha256={right}" if "hub" in name else right}
    assert FORGES["gitea"].receive(sent, body, SECRET).events


KEY = b"0123456789abcdef0123456789abcdef"
SIGNING = "whsec_" + base64.b64encode(KEY).decode()


def standard(body: bytes, at: str = "1000", id: str = "msg-1", key: bytes = KEY) -> dict[str, str]:
    right = base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": f"v1,{right}"}


def test_gitlabs_signed_form() -> None:
    _, body = recorded("gitlab")[0]
    forge = GitLab(ForgeAccess(), now=lambda: 1200.0)
    found = forge.receive(standard(body), body, SIGNING)
    assert found.id == "msg-1"
    assert isinstance(found.events[0], Pushed)
    both = standard(body)
    both["webhook-signature"] = f"v1,AAAA {both['webhook-signature']}"
    assert forge.receive(both, body, SIGNING).events == found.events


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "msg-2"}, {"webhook-timestamp": "1001"}, {"webhook-signature": "v1,"}, {"webhook-signature": ""},
        {"webhook-signature": "v2,AAAA"}, {"webhook-timestamp": "١٠٠٠"}, {"webhook-timestamp": "9" * 400}, {"webhook-timestamp": ""},
    ],
)  # fmt: skip
def test_gitlabs_signed_form_that_is_wrong(changes: dict[str, str]) -> None:
    _, body = recorded("gitlab")[0]
    with pytest.raises(Forged):
        GitLab(ForgeAccess(), now=lambda: 1000.0).receive({**standard(body), **changes}, body, SIGNING)


@pytest.mark.parametrize("now", [699.0, 1301.0])
def test_gitlabs_signed_form_that_is_old(now: float) -> None:
    _, body = recorded("gitlab")[0]
    with pytest.raises(Forged):
        GitLab(ForgeAccess(), now=lambda: now).receive(standard(body), body, SIGNING)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!", "whsec_AAAA", "whsec_é"])
def test_a_signing_token_that_is_none(secret: str) -> None:
    """It is not taken for a plain secret, and an empty key signs nothing."""
    _, body = recorded("gitlab")[0]
    sent = {**standard(body, key=b""), "X-Gitlab-Token": secret}
    with pytest.raises(Forged):
        GitLab(ForgeAccess(), now=lambda: 1000.0).receive(sent, body, secret)


def test_a_review_whose_header_was_changed_keeps_its_verdict() -> None:
    """Headers aren't signed: who has recorded one request could send it as another one."""
    lab = STAND_INS["gitea"]()
    headers, body = lab.deliver(Review(lab.hosted, 7, "changes_requested", lab.person("ben"), TWO))
    (found,) = lab.forge.receive({**headers, "X-Gitea-Event": "pull_request_approved"}, body, SECRET).events
    assert found.state == "changes_requested"
    headers, body = lab.deliver(Tagged(lab.hosted, "v1", None, TWO, TWO, lab.person("ann")))
    lab.close()
    created = json.dumps({**json.loads(body), "ref": "v1", "ref_type": "tag", "sha": TWO}).encode()
    (found,) = FORGES["gitea"].receive({**signed(headers, created), "X-Gitea-Event": "delete"}, created, SECRET).events
    assert isinstance(found, Ignored)


@pytest.mark.parametrize(("name", "kind"), [("github", "X-GitHub-Event"), ("gitea", "X-Gitea-Event")])
@pytest.mark.parametrize("part", ["review", "comment"])
def test_a_comment_whose_header_was_changed_is_no_update(name: str, kind: str, part: str) -> None:
    """A review that is edited names its pull request as that of an edited title does."""
    lab = STAND_INS[name]()
    headers, body = lab.deliver(pull_request(lab, 7, OPENED))
    lab.close()
    found = {**json.loads(body), "action": "edited"}
    (event,) = received_events(name, headers, found)
    assert isinstance(event, PullRequest)
    (event,) = received_events(name, {**headers, kind: "pull_request"}, {**found, part: {"id": 1, "body": "fine"}})
    assert isinstance(event, Ignored)


@pytest.mark.parametrize(
    ("name", "state"), [("github", "closed"), ("gitea", "closed"), ("gitlab", "closed"), ("gitlab", "merged")]
)
def test_a_closed_one_whose_title_is_edited_stays_closed(name: str, state: str) -> None:
    lab = STAND_INS[name]()
    headers, body = lab.deliver(pull_request(lab, 7, UPDATED))
    lab.close()
    found = json.loads(body)
    found.get("pull_request", found.get("object_attributes"))["state"] = state
    (event,) = received_events(name, headers, found)
    assert isinstance(event, Ignored)


def received_events(name: str, headers: Mapping[str, str], found: Any) -> Sequence[object]:
    body = json.dumps(found).encode()
    return FORGES[name].receive(signed(headers, body), body, SECRET).events


def test_a_review_of_bitbucket_whose_header_was_changed() -> None:
    lab = STAND_INS["bitbucket"]()
    headers, body = lab.deliver(Review(lab.hosted, 7, DISMISSED, lab.person("ben"), TWO))
    lab.close()
    found = json.loads(body)
    found["pullrequest"]["participants"] = [{"user": found["approval"]["user"], "approved": False}]
    body = json.dumps(found).encode()
    (event,) = (
        FORGES["bitbucket"]
        .receive({**signed(headers, body), "X-Event-Key": "pullrequest:approved"}, body, SECRET)
        .events
    )
    assert event.state == DISMISSED


def test_a_review_that_gitlab_takes_back_itself_is_nobodys() -> None:
    headers, body = recorded("gitlab")[6]
    found = json.loads(body)
    found["object_attributes"] |= {"system": True, "system_action": "approvals_reset_on_push"}
    (event,) = FORGES["gitlab"].receive(headers, json.dumps(found).encode(), SECRET).events
    assert (event.state, event.by) == (DISMISSED, Person(""))


def test_a_body_without_an_id_has_its_digest() -> None:
    headers, body = recorded("github")[0]
    for id in ("", "x" * 101, "a b"):
        found = FORGES["github"].receive({**headers, "X-GitHub-Delivery": id}, body, SECRET)
        assert found.id == found.digest == hashlib.sha256(body).hexdigest()


def test_memory_has_what_was_sent() -> None:
    event = Review(Hosted("a/b"), 1, APPROVED, Person("1"), ONE)
    assert MemoryForge().receive(*delivery([event], SECRET), SECRET).events == (event,)


jsons = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=10),
    lambda inner: some.lists(inner, max_size=3)
    | some.dictionaries(
        some.sampled_from(["ref", "before", "after", "repository", "action", "object_kind", "push", "pull_request", "event"]), inner, max_size=4
    ),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "place", "text"),
    [
        ("github", ("pull_request", "updated_at"), "2026-12-02T21:00:05Z"),
        ("gitea", ("pull_request", "updated_at"), "2026-12-02T22:00:05+01:00"),
        ("gitlab", ("object_attributes", "updated_at"), "2026-12-02 21:00:05 UTC"),
        ("bitbucket", ("pullrequest", "updated_on"), "2026-12-02T21:00:05.000000+00:00"),
    ],
)
def test_when_it_happened_to_a_pull_request(name: str, place: tuple[str, str], text: str) -> None:
    headers, body = recorded(name)[3]
    for value, at in ((text, 1796245205.0), ("yesterday", 0.0), (None, 0.0)):
        found = json.loads(body)
        found[place[0]][place[1]] = value
        [event] = received_events(name, headers, found)
        assert isinstance(event, PullRequest)
        assert event.at == at
