"""Stand-ins of GitHub and Gitea."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shipway.domain.forge import (
    APPROVED,
    CLOSED,
    DISMISSED,
    MERGED,
    OPENED,
    UPDATED,
    Deleted,
    Event,
    Ignored,
    Ping,
    PullRequest,
    Pushed,
    Review,
    Tagged,
)
from shipway.testing.forge import SECRET
from tests.conformance.cdn_lab import Answer, Request
from tests.conformance.forge_lab import ME, TOKEN, Pull, StandIn, linked, missing, reply

ZERO = "0" * 40


def signature(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


class Hub(StandIn):
    """What both have in common."""

    size, most = "per_page", 100  # of a page

    def user(self, name: str) -> dict[str, Any]:
        return {"id": self.number_of(name), "login": name, "type": "User"}

    def repository(self, full_name: str = "") -> dict[str, Any]:
        name = full_name or self.hosted.full_name
        return {
            "id": self.number_of(name),
            "full_name": name,
            "clone_url": self.hosted.https,
            "ssh_url": self.hosted.ssh,
        }

    def pull(self, pull: Pull) -> dict[str, Any]:
        head = "fork/shop" if pull.outside else self.hosted.full_name
        return {
            "number": pull.number,
            "state": "closed" if pull.merged else "open",
            "merged": pull.merged,
            "merged_at": "2026-03-01T13:00:00Z" if pull.merged else None,
            "title": "A title",
            "html_url": f"https://forge.example/team/shop/pull/{pull.number}",
            "user": self.user("ann"),
            "head": {"ref": "feature", "sha": pull.commits[-1][0], "repo": self.repository(head)},
            "base": {"ref": "main", "sha": ZERO, "repo": self.repository()},
        }

    def payload(self, event: Event, actions: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """The name of the event, and its body."""
        about: dict[str, Any] = {"repository": self.repository()}
        if isinstance(event, Pushed | Tagged | Deleted):
            ref = f"refs/heads/{event.branch}" if isinstance(event, Pushed) else ""
            ref = (
                f"refs/tags/{event.tag}"
                if isinstance(event, Tagged)
                else event.ref
                if isinstance(event, Deleted)
                else ref
            )
            after = ZERO if isinstance(event, Deleted) else event.after
            head = None if isinstance(event, Deleted) else {"id": after}
            about |= {"ref": ref, "before": event.before or ZERO, "after": after, "head_commit": head}
            return "push", about | {"sender": self.user(event.pusher.name), "pusher": self.user(event.pusher.name)}
        if isinstance(event, PullRequest):
            pull = self.pull(Pull(event.number, event.outside, [(event.head, "")], merged=event.action == MERGED))
            pull |= {"title": event.title, "html_url": event.url}
            pull["head"]["repo"] = self.repository(event.head_repository) if event.head_repository else None
            return "pull_request", about | {
                "action": actions[event.action],
                "pull_request": pull,
                "sender": self.user("bob"),
            }
        if isinstance(event, Review):
            pull = self.pull(Pull(event.number, False, [(event.commit, "")]))
            return "review", about | {"pull_request": pull, "sender": self.user(event.by.name)}
        return ("ping", about | {"zen": "Keep it simple."}) if isinstance(event, Ping) else ("star", about)

    def answer(self, request: Request) -> Answer:
        path, method = request.path.partition("?")[0].removeprefix(self.prefix), request.method
        if path == "/user":
            return reply(self.user(ME))
        base = f"/repos/{self.hosted.full_name}"
        if method == "POST" and (found := re.fullmatch(rf"{base}/statuses/(\w+)", path)):
            sent = json.loads(request.body)
            kept = self.keep_status(
                found[1], sent["context"], sent["state"], sent["description"], sent.get("target_url", "")
            )
            assert len(sent["description"]) <= (140 if self.name == "github" else 255)
            return reply(self.status(kept), 201)
        if found := re.fullmatch(rf"{base}/commits/(\w+)/status", path):
            shown = [self.status(item) for item in self.latest(found[1])]
            return linked(request, shown, self.size, self.most, "statuses")
        if found := re.fullmatch(rf"{base}/issues/comments/(\d+)", path):
            self.find(int(found[1])).body = json.loads(request.body)["body"]
            return reply({"id": int(found[1])})
        if found := re.fullmatch(rf"{base}/issues/(\d+)/comments", path):
            number = int(found[1])
            if method == "POST":
                return reply({"id": self.say(number, ME, json.loads(request.body)["body"]).id}, 201)
            said = [
                {"id": item.id, "body": item.body, "user": self.user(item.by)} for item in self.said.get(number, [])
            ]
            return self.said_page(request, said)
        if found := re.fullmatch(rf"{base}/pulls/(\d+)/reviews", path):
            return linked(request, self.reviews(self.pulls[int(found[1])]), self.size, self.most)
        return self.more(request, path.removeprefix(base))

    def said_page(self, request: Request, said: list[Any]) -> Answer:
        return linked(request, said, self.size, self.most)

    def more(self, request: Request, path: str) -> Answer:
        raise NotImplementedError

    def reviews(self, pull: Pull) -> list[dict[str, Any]]:
        raise NotImplementedError

    def status(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class GitHubStandIn(Hub):
    name = "github"

    def deliver(self, *events: Event, id: str = "one") -> tuple[dict[str, str], bytes]:
        (event,) = events
        actions = {OPENED: "opened", UPDATED: "synchronize", CLOSED: "closed", MERGED: "closed"}
        kind, about = self.payload(event, actions)
        if isinstance(event, Pushed):
            about["forced"] = event.forced
        about["deleted"] = isinstance(event, Deleted)
        if isinstance(event, Review):
            review = {"state": event.state, "commit_id": event.commit, "user": self.user(event.by.name)}
            kind = "pull_request_review"
            about |= {"action": "dismissed" if event.state == DISMISSED else "submitted", "review": review}
            about["sender"] = self.user("bob" if event.state == DISMISSED else event.by.name)
        body = json.dumps(about).encode()
        return {
            "X-GitHub-Event": kind,
            "X-GitHub-Delivery": id,
            "X-Hub-Signature-256": f"sha256={signature(body)}",
        }, body

    def says(self, event: Event) -> Event:
        return event

    def reviews(self, pull: Pull) -> list[dict[str, Any]]:
        return [
            {"user": self.user(item.by), "author_association": "MEMBER", "commit_id": item.commit, "state": "DISMISSED" if item.dismissed else item.verdict.upper()}
            for item in pull.reviews
        ]  # fmt: skip

    def status(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **{key: kept[key] for key in ("id", "context", "state", "description")},
            "target_url": kept["url"] or None,
        }

    def more(self, request: Request, path: str) -> Answer:
        if re.fullmatch(r"/commits/\w+/check-runs", path):
            return reply({"total_count": 0, "check_runs": []})
        if found := re.fullmatch(r"/commits/(\w+)/pulls", path):
            pulls = [self.pull(item) for item in self.pulls.values() if found[1] in dict(item.commits)]
            return linked(request, pulls, "per_page", 100)
        return missing()


class GiteaStandIn(Hub):
    name, prefix = "gitea", "/api/v1"
    size, most = "limit", 50

    def _known(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"token {TOKEN}"

    def deliver(self, *events: Event, id: str = "one") -> tuple[dict[str, str], bytes]:
        (event,) = events
        actions = {OPENED: "opened", UPDATED: "synchronized", CLOSED: "closed", MERGED: "closed"}
        kind, about = self.payload(event, actions)
        if isinstance(event, Deleted) and event.ref.startswith("refs/heads/"):
            kind = "delete"
            about = {"ref": event.ref.removeprefix("refs/heads/"), "ref_type": "branch", "pusher_type": "user"} | {
                key: about[key] for key in ("repository", "sender")
            }
        if isinstance(event, Review):
            verdict = {APPROVED: "approved", DISMISSED: "comment"}.get(event.state, "rejected")
            kind = f"pull_request_{verdict}"
            about |= {"action": "reviewed", "review": {"type": f"pull_request_review_{verdict}", "content": ""}}
            about["commit_id"] = event.commit
        body = json.dumps(about).encode()
        return {"X-Gitea-Event": kind, "X-Gitea-Delivery": id, "X-Gitea-Signature": signature(body)}, body

    def says(self, event: Event) -> Event:
        if isinstance(event, Pushed):
            return replace(event, forced=None)
        if isinstance(event, Deleted) and event.ref.startswith("refs/heads/"):
            return replace(event, before=None)
        return Ignored("pull_request_comment") if isinstance(event, Review) and event.state == DISMISSED else event

    def reviews(self, pull: Pull) -> list[dict[str, Any]]:
        return [
            {"user": self.user(item.by), "official": True, "commit_id": item.commit, "state": "APPROVED" if item.verdict == APPROVED else "REQUEST_CHANGES", "dismissed": item.dismissed}
            for item in pull.reviews
        ]  # fmt: skip

    def status(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        return {"id": kept["id"], "context": kept["context"], "status": kept["state"], "description": kept["description"], "target_url": kept["url"]}  # fmt: skip

    def said_page(self, request: Request, said: list[Any]) -> Answer:
        return reply(said)  # all at once

    def more(self, request: Request, path: str) -> Answer:
        if found := re.fullmatch(r"/commits/(\w+)/statuses", path):
            return linked(
                request, [self.status(item) for item in reversed(self.statuses.get(found[1], []))], "limit", 50
            )
        if path == "/pulls":
            pulls = [self.pull(item) for item in self.pulls.values() if not item.merged]
            return linked(request, pulls, "limit", 50)
        if found := re.fullmatch(r"/commits/(\w+)/pull", path):
            merged = [item for item in self.pulls.values() if item.merged and found[1] in dict(item.commits)]
            return reply(self.pull(merged[0])) if merged else missing()
        return missing()
