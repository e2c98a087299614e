"""CloudFormation as AWS answers where moto doesn't: states of a stack, failures, drift, an interrupt."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import InfraError
from shipway.domain.infra import InfraPlace
from shipway.domain.provisioned import Infra
from shipway.drivers.infra import cloudformation_events
from shipway.drivers.infra.cloudformation import CloudFormation
from shipway.drivers.infra.cloudformation_events import is_locked, token
from tests.unit.drivers.cloudformation_answers import ID, SECRET, SET, TEMPLATE, Aws, event


def tool(folder: Path, aws: Aws, cancelled: threading.Event | None = None) -> CloudFormation:
    for name in ("source", "work"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "source/template.yaml").write_text(TEMPLATE)
    settings = Infra("cloudformation", "infra", stack="shop", region="eu-central-1")
    place = InfraPlace(folder / "source", folder / "work", {"AWS_SECRET_ACCESS_KEY": SECRET})
    made = CloudFormation(settings, place, cancelled or threading.Event())
    made._api.__dict__["_client"] = aws
    return made


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudformation_events, "POLL", 0.0)


def quiet(line: str) -> None: ...


def test_which_states_are_locks() -> None:
    assert is_locked("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert is_locked("UPDATE_ROLLBACK_IN_PROGRESS")
    assert not any(map(is_locked, ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "ROLLBACK_FAILED")))


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name shop --region eu-central-1"),
        ("UPDATE_FAILED", "rollback-stack --stack-name shop"),
        ("DELETE_FAILED", "destroy"),
        ("ROLLBACK_FAILED", "destroy"),
        ("CREATE_FAILED", "destroy"),
        ("ROLLBACK_COMPLETE", "destroy"),  # with resources that are left
    ],
)
def test_a_stack_that_takes_no_change_says_what_to_do(tmp_path: Path, status: str, hint: str) -> None:
    aws = Aws(status)
    with pytest.raises(InfraError, match=status) as caught:
        tool(tmp_path, aws).plan(tmp_path / "one", quiet)
    assert hint in caught.value.hint
    assert "create_change_set" not in aws.called
    assert tool(tmp_path, aws).plan(tmp_path / "two", quiet, destroy=True).changes, "it can be destroyed"


def test_a_destroy_plan_says_what_is_kept(tmp_path: Path) -> None:
    plan = tool(tmp_path, Aws()).plan(tmp_path / "one", quiet, destroy=True)
    assert plan.text == "forget db\n- web"
    protected = Aws(EnableTerminationProtection=True)
    with pytest.raises(InfraError, match="protected from termination") as caught:
        tool(tmp_path, protected).plan(tmp_path / "two", quiet, destroy=True)
    assert "--no-enable-termination-protection --stack-name shop" in caught.value.hint


def test_nothing_to_do_leaves_no_change_set(tmp_path: Path) -> None:
    aws = Aws()
    why = "The submitted information didn't contain changes. Submit different information to create a change set."
    aws.answers["describe_change_set"] = lambda **given: {"Status": "FAILED", "StatusReason": why}
    made = tool(tmp_path, aws)
    plan = made.plan(tmp_path / "one", quiet)
    assert plan.is_empty
    assert "delete_change_set" in aws.called
    made.apply(tmp_path / "one", quiet)
    assert "execute_change_set" not in aws.called
    aws.answers["describe_change_set"] = lambda **given: {"Status": "FAILED", "StatusReason": "no such AMI"}
    with pytest.raises(InfraError, match="no such AMI"):
        made.plan(tmp_path / "two", quiet)
    assert not list((tmp_path / "work/change-sets").iterdir())


def test_only_outputs_change(tmp_path: Path) -> None:
    aws = Aws()
    aws.answers["describe_change_set"] = lambda **given: {
        "ChangeSetId": SET,
        "StackId": ID,
        "Status": "CREATE_COMPLETE",
    }
    plan = tool(tmp_path, aws).plan(tmp_path / "one", quiet)
    assert (plan.changes, plan.is_empty) == ((), False)


def planned(folder: Path, aws: Aws, cancelled: threading.Event | None = None) -> CloudFormation:
    made = tool(folder, aws, cancelled)
    made.plan(folder / "one", quiet)
    (folder / "work/change-sets/shipway-1").touch()
    return made


def test_a_rollback_is_told_in_the_words_of_the_first_failure(tmp_path: Path) -> None:
    aws = Aws()
    made = planned(tmp_path, aws)

    def execute(**given: Any) -> dict[str, Any]:
        by = given["ClientRequestToken"]
        aws.events += [
            event("UPDATE_IN_PROGRESS", by=by), event("UPDATE_FAILED", "web", "Resource creation cancelled", by),
            event("UPDATE_FAILED", "db", "storage can't shrink", by), event("UPDATE_ROLLBACK_IN_PROGRESS", by=by),
            event("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", by=by), event("UPDATE_ROLLBACK_COMPLETE", by=by),
        ]  # fmt: skip
        return {}

    aws.answers["execute_change_set"] = execute
    lines: list[str] = []
    with pytest.raises(InfraError) as caught:
        made.apply(tmp_path / "one", lines.append)
    assert caught.value.message == (
        "the stack shop is UPDATE_ROLLBACK_COMPLETE: UPDATE_FAILED db (AWS::RDS::DBInstance): storage can't shrink"
    )
    assert "everything is as before" in caught.value.hint
    assert len(lines) == 6, "each event once"
    assert lines[0].startswith("UPDATE_IN_PROGRESS shop"), "oldest first, and none of before"


def test_what_a_killed_process_began_is_waited_for_by_anyone(tmp_path: Path) -> None:
    aws = Aws()
    made = planned(tmp_path, aws)
    aws.stack["StackStatus"] = "UPDATE_IN_PROGRESS"
    aws.events.append(event("UPDATE_IN_PROGRESS", by=token(SET).replace("shipway-", "shipway-another-", 1)))
    lines: list[str] = []

    def go_on(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            aws.events.append(event("UPDATE_COMPLETE", number=1))

    made.apply(tmp_path / "one", go_on)
    assert [line.split()[0] for line in lines] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert "execute_change_set" not in aws.called


def test_what_a_killed_process_began_is_waited_for_before_its_first_event(tmp_path: Path) -> None:
    aws = Aws()
    made = planned(tmp_path, aws)
    before = aws.answers["describe_change_set"]()

    running = {**before, "ExecutionStatus": "EXECUTE_IN_PROGRESS"}
    asked = aws.called.count("describe_change_set")
    aws.answers["describe_change_set"] = lambda **given: running

    def events(**given: Any) -> dict[str, Any]:
        """The first event, once it was asked for while waiting."""
        if aws.called.count("describe_change_set") > asked + 2 and len(aws.events) == 1:
            aws.events.append(event("UPDATE_COMPLETE", number=1))
        return aws.paged(**given)

    aws.answers["describe_stack_events"] = events
    lines: list[str] = []
    made.apply(tmp_path / "one", lines.append)
    assert [line.split()[0] for line in lines] == ["UPDATE_COMPLETE"]
    assert "execute_change_set" not in aws.called


def test_what_someone_else_began_is_a_lock_and_then_stale(tmp_path: Path) -> None:
    aws = Aws()
    made = planned(tmp_path, aws)
    aws.stack["StackStatus"] = "UPDATE_IN_PROGRESS"
    aws.events.append(event("UPDATE_IN_PROGRESS", by="Console-ExecuteChangeSet-1"))
    with pytest.raises(InfraError, match=r"locked \(the stack shop is UPDATE_IN_PROGRESS, by Console-Execute"):
        made.apply(tmp_path / "one", quiet)
    for ask in (made.outputs, lambda: made.drift(quiet)):
        with pytest.raises(InfraError, match="locked"):
            ask()
    aws.stack["StackStatus"] = "UPDATE_COMPLETE"
    aws.events.append(event("UPDATE_COMPLETE", number=1))
    with pytest.raises(InfraError, match="stale"):
        made.apply(tmp_path / "one", quiet)
    assert "execute_change_set" not in aws.called


def test_an_interrupt_ends_only_the_waiting(tmp_path: Path) -> None:
    aws, cancelled = Aws(), threading.Event()
    made = planned(tmp_path, aws, cancelled)
    aws.answers["execute_change_set"] = lambda **given: aws.events.append(
        event("UPDATE_IN_PROGRESS", by=given["ClientRequestToken"])
    )
    cancelled.set()
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        made.apply(tmp_path / "one", lines.append)
    assert lines[-1] == "AWS continues; the same command waits for it again"
    cancelled.clear()
    aws.events.append(event("UPDATE_COMPLETE", number=1))
    made.apply(tmp_path / "one", quiet)
    assert aws.called.count("execute_change_set") == 1


def test_a_change_set_that_fails_before_it_begins(tmp_path: Path) -> None:
    aws = Aws()
    made = planned(tmp_path, aws)
    before = aws.answers["describe_change_set"]()
    aws.answers["execute_change_set"] = lambda **given: aws.answers.update(
        {
            "describe_change_set": lambda **given: {
                **before,
                "ExecutionStatus": "EXECUTE_FAILED",
                "StatusReason": "a hook",
            }
        }
    )
    with pytest.raises(InfraError, match="the change set of shop failed: a hook"):
        made.apply(tmp_path / "one", quiet)


def test_a_destroy_that_fails_is_told(tmp_path: Path) -> None:
    aws = Aws()
    made = tool(tmp_path, aws)
    made.plan(tmp_path / "one", quiet, destroy=True)
    aws.answers["delete_stack"] = lambda **given: aws.events.extend(
        [event("DELETE_FAILED", "bucket", "the bucket is not empty"), event("DELETE_FAILED", number=1)]
    )
    with pytest.raises(InfraError, match=r"DELETE_FAILED bucket .*: the bucket is not empty") as caught:
        made.apply(tmp_path / "one", quiet)
    assert "destroy it again" in caught.value.hint


def test_drift_says_what_was_not_checked_and_shows_no_secret(tmp_path: Path) -> None:
    aws = Aws()
    status = {"DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": "no right to read web"}
    differences = [
        {"PropertyPath": "/Size", "ExpectedValue": "1", "ActualValue": "2"},
        {"PropertyPath": "/Key", "ExpectedValue": f"a{SECRET}b", "ActualValue": "x"},
    ]
    aws.answers |= {
        "detect_stack_drift": lambda **given: {"StackDriftDetectionId": "1"},
        "describe_stack_drift_detection_status": lambda **given: status,
        "describe_stack_resource_drifts": lambda **given: {
            "StackResourceDrifts": [
                {
                    "LogicalResourceId": "db", "ResourceType": "AWS::RDS::DBInstance", "StackResourceDriftStatus": "MODIFIED",
                    "PropertyDifferences": differences,
                },
                {"LogicalResourceId": "web", "StackResourceDriftStatus": "NOT_CHECKED"},
            ]
        },
    }  # fmt: skip
    lines: list[str] = []
    (found,) = tool(tmp_path, aws).drift(lines.append)
    assert found.text == "~ db\n    /Size: 1 → 2\n    /Key: (sensitive) → x"
    assert lines == [
        "AWS could not check everything: no right to read web", "AWS offers no drift detection for: web",
    ]  # fmt: skip


def test_outputs_that_are_lists_and_secrets(tmp_path: Path) -> None:
    outputs = [
        {"OutputKey": "hosts", "OutputValue": '["ssh://a", {"host": "ssh://b", "address": "10.0.0.1"}]'},
        {"OutputKey": "addresses", "OutputValue": "192.0.2.1, 192.0.2.2"},
        {"OutputKey": "key", "OutputValue": '["not", "public"]'},
        {"OutputKey": "given", "OutputValue": f"x{SECRET}"},
    ]
    made = tool(tmp_path, Aws(Outputs=outputs))
    made._settings = Infra(
        "cloudformation",
        "infra",
        outputs={"hosts": "hosts", "addresses": "addresses", "KEY": "key"},
        stack="shop",
        region="eu",
    )
    found = made.outputs()
    assert found["hosts"].value == ["ssh://a", {"host": "ssh://b", "address": "10.0.0.1"}]
    assert found["addresses"].value == ["192.0.2.1", "192.0.2.2"]
    assert (found["key"].value, found["key"].sensitive) == ('["not", "public"]', False)
    assert found["given"].sensitive
