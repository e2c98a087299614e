"""An operation on a stack of CloudFormation: whether it has begun, its events as lines, and its end."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from shipway.domain.errors import InfraError
from shipway.drivers.infra.cloudformation_api import Api
from shipway.system.login import login
from shipway.system.redact import shortened

REVIEW = "REVIEW_IN_PROGRESS"  # a stack that has a change set, and was never created
STACK = "AWS::CloudFormation::Stack"
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")
POLL = 2.0  # seconds between two requests for events
HINTS = {
    "ROLLBACK_COMPLETE": "correct the template, and plan again: that removes the empty stack",
    "UPDATE_ROLLBACK_COMPLETE": "everything is as before; correct the template, and plan again",
    "DELETE_FAILED": "remove what is in the way, and destroy it again",
}


def is_locked(status: str) -> bool:
    """Whether someone changes a stack with this status."""
    return status.endswith("_IN_PROGRESS") and status != REVIEW


def stale() -> InfraError:
    """A plan of which something was done, or another change came in between."""
    return InfraError("the plan is stale: the state was changed since", hint="plan again, and apply that plan")


def token(of: str) -> str:
    """Names who asks, and what for, in the stack's events: shipway-ada-laptop-…"""
    who = re.sub("[^A-Za-z0-9]+", "-", login()).strip("-")[:80]
    return f"shipway-{who}-{hashlib.sha256(of.encode()).hexdigest()[:16]}"


class Operation:
    """What happens to a stack after an event. before: the event's id, "" for all."""

    def __init__(self, api: Api, stack: str, before: str, with_token: str) -> None:
        self._api, self._stack, self._before, self.token = api, stack, before, with_token

    def is_begun(self) -> bool:
        """Whether the first operation since is this one, begun by an earlier process."""
        first = self._events()[:1]
        return bool(first) and _what(str(first[0].get("ClientRequestToken"))) == _what(self.token)

    def is_other(self) -> bool:
        """Whether anything else happened since."""
        return bool(self._events())

    def wait(self, name: str, change_set: str, on_line: Callable[[str], None], cancelled: threading.Event) -> None:
        """Until it has ended. InfraError in the words of the first event that failed. An interrupt ends only the waiting."""
        shown: set[str] = set()
        try:
            while not self._is_ended(name, change_set, on_line, shown):
                if cancelled.wait(POLL):
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            on_line("AWS continues; the same command waits for it again")
            raise

    def _is_ended(self, name: str, change_set: str, on_line: Callable[[str], None], shown: set[str]) -> bool:
        events = self._events()
        for event in events:
            if event["EventId"] not in shown:
                shown.add(event["EventId"])
                on_line(_text(event))
        own = [event["ResourceStatus"] for event in events if self._is_stack(event)]
        if own and not own[-1].endswith("_IN_PROGRESS"):
            self._judge(name, own[-1], events)
            return True
        if not own and change_set:
            found = self._api.find("describe_change_set", ChangeSetName=change_set)
            if found and found.get("ExecutionStatus") == "EXECUTE_FAILED":
                raise InfraError(
                    f"the change set of {name} failed: {found.get('StatusReason') or 'AWS gives no reason'}",
                    hint="correct that, and plan again",
                )
        return False

    def _judge(self, name: str, status: str, events: list[Mapping[str, Any]]) -> None:
        if status in DONE:
            return
        failed = [
            event
            for event in events
            if str(event["ResourceStatus"]).endswith("_FAILED")
            and "cancelled" not in str(event.get("ResourceStatusReason", ""))
        ]
        told = shortened(_text(failed[0]), 1000) if failed else "no event says why"
        events_of = f"aws cloudformation describe-stack-events --stack-name {self._stack}"
        raise InfraError(
            f"the stack {name} is {status}: {told}", hint=HINTS.get(status, f"see its events: {events_of}")
        )

    def _events(self) -> list[Mapping[str, Any]]:
        """Oldest first."""
        found: list[Mapping[str, Any]] = []
        for event in self._api.pages("describe_stack_events", "StackEvents", StackName=self._stack):
            if str(event["EventId"]) == self._before:
                break
            if event["ResourceStatus"] != REVIEW:
                found.append(event)
        return found[::-1]

    def _is_stack(self, event: Mapping[str, Any]) -> bool:
        return event.get("ResourceType") == STACK and event.get("PhysicalResourceId") == self._stack


def _text(event: Mapping[str, Any]) -> str:
    reason = event.get("ResourceStatusReason")
    return f"{event['ResourceStatus']} {event['LogicalResourceId']} ({event.get('ResourceType', '')})" + (
        f": {reason}" if reason else ""
    )


def _what(text: str) -> str:
    """What a token is for, whoever asked."""
    return text.rpartition("-")[2]
