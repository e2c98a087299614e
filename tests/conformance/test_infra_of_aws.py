"""CloudFormation against moto, completed where it lacks something (tests/moto_stacks.py): not against AWS."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import InfraError, UsageError
from shipway.domain.infra import InfraPlace
from shipway.domain.provisioned import Infra
from shipway.drivers.infra.cloudformation import CloudFormation
from shipway.testing.infra import SECRET, InfraLab, InfraSuite, ignore
from tests.moto import stacks

pytestmark = pytest.mark.counterpart

REGION = "eu-central-1"
TEMPLATE = """\
Parameters:
  Password: {{Type: String, NoEcho: true}}
  Size: {{Type: String, Default: small}}
Resources:
  database:
    Type: AWS::S3::Bucket
    Properties: {{BucketName: "{name}"}}
Outputs:
  hosts: {{Value: ssh://deploy@192.0.2.10}}
  password: {{Value: !Sub "${{Password}}"}}
"""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with stacks() as address:
        yield address


@dataclass
class Account:
    """A stack of its own in moto's account."""

    settings: Infra
    where: InfraPlace

    def tool(self) -> CloudFormation:
        return CloudFormation(self.settings, self.where, threading.Event())

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, region_name=REGION)

    def bucket(self, text: str) -> str:
        return f"{self.settings.stack}-{text}"

    def change(self, text: str) -> None:
        (self.where.source / "template.yaml").write_text(TEMPLATE.format(name=self.bucket(text)))

    def signal(self, status: str, by: str) -> None:
        self.client("cloudformation").signal_resource(
            StackName=self.settings.stack, LogicalResourceId=status, UniqueId=by, Status="SUCCESS"
        )

    def stack(self) -> Any:
        return self.client("cloudformation").describe_stacks(StackName=self.settings.stack)["Stacks"][0]

    @contextmanager
    def locked(self, by: str = "shipway-ada-laptop-1") -> Iterator[None]:
        before = self.stack()["StackStatus"]
        self.signal("UPDATE_IN_PROGRESS", by)
        yield
        self.signal(before, by)

    def change_sets(self) -> int:
        found = self.client("cloudformation").list_change_sets(StackName=self.settings.stack)["Summaries"]
        return len([item for item in found if item["StackName"] == self.settings.stack])


@pytest.fixture
def account(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    given = {"AWS_ENDPOINT_URL": moto, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "the-secret-key"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    for name in ("source", "work"):
        (tmp_path / name).mkdir()
    settings = Infra(
        "cloudformation", "infra", outputs={"hosts": "hosts"}, stack=f"shop-{uuid.uuid4().hex[:8]}", region=REGION
    )
    made = Account(settings, InfraPlace(tmp_path / "source", tmp_path / "work", {"CFN_PARAMETER_Password": SECRET}))
    made.change("one")
    return made


class TestCloudFormation(InfraSuite):
    @pytest.fixture
    def lab(self, account: Account) -> InfraLab:
        def drift() -> None:
            account.client("s3").delete_bucket(Bucket=account.bucket("one"))

        return InfraLab(account.tool, account.change, account.locked, drift)

    def test_only_the_change_set_that_was_shown_is_executed(self, account: Account, tmp_path: Path) -> None:
        account.tool().plan(tmp_path / "one", ignore)
        text = (tmp_path / "one").read_text()
        (tmp_path / "one").write_text(text.replace('"Action": "Add"', '"Action": "Modify"'))
        with pytest.raises(InfraError, match="differs from what was shown"):
            account.tool().apply(tmp_path / "one", ignore)
        assert account.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"

    def test_change_sets_whose_plan_was_dropped_are_deleted(self, account: Account, tmp_path: Path) -> None:
        account.tool().plan(tmp_path / "one", ignore)
        (tmp_path / "one").unlink()
        account.tool().plan(tmp_path / "two", ignore)
        assert account.change_sets() == 1
        account.tool().apply(tmp_path / "two", ignore)
        before = account.change_sets()
        assert account.tool().plan(tmp_path / "three", ignore).is_empty
        assert account.change_sets() == before
        assert not list((account.where.work / "change-sets").iterdir())
        account.tool().apply(tmp_path / "three", ignore)

    def test_a_change_set_that_was_executed_by_a_killed_process_is_waited_for(
        self, account: Account, tmp_path: Path
    ) -> None:
        plan = account.tool().plan(tmp_path / "one", ignore)
        account.tool().apply(tmp_path / "one", ignore)
        lines: list[str] = []
        account.tool().apply(tmp_path / "one", lines.append)  # as if the first had been killed before its end
        assert any("CREATE_COMPLETE" in line for line in lines)
        assert plan.changes

    def test_what_fails_is_told_and_the_empty_stack_removed(self, account: Account, tmp_path: Path) -> None:
        account.client("s3").create_bucket(
            Bucket=account.bucket("taken"), CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        account.change("taken")
        account.tool().plan(tmp_path / "one", ignore)
        with pytest.raises(
            InfraError, match=r"is ROLLBACK_COMPLETE: CREATE_FAILED database \(AWS::S3::Bucket\): BucketAlreadyExists"
        ):
            account.tool().apply(tmp_path / "one", ignore)
        account.change("free")
        lines: list[str] = []
        plan = account.tool().plan(tmp_path / "two", lines.append)
        assert [item.action for item in plan.changes] == ["create"]
        assert "removing the empty stack" in lines[0]
        account.tool().apply(tmp_path / "two", ignore)
        assert account.stack()["StackStatus"] == "CREATE_COMPLETE"

    def test_a_stack_that_was_never_created_is_removed_by_destroy(self, account: Account, tmp_path: Path) -> None:
        account.tool().plan(tmp_path / "one", ignore)
        assert account.tool().plan(tmp_path / "two", ignore, destroy=True).is_empty
        with pytest.raises(account.client("cloudformation").exceptions.ClientError, match="does not exist"):
            account.stack()

    def test_another_stack_than_the_applied_one_is_refused(self, account: Account, tmp_path: Path) -> None:
        account.tool().plan(tmp_path / "one", ignore)
        account.tool().apply(tmp_path / "one", ignore)
        account.where = replace(account.where, applied=True)
        mine, account.settings = account.settings, replace(account.settings, stack="another")
        with pytest.raises(UsageError, match="would create everything a second time"):
            account.tool().plan(tmp_path / "two", ignore)
        account.settings = mine
        account.client("cloudformation").delete_stack(StackName=mine.stack)
        assert [item.action for item in account.tool().plan(tmp_path / "three", ignore).changes] == ["create"]
        (account.where.work / "stack").unlink()
        account.settings = replace(mine, stack="another")
        with pytest.raises(UsageError, match="the stack of this environment"):  # another machine
            account.tool().plan(tmp_path / "four", ignore)

    def test_wrong_credentials_and_no_answer(
        self, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(InfraError, match="credentials") as caught:
            account.tool().plan(tmp_path / "one", ignore)
        assert "AWS_ACCESS_KEY_ID" in caught.value.hint
        keys = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "another-secret-key"}
        account.where = replace(account.where, secrets={**account.where.secrets, **keys})
        assert account.tool().plan(tmp_path / "two", ignore).changes, "the plan's secrets are enough"
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(InfraError, match=r"127\.0\.0\.1:9"):
            account.tool().plan(tmp_path / "three", ignore)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no file template.yaml"),
        ("a: [", "no YAML"),
        ("a: 1", "has no `Resources`"),
        ("Resources: {deep: {Type: AWS::CloudFormation::Stack}}", "deep: a change set doesn't show"),
        ("Resources: {a: {Type: 'AWS::S3::Bucket'}}", "no parameter Password with `NoEcho: true`"),
        ("#" * 52_000, "larger than 51200 bytes"),
    ],
)
def test_templates_that_are_refused(account: Account, tmp_path: Path, template: str | None, message: str) -> None:
    file = account.where.source / "template.yaml"
    file.unlink()
    if template is not None:
        file.write_text(template)
    with pytest.raises(UsageError, match=message):
        account.tool().plan(tmp_path / "one", ignore)
    assert not (tmp_path / "one").exists()
