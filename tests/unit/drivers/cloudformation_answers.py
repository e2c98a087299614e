"""What AWS answers of a stack and its change sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shipway.drivers.infra.cloudformation_events import STACK

ID, SET = "arn:aws:cloudformation:eu:1:stack/shop/1", "arn:aws:cloudformation:eu:1:changeSet/shipway-1/2"
SECRET = "correct-horse-battery"
TEMPLATE = "Resources:\n  db: {Type: AWS::RDS::DBInstance, DeletionPolicy: Retain}\n  web: {Type: AWS::EC2::Instance}\n"


def change(action: str, **more: Any) -> dict[str, Any]:
    return {
        "ResourceChange": {"Action": action, "LogicalResourceId": "x", "ResourceType": "AWS::RDS::DBInstance", **more}
    }


class Aws:
    """Answers of a client of boto3. A test replaces single ones."""

    def __init__(self, status: str = "UPDATE_COMPLETE", **stack: Any) -> None:
        self.called: list[str] = []
        self.stack: dict[str, Any] = {"StackId": ID, "StackName": "shop", "StackStatus": status, **stack}
        self.events: list[dict[str, Any]] = [event("UPDATE_COMPLETE", number=0)]
        self.pages = 1
        self.answers: dict[str, Callable[..., Any]] = {
            "describe_stacks": lambda **given: {"Stacks": [self.stack]},
            "describe_stack_events": self.paged,
            "list_stack_resources": lambda **given: {
                "StackResourceSummaries": [
                    {"LogicalResourceId": "db", "ResourceType": "AWS::RDS::DBInstance", "ResourceStatus": "CREATE_COMPLETE"},
                    {"LogicalResourceId": "web", "ResourceType": "AWS::EC2::Instance", "ResourceStatus": "CREATE_COMPLETE"},
                    {"LogicalResourceId": "old", "ResourceType": "AWS::EC2::Instance", "ResourceStatus": "DELETE_COMPLETE"},
                ]
            },
            "get_template": lambda **given: {"TemplateBody": TEMPLATE},
            "create_change_set": lambda **given: {"Id": SET, "StackId": ID},
            "describe_change_set": lambda **given: {
                "ChangeSetId": SET, "StackId": ID, "Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE",
                "Changes": [change("Modify", Replacement="False")],
            },
            "delete_change_set": lambda **given: {},
        }  # fmt: skip

    def paged(self, **given: Any) -> dict[str, Any]:
        """Newest first, two of one page."""
        begin = int(given.get("NextToken", 0))
        newest = self.events[::-1]
        more = {"NextToken": str(begin + 2)} if begin + 2 < len(newest) else {}
        return {"StackEvents": newest[begin : begin + 2], **more}

    def __getattr__(self, name: str) -> Any:
        self.called.append(name)
        return lambda **given: self.answers[name](**given) or {}


def event(status: str, name: str = "shop", reason: str = "", by: str = "", number: int | None = None) -> dict[str, Any]:
    kind, physical = (STACK, ID) if name == "shop" else ("AWS::RDS::DBInstance", "db-1")
    return {
        "EventId": f"{status}-{name}-{number}", "ResourceStatus": status, "LogicalResourceId": name, "ResourceType": kind,
        "PhysicalResourceId": physical, "ResourceStatusReason": reason, "ClientRequestToken": by,
    }  # fmt: skip
