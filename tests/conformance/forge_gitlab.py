"""A stand-in of GitLab."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from shipway.domain.forge import (
    APPROVED,
    CHANGES_REQUESTED,
    CLOSED,
    DISMISSED,
    MERGED,
    OPENED,
    UPDATED,
    Deleted,
    Event,
    Ignored,
    PullRequest,
    Pushed,
    Review,
    State,
    Tagged,
)
from shipway.testing.forge import SECRET
from tests.conformance.cdn_lab import Answer, Request
from tests.conformance.forge_lab import ME, StandIn, linked, missing, reply

ZERO = "0" * 40
ACTIONS = {OPENED: "open", UPDATED: "update", CLOSED: "close", MERGED: "merge"}
SENT = {"pending": "pending", "success": "success", "failure": "failed", "error": "canceled"}


class GitLabStandIn(StandIn):
    name, prefix = "gitlab", "/api/v4"

    def deliver(self, *events: Event, id: str = "one") -> tuple[dict[str, str], bytes]:
        (event,) = events
        kind, about = self._payload(event)
        headers = {"X-Gitlab-Event": kind, "Idempotency-Key": id, "X-Gitlab-Token": SECRET}
        return headers, json.dumps(about).encode()

    def _payload(self, event: Event) -> tuple[str, dict[str, Any]]:
        name = self.hosted.full_name
        project = {
            "id": self.number_of(name),
            "path_with_namespace": name,
            "git_http_url": self.hosted.https,
            "git_ssh_url": self.hosted.ssh,
        }
        about: dict[str, Any] = {"project": project}
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
            kind = "tag_push" if ref.startswith("refs/tags/") else "push"
            about |= {"object_kind": kind, "ref": ref, "before": event.before or ZERO, "after": after}
            about["checkout_sha"] = None if isinstance(event, Deleted) else after
            return kind, about | {"user_id": self.number_of(event.pusher.name), "user_username": event.pusher.name}
        if isinstance(event, PullRequest | Review):
            attributes: dict[str, Any] = {
                "iid": event.number, "source_branch": "feature", "target_branch": "main", "target_project_id": project["id"],
                "source_project_id": project["id"], "author_id": self.number_of("ann"), "source": project,
            }  # fmt: skip
            about |= {"object_kind": "merge_request", "object_attributes": attributes}
            if isinstance(event, Review):
                action = {APPROVED: "approved", DISMISSED: "unapproved"}.get(event.state, "request_changes")
                about["user"] = {"id": self.number_of(event.by.name), "username": event.by.name}
                attributes |= {"action": action, "last_commit": {"id": event.commit}}
            else:
                source = {"path_with_namespace": event.head_repository} if event.head_repository else None
                about["user"] = {"id": self.number_of(event.author.name), "username": event.author.name}
                attributes |= {"action": ACTIONS[event.action], "last_commit": {"id": event.head}, "source": source}
                attributes |= {"title": event.title, "url": event.url}
                if event.outside:
                    attributes["source_project_id"] = self.number_of("fork/shop") if source else None
            return "merge_request", about
        return "star", about | {"object_kind": "star"}

    def says(self, event: Event) -> Event:
        if isinstance(event, Pushed):
            return replace(event, forced=None)
        return Ignored("merge_request") if isinstance(event, Review) and event.state == CHANGES_REQUESTED else event

    def others_status(self, commit: str, context: str, state: State) -> None:
        self.keep_status(commit, context, SENT[state], "by another", "https://ci.example/1")

    def answer(self, request: Request) -> Answer:
        path, method = request.path.partition("?")[0].removeprefix(self.prefix), request.method
        if path == "/user":
            return reply({"id": self.number_of(ME), "username": ME})
        project = "/projects/team%2Fshop"
        if path == f"/projects/{self.number_of('fork/shop')}":
            return reply({"path_with_namespace": "fork/shop"})
        if method == "POST" and (found := re.fullmatch(rf"{project}/statuses/(\w+)", path)):
            return self._set(found[1], json.loads(request.body))
        if found := re.fullmatch(rf"{project}/repository/commits/(\w+)/statuses", path):
            shown = [
                {"id": item["id"], "name": item["context"], "status": item["state"], "description": item["description"], "target_url": item["url"]}
                for item in self.latest(found[1])
            ]  # fmt: skip
            return linked(request, shown, "per_page", 100)
        if found := re.fullmatch(rf"{project}/merge_requests/(\d+)/notes/(\d+)", path):
            assert method == "PUT"
            self.find(int(found[2])).body = json.loads(request.body)["body"]
            return reply({"id": int(found[2])})
        if found := re.fullmatch(rf"{project}/merge_requests/(\d+)/notes", path):
            number = int(found[1])
            if method == "POST":
                return reply({"id": self.say(number, ME, json.loads(request.body)["body"]).id}, 201)
            said = [
                {"id": item.id, "body": item.body, "author": {"id": self.number_of(item.by), "username": item.by}}
                for item in self.said.get(number, [])
            ]
            return linked(request, said if request.query.get("sort") == "asc" else said[::-1], "per_page", 100)
        return self._merge_requests(request, path.removeprefix(project))

    def _set(self, commit: str, sent: dict[str, str]) -> Answer:
        known = next((item for item in self.latest(commit) if item["context"] == sent["name"]), None)
        if known is not None and known["state"] == sent["state"] == "pending":
            return reply({"message": "Cannot transition status via :enqueue from :pending"}, 400)
        assert sent["state"] in ("pending", "running", "success", "failed", "canceled")
        assert len(sent["description"]) <= 255
        kept = self.keep_status(commit, sent["name"], sent["state"], sent["description"], sent.get("target_url", ""))
        return reply({"id": kept["id"]}, 201)

    def _merge_requests(self, request: Request, path: str) -> Answer:
        if found := re.fullmatch(r"/merge_requests/(\d+)/(versions|approvals|reviewers)", path):
            pull = self.pulls[int(found[1])]
            valid = {item.by: item for item in pull.reviews if not item.dismissed}
            if found[2] == "approvals":
                approved = [
                    {"user": self._user(item.by), "approved_at": item.at}
                    for item in valid.values()
                    if item.verdict == APPROVED
                ]
                return reply({"iid": pull.number, "approved_by": approved})
            if found[2] == "reviewers":
                shown = [
                    {
                        "user": self._user(item.by),
                        "state": "approved" if item.verdict == APPROVED else "requested_changes",
                    }
                    for item in valid.values()
                ]
                return linked(request, shown, "per_page", 100)
            versions = [
                {"id": n, "head_commit_sha": commit, "created_at": at} for n, (commit, at) in enumerate(pull.commits)
            ]
            return linked(request, versions[::-1], "per_page", 100)
        if found := re.fullmatch(r"/repository/commits/(\w+)/merge_requests", path):
            here, fork = self.number_of(self.hosted.full_name), self.number_of("fork/shop")
            return linked(request, [
                {
                    "iid": pull.number, "state": "merged" if pull.merged else "opened", "title": "A title", "author": self._user("ann"),
                    "source_branch": "feature", "target_branch": "main", "target_project_id": here,
                    "source_project_id": fork if pull.outside else here, "sha": pull.commits[-1][0],
                    "web_url": f"https://forge.example/team/shop/-/merge_requests/{pull.number}",
                }
                for pull in self.pulls.values() if found[1] in dict(pull.commits)
            ], "per_page", 100)  # fmt: skip
        return missing()

    def _user(self, name: str) -> dict[str, Any]:
        return {"id": self.number_of(name), "username": name, "name": name.title()}
