"""CloudFormation: a plan is a change set, and applying it executes exactly that one. The stack is the state, and AWS keeps it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets as random
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from shipway.domain.errors import InfraError, UsageError
from shipway.domain.infra import DESTROY, HIDDEN, UPDATE, InfraPlace, InfraPlan, Output, ResourceChange
from shipway.domain.provisioned import ADDRESSES, HOSTS, Infra
from shipway.drivers.infra import cloudformation_template as templates
from shipway.drivers.infra.cloudformation_api import Api
from shipway.drivers.infra.cloudformation_events import Operation, is_locked, stale, token
from shipway.drivers.infra.data import holds_data
from shipway.system.private_file import write_private

PARAMETER = "CFN_PARAMETER_"  # of a secret's name: the rest is a parameter of the template
MOST = 51_200  # bytes of a template, AWS's limit
EMPTY = "didn't contain changes|No updates are to be performed"
REVIEW, ROLLED_BACK = "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"
GONE = ("DELETE_COMPLETE",)
STUCK = {
    "CREATE_FAILED": "it can only be destroyed: `shipway infra ENVIRONMENT destroy`",
    "ROLLBACK_FAILED": "it can only be destroyed: `shipway infra ENVIRONMENT destroy`",
    "DELETE_FAILED": "remove what is in the way, and destroy it again: `shipway infra ENVIRONMENT destroy`",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name {stack} --region {region}",
    "UPDATE_ROLLBACK_FAILED": "correct what the event names, then: aws cloudformation continue-update-rollback "
    "--stack-name {stack} --region {region}",
}


class CloudFormation:
    """Implements ports.InfraTool. The work folder has the id of the stack that was applied last, and the names of the change
    sets that were made, so that none is left behind."""

    def __init__(self, settings: Infra, place: InfraPlace, cancelled: threading.Event) -> None:
        if not settings.stack or not settings.region:
            raise UsageError(
                "`infra` with the tool cloudformation needs `stack` and `region`", hint="add them to the plan"
            )
        self._settings, self._place, self._cancelled = settings, place, cancelled
        self._name, self._last, self._made = settings.stack, place.work / "stack", place.work / "change-sets"

    def plan(self, file: Path, on_line: Callable[[str], None], *, destroy: bool = False) -> InfraPlan:
        """A change set, or what deleting the stack deletes."""
        stack = self._stack()
        self._require_unlocked(stack)
        self._remove_leftovers()
        self._require_known(stack)
        if destroy:
            return self._destruction(file, self._unless_empty(stack, on_line, (REVIEW, ROLLED_BACK)))
        stack = self._unless_empty(stack, on_line, (ROLLED_BACK,))
        if stack is not None and (hint := STUCK.get(stack["StackStatus"])):
            why = stack.get("StackStatusReason") or "see its events"
            raise InfraError(
                f"the stack {self._name} is {stack['StackStatus']}: {why}",
                hint=hint.format(stack=self._name, region=self._settings.region),
            )
        template, text = self._template()
        before = self._newest(stack)
        found = self._change_set(file, stack, text, on_line)
        changes = list(self._changes(found["ChangeSetId"])) if found else []
        data = {
            "change_set": found["ChangeSetId"] if found else "", "stack": found["StackId"] if found else "",
            "before": before, "changes": changes,
        }  # fmt: skip
        outputs = {name: Output(None, name in template.sensitive) for name in template.outputs}
        shown = templates.changes_of(changes, self._secrets)
        return InfraPlan(shown, outputs, _write(file, data), outputs_change=bool(found))

    def apply(self, file: Path, on_line: Callable[[str], None]) -> None:
        """Execute the change set, or delete the stack, and wait; an earlier process's execution is waited for."""
        planned = json.loads(file.read_bytes())
        if not planned["stack"]:
            return
        stack = self._api.find("describe_stacks", StackName=planned["stack"])
        if stack is None:
            raise stale()
        change = planned["change_set"]
        operation = Operation(self._api, planned["stack"], planned["before"], token(change or str(planned)))
        if not operation.is_begun():
            self._require_unlocked(stack["Stacks"][0])
            if operation.is_other():
                raise stale()
            if change:
                self._execute(planned, operation.token)
            else:
                self._api.call("delete_stack", StackName=planned["stack"], ClientRequestToken=operation.token)
        operation.wait(self._name, change, on_line, self._cancelled)
        if change:
            (self._made / _short(change)).unlink(missing_ok=True)
        else:
            self._last.unlink(missing_ok=True)

    def outputs(self) -> Mapping[str, Output]:
        """Of the stack. `hosts` and `addresses` may be a list in JSON, or separated by commas."""
        stack = self._stack()
        self._require_unlocked(stack)
        if stack is None or stack["StackStatus"] == REVIEW:
            return {}
        template = templates.read(self._deployed())
        public = {output for name, output in self._settings.outputs.items() if name in (HOSTS, ADDRESSES)}
        found = {}
        for item in stack.get("Outputs") or ():
            name, value = item["OutputKey"], str(item.get("OutputValue", ""))
            sensitive = name in template.sensitive or templates.is_secret(value, self._secrets)
            found[name] = Output(_listed(value) if name in public else value, sensitive)
        return found

    def drift(self, on_line: Callable[[str], None]) -> Sequence[ResourceChange]:
        """As AWS detects it. What it doesn't check is a line."""
        stack = self._stack()
        self._require_unlocked(stack)
        if stack is None or stack["StackStatus"] == REVIEW:
            return []
        number = self._api.call("detect_stack_drift", StackName=stack["StackId"])["StackDriftDetectionId"]
        while True:
            found = self._api.call("describe_stack_drift_detection_status", StackDriftDetectionId=number)
            if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            self._pause()
        if found["DetectionStatus"] == "DETECTION_FAILED":
            on_line(f"AWS could not check everything: {found.get('DetectionStatusReason') or 'without a reason'}")
        made = []
        checked = set()
        for item in self._api.pages(
            "describe_stack_resource_drifts", "StackResourceDrifts", StackName=stack["StackId"]
        ):
            name, kind, status = (
                item["LogicalResourceId"],
                item.get("ResourceType", ""),
                item["StackResourceDriftStatus"],
            )
            if status == "NOT_CHECKED":
                continue
            checked.add(name)
            if status in ("MODIFIED", "DELETED"):
                action = DESTROY if status == "DELETED" else UPDATE
                lines = tuple(map(self._difference, item.get("PropertyDifferences") or ()))
                made.append(ResourceChange(name, kind, action, lines, holds_data(name, kind)))
        names = [item["LogicalResourceId"] for item in self._resources(stack["StackId"])]
        if missing := [name for name in names if name not in checked]:
            on_line(f"AWS offers no drift detection for: {', '.join(missing)}")
        return made

    @cached_property
    def _api(self) -> Api:
        return Api(self._settings.region, self._place.secrets)

    @property
    def _secrets(self) -> list[str]:
        """Values that are never shown."""
        return [value for name, value in self._place.secrets.items() if name != "AWS_PROFILE" and len(value) > 3]

    def _stack(self) -> dict[str, Any] | None:
        found = self._api.find("describe_stacks", StackName=self._name)
        stack: dict[str, Any] | None = found["Stacks"][0] if found and found["Stacks"] else None
        return stack

    def _resources(self, stack: str) -> list[Mapping[str, Any]]:
        found = self._api.pages("list_stack_resources", "StackResourceSummaries", StackName=stack)
        return [item for item in found if item.get("ResourceStatus") not in GONE]

    def _newest(self, stack: Mapping[str, Any] | None) -> str:
        """The last event before; "" for a stack that was never created."""
        if stack is None or stack["StackStatus"] == REVIEW:
            return ""
        events = self._api.call("describe_stack_events", StackName=stack["StackId"])["StackEvents"]
        return str(events[0]["EventId"]) if events else ""

    def _require_unlocked(self, stack: Mapping[str, Any] | None) -> None:
        if stack is None or not is_locked(stack["StackStatus"]):
            return
        events = self._api.call("describe_stack_events", StackName=stack["StackId"])["StackEvents"]
        last = events[0] if events else {}
        by = f", by {last['ClientRequestToken']}" if last.get("ClientRequestToken") else ""
        raise InfraError(
            f"the state is locked (the stack {self._name} is {stack['StackStatus']}{by}, last event {last.get('Timestamp', 'unknown')})",
            hint="wait until that has ended; if it was an `apply` of yours that was interrupted, the same command waits for it",
        )

    def _require_known(self, stack: Mapping[str, Any] | None) -> None:
        """UsageError if what was applied is another stack, or out of this identity's sight."""
        last = self._last.read_text(encoding="utf-8").strip() if self._last.exists() else None
        if last == "" or (last is None and (stack is not None or not self._place.applied)):
            return
        if last is not None and stack is not None and stack["StackId"] == last:
            return
        if last is not None:
            absent = "does not exist|ValidationError|AccessDenied"
            found = self._api.find("describe_stacks", absent=absent, StackName=last)
            if found and found["Stacks"] and found["Stacks"][0]["StackStatus"] in (*GONE, REVIEW):
                return
        raise UsageError(
            f"the infrastructure was applied as the stack {last or 'of this environment'}, which is not {self._name} in "
            f"{self._settings.region} as this identity sees it: a plan would create everything a second time",
            hint="use the `stack`, the `region` and the account with which it was applied; if nothing of that "
            f"infrastructure is left, empty the file that remembers it: truncate -s 0 {self._last}",
        )

    def _unless_empty(
        self, stack: dict[str, Any] | None, on_line: Callable[[str], None], states: Sequence[str]
    ) -> dict[str, Any] | None:
        """The stack; None after deleting one that was never created, and has nothing."""
        if stack is None or stack["StackStatus"] not in states or self._resources(stack["StackId"]):
            if stack is not None and stack["StackStatus"] == ROLLED_BACK and REVIEW not in states:
                raise InfraError(
                    f"the stack {self._name} was never created, and some of its resources are left ({ROLLED_BACK})",
                    hint="see which: `shipway infra ENVIRONMENT destroy`; then plan again",
                )
            return stack
        on_line(f"removing the empty stack {self._name} ({stack['StackStatus']})")
        self._api.call("delete_stack", StackName=stack["StackId"])
        while True:
            found = self._api.find("describe_stacks", StackName=stack["StackId"])
            status = found["Stacks"][0]["StackStatus"] if found and found["Stacks"] else GONE[0]
            if status in GONE:
                break
            if status == "DELETE_FAILED":
                raise InfraError(f"the stack {self._name} can't be removed", hint="remove it in the console of AWS")
            self._pause()
        return None

    def _template(self) -> tuple[templates.Template, str]:
        file = self._place.source / self._settings.template
        if not file.is_file() or not file.resolve().is_relative_to(self._place.source.resolve()):
            raise UsageError(
                f"{self._settings.folder} has no file {self._settings.template}",
                hint="correct `infra.template` in the plan",
            )
        text = file.read_text(encoding="utf-8", errors="replace")
        if len(text.encode()) > MOST:
            raise UsageError(
                f"the template is larger than {MOST} bytes, AWS's limit",
                hint="make it smaller, or move resources to a stack that you apply yourself",
            )
        found = templates.read(text)
        if found.nested:
            raise UsageError(
                f"{', '.join(found.nested)}: a change set doesn't show what a nested stack destroys",
                hint="put the nested stack's resources into this template",
            )
        if shown := [name for name in self._secret_parameters if name not in found.hidden]:
            raise UsageError(
                f"the template has no parameter {', '.join(shown)} with `NoEcho: true`, and AWS would show the secret",
                hint="add `NoEcho: true` to the parameter, or correct the name in `infra.secrets`",
            )
        return found, text

    @property
    def _secret_parameters(self) -> dict[str, str]:
        given = self._place.secrets
        return {name[len(PARAMETER) :]: value for name, value in given.items() if name.startswith(PARAMETER)}

    def _change_set(
        self, file: Path, stack: Mapping[str, Any] | None, text: str, on_line: Callable[[str], None]
    ) -> dict[str, Any] | None:
        """A new one, complete; None if there is nothing to change."""
        name = f"shipway-{random.token_hex(8)}"
        self._made.mkdir(mode=0o700, exist_ok=True)
        write_private(self._made / name, json.dumps({"file": str(file), "stack": self._name}))
        create = stack is None or stack["StackStatus"] == REVIEW
        parameters = {**self._settings.variables, **self._secret_parameters}
        made = self._api.find(
            "create_change_set", absent=EMPTY, StackName=self._name, ChangeSetName=name,
            ChangeSetType="CREATE" if create else "UPDATE", TemplateBody=text,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=list(self._settings.capabilities),
        )  # fmt: skip
        if made is None:
            self._drop(self._made / name)
            return None
        while True:
            found = self._api.call("describe_change_set", ChangeSetName=made["Id"], StackName=made["StackId"])
            if not str(found["Status"]).endswith(("PENDING", "IN_PROGRESS")):
                break
            self._pause()
        if found["Status"] == "CREATE_COMPLETE":
            return found
        why = found.get("StatusReason") or found["Status"]
        self._drop(self._made / name)
        if re.search(EMPTY, why):
            return None
        raise InfraError(
            f"CloudFormation can't make a change set of {self._name}: {why}",
            hint="correct the template or its parameters, merge it to the protected branch, and plan again",
        )

    def _changes(self, change_set: str) -> Sequence[Mapping[str, Any]]:
        found = self._api.pages("describe_change_set", "Changes", ChangeSetName=change_set, IncludePropertyValues=True)
        plain: Sequence[Mapping[str, Any]] = json.loads(json.dumps(list(found), default=str, sort_keys=True))
        return plain

    def _execute(self, planned: Mapping[str, Any], with_token: str) -> None:
        found = self._api.find("describe_change_set", ChangeSetName=planned["change_set"])
        if found is None or found["ExecutionStatus"] not in ("AVAILABLE", "EXECUTE_IN_PROGRESS"):
            raise stale()
        if list(self._changes(planned["change_set"])) != planned["changes"]:
            raise InfraError("the change set differs from what was shown", hint="plan again, and apply that plan")
        self._last.unlink(missing_ok=True)
        write_private(self._last, planned["stack"])
        if found["ExecutionStatus"] == "EXECUTE_IN_PROGRESS":  # by an earlier process, and no event shows it yet
            return
        self._api.call("execute_change_set", ChangeSetName=planned["change_set"], ClientRequestToken=with_token)

    def _remove_leftovers(self) -> None:
        """Change sets whose plan is no longer stored."""
        for record in sorted(self._made.glob("shipway-*")):
            if not Path(json.loads(record.read_text(encoding="utf-8"))["file"]).exists():
                self._drop(record)

    def _drop(self, record: Path) -> None:
        stack = json.loads(record.read_text(encoding="utf-8"))["stack"]
        gone = "does not exist|ChangeSetNotFound|InvalidChangeSetStatus"  # executed, or its stack was deleted
        self._api.find("delete_change_set", absent=gone, StackName=stack, ChangeSetName=record.name)
        record.unlink()

    def _destruction(self, file: Path, stack: Mapping[str, Any] | None) -> InfraPlan:
        if stack is None:
            return InfraPlan((), {}, _write(file, {"change_set": "", "stack": "", "before": "", "changes": []}), True)
        if stack.get("EnableTerminationProtection"):
            raise InfraError(
                f"the stack {self._name} is protected from termination",
                hint=f"aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {self._name} --region {self._settings.region}",
            )
        kept = templates.read(self._deployed()).kept
        made = []
        for item in self._resources(stack["StackId"]):
            name, kind = item["LogicalResourceId"], item.get("ResourceType", "")
            action = templates.FORGET if name in kept else DESTROY
            made.append(ResourceChange(name, kind, action, (), holds_data(name, kind)))
        data = {"change_set": "", "stack": stack["StackId"], "before": self._newest(stack), "changes": []}
        return InfraPlan(tuple(made), {}, _write(file, data), True, outputs_change=True)

    def _deployed(self) -> Any:
        return self._api.call("get_template", StackName=self._name)["TemplateBody"]

    def _difference(self, item: Mapping[str, Any]) -> str:
        old, new = str(item.get("ExpectedValue")), str(item.get("ActualValue"))
        shown = [HIDDEN if templates.is_secret(text, self._secrets) else text for text in (old, new)]
        return f"{item.get('PropertyPath', '')}: {shown[0]} → {shown[1]}"

    def _pause(self) -> None:
        if self._cancelled.wait(1.0):
            raise KeyboardInterrupt


def _short(change_set: str) -> str:
    """The name in an ARN of a change set: …:changeSet/NAME/ID."""
    return change_set.rsplit("/", 2)[-2]


def _listed(value: str) -> list[Any]:
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    return found if isinstance(found, list) else [part.strip() for part in value.split(",")]


def _write(file: Path, data: Mapping[str, Any]) -> str:
    """Write the plan. Returns its digest."""
    text = json.dumps(data, sort_keys=True)
    write_private(file, text)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
