"""A stand-in of Bitbucket Cloud."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from shipway.domain.forge import (
    APPROVED,
    CLOSED,
    DISMISSED,
    MERGED,
    OPENED,
    UPDATED,
    Deleted,
    Event,
    Hosted,
    Person,
    PullRequest,
    Pushed,
    Review,
    State,
    Tagged,
)
from tests.conformance.cdn_lab import Answer, Request
from tests.conformance.forge_hub import signature
from tests.conformance.forge_lab import ME, Pull, StandIn, missing, reply

KINDS = {OPENED: "created", UPDATED: "updated", CLOSED: "rejected", MERGED: "fulfilled"}
STATES = {"pending": "INPROGRESS", "success": "SUCCESSFUL", "failure": "FAILED", "error": "STOPPED"}


class BitbucketStandIn(StandIn):
    name, prefix = "bitbucket", "/2.0"
    hosted = Hosted("team/shop", "https://bitbucket.org/team/shop.git", "git@bitbucket.org:team/shop.git")

    def person(self, name: str) -> Person:
        return Person(f"{{{UUID(int=self.number_of(name))}}}", name)

    def deliver(self, *events: Event, id: str = "one") -> tuple[dict[str, str], bytes]:
        about: dict[str, Any] = {"repository": self._repository(self.hosted.full_name), "actor": self._user("ann")}
        kind, changes = "repo:push", []
        for event in events:
            if isinstance(event, Pushed | Tagged | Deleted):
                changes.append(self._change(event))
            elif isinstance(event, PullRequest):
                kind = f"pullrequest:{KINDS[event.action]}"
                pull = self._pull(Pull(event.number, event.outside, [(event.head, "")], merged=event.action == MERGED))
                pull |= {"title": event.title, "links": {"html": {"href": event.url}}}
                if event.action == CLOSED:
                    pull["state"] = "DECLINED"
                if not event.head_repository:
                    pull["source"]["repository"] = None
                about["pullrequest"] = pull
            elif isinstance(event, Review):
                kind = {APPROVED: "pullrequest:approved", DISMISSED: "pullrequest:unapproved"}.get(
                    event.state, "pullrequest:changes_request_created"
                )
                field = "changes_request" if kind.endswith("_created") else "approval"
                about |= {field: {"date": self.now(), "user": self._user(event.by.name)}}
                about["pullrequest"] = self._pull(Pull(event.number, False, [(event.commit, "")]))
            else:
                kind = "repo:updated"
        if changes:
            about["push"] = {"changes": changes}
        body = json.dumps(about).encode()
        headers = {"X-Event-Key": kind, "X-Request-UUID": id, "X-Hub-Signature": f"sha256={signature(body)}"}
        return headers, body

    def _change(self, event: Pushed | Tagged | Deleted) -> dict[str, Any]:
        if isinstance(event, Deleted):
            kind = "branch" if event.ref.startswith("refs/heads/") else "tag"
            name, after = event.ref.split("/", 2)[2], None
        else:
            kind, after = ("branch" if isinstance(event, Pushed) else "tag"), event.after
            name = event.branch if isinstance(event, Pushed) else event.tag
        old, new = (
            {"type": kind, "name": name, "target": {"type": "commit", "hash": commit}} if commit else None
            for commit in (event.before, after)
        )
        forced = event.forced if isinstance(event, Pushed) else False
        return {"old": old, "new": new, "created": old is None, "closed": new is None, "forced": forced}

    def says(self, event: Event) -> Event:
        if isinstance(event, PullRequest):
            return replace(event, head=event.head[:12])
        return replace(event, commit=event.commit[:12]) if isinstance(event, Review) else event

    def others_status(self, commit: str, context: str, state: State) -> None:
        self.keep_status(commit, context, STATES[state], "by another", "https://ci.example/1")["name"] = "A build"

    def answer(self, request: Request) -> Answer:
        path, method = request.path.partition("?")[0].removeprefix(self.prefix), request.method
        if path == "/user":
            return reply(self._user(ME))
        base = f"/repositories/{self.hosted.full_name}"
        if method == "POST" and (found := re.fullmatch(rf"{base}/commit/(\w+)/statuses/build", path)):
            sent = json.loads(request.body)
            assert len(sent["key"]) <= 40
            assert sent["url"]
            assert sent["state"] in STATES.values()
            kept = self.keep_status(found[1], sent["key"], sent["state"], sent["description"], sent["url"])
            kept["name"] = sent["name"]
            return reply({"key": sent["key"]}, 201)
        if found := re.fullmatch(rf"{base}/commit/(\w+)/statuses", path):
            return self._page(request, [{**item, "key": item["context"]} for item in self.latest(found[1])])
        if found := re.fullmatch(rf"{base}/pullrequests/(\d+)/comments/(\d+)", path):
            assert method == "PUT"
            self.find(int(found[2])).body = json.loads(request.body)["content"]["raw"]
            return reply({"id": int(found[2])})
        if found := re.fullmatch(rf"{base}/pullrequests/(\d+)/comments", path):
            number = int(found[1])
            if method == "POST":
                return reply({"id": self.say(number, ME, json.loads(request.body)["content"]["raw"]).id}, 201)
            return self._page(request, [
                {"id": item.id, "content": {"raw": item.body}, "user": self._user(item.by), "deleted": False}
                for item in self.said.get(number, [])
            ])  # fmt: skip
        return self._pull_requests(request, path.removeprefix(base))

    def _pull_requests(self, request: Request, path: str) -> Answer:
        if found := re.fullmatch(r"/pullrequests/(\d+)", path):
            return reply(self._pull(self.pulls[int(found[1])]))
        if found := re.fullmatch(r"/pullrequests/(\d+)/activity", path):
            assert int(request.query["pagelen"]) <= 50
            pull = self.pulls[int(found[1])]
            log = [
                (at, {"update": {"date": at, "state": "OPEN", "source": {"commit": {"hash": commit[:12]}}}})
                for commit, at in pull.commits
            ]
            log += [
                (item.at, {"approval": {"date": item.at, "user": self._user(item.by)}})
                for item in pull.reviews
                if item.verdict == APPROVED
            ]
            return self._page(request, [item for _, item in sorted(log, key=lambda entry: entry[0], reverse=True)])
        if found := re.fullmatch(r"/commit/(\w+)/pullrequests", path):
            return self._page(
                request,
                [
                    {"id": item.number, "title": "A title"}
                    for item in self.pulls.values()
                    if found[1] in dict(item.commits)
                ],
            )
        if found := re.fullmatch(r"/commit/(\w+)", path):
            known = {
                commit for pull in self.pulls.values() for commit, _ in pull.commits if commit.startswith(found[1])
            }
            return reply({"hash": known.pop()}) if len(known) == 1 else missing()
        return missing()

    def _page(self, request: Request, items: Sequence[Any]) -> Answer:
        count, page = min(int(request.query.get("pagelen", "10")), 100), int(request.query.get("page", "1"))
        found: dict[str, Any] = {"values": list(items[(page - 1) * count : page * count]), "pagelen": count}
        if page * count < len(items):
            query = urlencode({**request.query, "page": page + 1})
            found["next"] = f"https://outside.invalid/2.0/x?{query}"
        return reply(found)

    def _pull(self, pull: Pull) -> dict[str, Any]:
        valid = {item.by: item for item in pull.reviews if not item.dismissed}
        return {
            "id": pull.number, "title": "A title", "state": "MERGED" if pull.merged else "OPEN", "author": self._user("ann"),
            "source": {
                "branch": {"name": "feature"}, "commit": {"hash": pull.commits[-1][0][:12]},
                "repository": self._repository("fork/shop" if pull.outside else self.hosted.full_name),
            },
            "destination": {
                "branch": {"name": "main"}, "commit": {"hash": "0123456789ab"},
                "repository": self._repository(self.hosted.full_name),
            },
            "links": {"html": {"href": f"https://bitbucket.org/team/shop/pull-requests/{pull.number}"}},
            "participants": [
                {"user": self._user(item.by), "role": "REVIEWER", "approved": item.verdict == APPROVED, "state": item.verdict}
                for item in valid.values()
            ],
        }  # fmt: skip

    def _repository(self, name: str) -> dict[str, Any]:
        uuid = f"{{{UUID(int=self.number_of(name))}}}"
        return {"full_name": name, "uuid": uuid, "links": {"html": {"href": f"https://bitbucket.org/{name}"}}}

    def _user(self, name: str) -> dict[str, Any]:
        return {"type": "user", "uuid": self.person(name).id, "nickname": name, "display_name": name.title()}
