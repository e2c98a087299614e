"""moto's server with what its CloudFormation lacks. It runs with moto's own Python: python -P tests/moto_stacks.py -H … -p …

Added to moto: outputs after a change set; tokens of requests in events; a second change set for a stack that was never created;
the deletion of a change set that is gone; a rollback of what fails; drift of buckets (deleted or not); executions that wait while
the file HELD exists. SignalResource stands for somebody else: LogicalResourceId is the status that the stack gets, UniqueId the
token of the event.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from moto.cloudformation import models, responses  # type: ignore[import-untyped, import-not-found, unused-ignore]
from moto.core.responses import ActionResult, EmptyResult  # type: ignore[import-untyped, import-not-found, unused-ignore]
from moto.core.utils import utcnow  # type: ignore[import-untyped, import-not-found, unused-ignore]
from moto.s3.models import s3_backends  # type: ignore[import-untyped, import-not-found, unused-ignore]
from moto.server import main  # type: ignore[import-untyped, import-not-found, unused-ignore]

HELD = os.environ.get("HELD", "")
Backend, Response = models.CloudFormationBackend, responses.CloudFormationResponse
make, remove, delete_stack = Backend.create_change_set, Backend.delete_change_set, Response.delete_stack


def apply(self: Any) -> None:
    """Of a change set."""
    stack = self.stack
    stack.resource_map.update(self.template_dict, self.parameters)
    stack.template, stack.template_dict, stack.parameters = self.template, self.template_dict, self.parameters
    stack.output_map = stack._create_output_map()


def create_change_set(self: Any, **given: Any) -> Any:
    """For the stack that has another one already, and nothing else."""
    old = [
        item
        for item in self.stacks.values()
        if item.name == given["stack_name"] and item.status == "REVIEW_IN_PROGRESS"
    ]
    change_set, stack = make(self, **given)
    if old and given["change_set_type"] == "CREATE":
        del self.stacks[stack]
        found = self.change_sets[change_set]
        found.stack, found.stack_id = old[0], old[0].stack_id
        return change_set, old[0].stack_id
    return change_set, stack


def delete_change_set(self: Any, change_set_name: str) -> None:
    if any(change_set_name in (key, item.change_set_name) for key, item in self.change_sets.items()):
        remove(self, change_set_name)


def add_event(
    stack: Any, status: str, token: str, resource: str = "", kind: str = "", reason: str | None = None
) -> None:
    stack._add_stack_event(status, resource_status_reason=reason)
    event = stack.events[-1]
    event.client_request_token = token
    if resource:
        event.logical_resource_id, event.resource_type, event.physical_resource_id = resource, kind, ""


def execute_change_set(self: Any) -> Any:
    backend, token = self.cloudformation_backend, self._get_param("ClientRequestToken")
    change_set = backend.describe_change_set(self._get_param("ChangeSetName"))
    kind, stack = change_set.change_set_type, change_set.stack
    stack.status = f"{kind}_IN_PROGRESS"
    add_event(stack, stack.status, token, reason="User Initiated")

    def work() -> None:
        while HELD and os.path.exists(HELD):
            time.sleep(0.05)
        try:
            change_set.apply()
            end = f"{kind}_COMPLETE"
        except Exception as error:
            first = change_set.changes[0]
            add_event(stack, f"{kind}_FAILED", token, first.logical_resource_id, first.resource_type, str(error))
            end = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            stack.resource_map._resource_json_map = {}
        change_set.execution_status = "EXECUTE_COMPLETE"
        add_event(stack, end, token)
        stack.status = end

    worker = threading.Thread(target=work)
    worker.start()
    if not HELD:
        worker.join()
    return EmptyResult()


def delete(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    known = len(stack.events)
    answer = delete_stack(self)
    for event in stack.events[known:]:
        event.client_request_token = self._get_param("ClientRequestToken")
    return answer


def signal_resource(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.status, by = self._get_param("LogicalResourceId"), self._get_param("UniqueId")
    stack.events = [event for event in stack.events if event.client_request_token != by]
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        add_event(stack, stack.status, by)
    return EmptyResult()


def detect_stack_drift(self: Any) -> Any:
    return ActionResult({"StackDriftDetectionId": self._get_param("StackName")})


def describe_stack_drift_detection_status(self: Any) -> Any:
    number = self._get_param("StackDriftDetectionId")
    return ActionResult(
        {
            "StackId": number, "StackDriftDetectionId": number, "DetectionStatus": "DETECTION_COMPLETE", "Timestamp": utcnow(),
        }
    )  # fmt: skip


def describe_stack_resource_drifts(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    buckets = s3_backends[self.current_account][self.partition].buckets
    found = []
    for item in stack.stack_resources:
        bucket = item.cf_resource_type == "AWS::S3::Bucket"
        status = "NOT_CHECKED" if not bucket else "IN_SYNC" if item.physical_resource_id in buckets else "DELETED"
        found.append(
            {
                "StackId": stack.stack_id, "LogicalResourceId": item.logical_resource_id, "ResourceType": item.cf_resource_type,
                "StackResourceDriftStatus": status, "Timestamp": utcnow(),
            }
        )  # fmt: skip
    return ActionResult({"StackResourceDrifts": found})


models.ChangeSet.apply = apply
Backend.create_change_set, Backend.delete_change_set = create_change_set, delete_change_set
Response.delete_stack = delete
for function in (
    execute_change_set, signal_resource, detect_stack_drift, describe_stack_drift_detection_status, describe_stack_resource_drifts,
):  # fmt: skip
    setattr(Response, function.__name__, function)

if __name__ == "__main__":
    main()
