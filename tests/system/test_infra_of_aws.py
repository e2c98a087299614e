"""`shipway infra` with CloudFormation, against moto: killed while it applies and resumed, a plan that loses data, destroy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.project import Done
from shipway.domain.errors import DriftFound, InfraError, UsageError
from tests import prepared
from tests.moto import stacks
from tests.system.tiny import Tiny

pytestmark = pytest.mark.counterpart

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "the-secret-access-key",
    "CFN_PARAMETER_Password": "correct-horse-battery",
}  # fmt: skip
TEMPLATE = """\
Parameters:
  Password: {{Type: String, NoEcho: true}}
  Name: {{Type: String}}
Resources:
  uploads:
    Type: AWS::S3::Bucket
    Properties: {{BucketName: !Sub "${{Name}}-{bucket}"}}
Outputs:
  Hosts: {{Value: '["ssh://deploy@192.0.2.10", {{"host": "ssh://deploy@192.0.2.11", "address": "10.0.0.11"}}]'}}
  Addresses: {{Value: "192.0.2.10,192.0.2.11"}}
  DatabaseUrl: {{Value: !Sub "postgresql://shop:${{Password}}@db/shop"}}
"""


class Stacked(Tiny):
    """A project whose production is a stack. No key of AWS is a variable of its commands."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder)
        self.plan["environments"]["production"]["infra"] = {
            "tool": "cloudformation", "folder": "infra/production", "stack": self.app, "region": "eu-central-1",
            "variables": {"Name": self.app}, "secrets": list(SECRETS),
            "outputs": {"hosts": "Hosts", "addresses": "Addresses", "DATABASE_URL": "DatabaseUrl"},
        }  # fmt: skip
        self.env = {name: value for name, value in self.env.items() if not name.startswith("AWS_")}
        self.env["AWS_ENDPOINT_URL"] = address
        self.create()
        self.git("switch", "--quiet", "main")
        for name, value in SECRETS.items():
            words = ["secret", "set", "production", name]
            assert prepared.run(words, self.where, self.env, merged=True, text=value).returncode == 0

    def merge(self, bucket: str) -> None:
        self.change(bucket, files={"infra/production/template.yaml": TEMPLATE.format(bucket=bucket)})

    def infra(self, *words: str, check: bool = True) -> Done:
        return self.shipway("infra", "production", *words, check=check)

    def digest(self, action: str = "plan") -> str:
        shown = self.infra(action).output
        found = re.search(r"(?:apply|destroy) ([0-9a-f]{12})", shown)
        assert found, shown
        return found[1]


def test_from_nothing_to_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = tmp_path / "held"
    with stacks(held) as address:
        project = Stacked(tmp_path / "project", address)
        project.merge("one")
        outputs = [project.infra("plan").output]
        assert "+ uploads" in outputs[0]
        digest = project.digest()

        # killed while AWS makes it: the same command waits for that, and takes the outputs
        held.touch()
        applying = project.start("infra", "production", "apply", digest)
        applying.until("CREATE_IN_PROGRESS")
        applying.kill()
        applying.end()
        locked = project.infra("outputs", check=False)
        assert (locked.code, "the state is locked" in locked.output) == (InfraError.exit_code, True), locked.output
        held.unlink()
        outputs.append(project.infra("apply", digest).output)
        assert "CREATE_COMPLETE" in outputs[-1]
        assert "hosts: ssh://deploy@192.0.2.10, ssh://deploy@192.0.2.11 10.0.0.11" in outputs[-1]
        assert "addresses: 192.0.2.10, 192.0.2.11" in outputs[-1]
        assert "production is as its code says" in project.infra("plan").output
        assert "as it was applied" in project.infra("drift").output
        assert "DATABASE_URL" in project.shipway("secret", "list", "production").output

        # a plan that loses data
        project.merge("two")
        lost = project.infra("plan").output
        assert "it destroys what may hold data: uploads" in lost
        digest = project.digest()
        unconfirmed = project.infra("apply", digest, check=False)
        assert (unconfirmed.code, "pass --confirm production" in unconfirmed.output) == (UsageError.exit_code, True)

        # Ctrl-C: AWS continues, and so does the next command
        held.touch()
        applying = project.start("infra", "production", "apply", digest, "--confirm", "production")
        applying.until("UPDATE_IN_PROGRESS")
        applying.press_ctrl_c()
        ended = applying.end(seconds=120)
        assert "AWS continues; the same command waits for it again" in ended.output
        held.unlink()
        outputs += [ended.output, project.infra("apply", digest, "--confirm", "production").output]
        assert "production is as its code says" in project.infra("plan").output

        for name, value in {**SECRETS, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        import boto3

        boto3.client("s3", region_name="eu-central-1").delete_bucket(Bucket=f"{project.app}-two")
        drifted = project.infra("drift", check=False)
        assert (drifted.code, "- uploads" in drifted.output) == (DriftFound.exit_code, True), drifted.output
        boto3.client("s3", region_name="eu-central-1").create_bucket(
            Bucket=f"{project.app}-two", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )

        digest = project.digest("destroy")
        unconfirmed = project.infra("destroy", digest, check=False)
        assert "this destroys all infrastructure of production, with its data: uploads" in unconfirmed.output
        outputs.append(project.infra("destroy", digest, "--confirm", "production").output)
        assert "DELETE_COMPLETE" in outputs[-1]
        assert "not-created.invalid" in project.shipway("rules").output
        for value in SECRETS.values():
            assert value not in "\n".join(outputs)
        assert not (project.home / "infra" / project.app / "production" / "plan").exists()
