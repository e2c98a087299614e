"""`shipway infra` with Terraform: plan, apply, outputs, a plan that loses data, destroy; killed in between and resumed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from examples.project import Done
from shipway.domain.errors import GateRefused, InfraError, SecretError, UsageError
from tests import prepared
from tests.system.tiny import Tiny

pytestmark = [
    pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed on this machine"),
    pytest.mark.counterpart,
]

PASSWORD = "correct-horse-battery"
CODE = """\
variable "name" {{ type = string }}
variable "password" {{
  type      = string
  sensitive = true
}}
resource "terraform_data" "database" {{
  input            = {{ name = var.name, password = var.password }}
  triggers_replace = "{database}"
}}
resource "terraform_data" "slow" {{
  depends_on = [terraform_data.database]
  provisioner "local-exec" {{ command = "sleep {seconds}" }}
}}
resource "terraform_data" "web" {{
  count      = 2
  input      = "{web}"
  depends_on = [terraform_data.slow]
}}
output "hosts" {{ value = [for index, item in terraform_data.web : {{ host = "ssh://deploy@192.0.2.1${{index}}", address = "10.0.0.1${{index}}" }}] }}
output "addresses" {{ value = ["192.0.2.10", "192.0.2.11"] }}
output "database_url" {{
  value     = "postgresql://shop:${{var.password}}@db/shop"
  sensitive = true
}}
"""


class Built(Tiny):
    """A project whose production has infrastructure."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.plan["environments"]["production"]["infra"] = {
            "tool": "terraform", "folder": "infra/production", "variables": {"name": "shop"}, "secrets": ["TF_VAR_password"],
            "outputs": {"hosts": "hosts", "addresses": "addresses", "DATABASE_URL": "database_url"},
        }  # fmt: skip
        self.create()
        self.git("switch", "--quiet", "main")

    def merge(self, database: str = "one", web: str = "one", seconds: int = 0) -> None:
        self.change(
            database, files={"infra/production/main.tf": CODE.format(database=database, web=web, seconds=seconds)}
        )

    def infra(self, *words: str, check: bool = True) -> Done:
        return self.shipway("infra", "production", *words, check=check)

    def digest(self, action: str = "plan") -> str:
        shown = self.infra(action).output
        found = re.search(r"(?:apply|destroy) ([0-9a-f]{12})", shown)
        assert found, shown
        return found[1]


def test_from_nothing_to_destroyed(tmp_path: Path) -> None:
    project = Built(tmp_path / "project")
    project.merge()
    missing = project.infra("plan", check=False)
    assert (missing.code, "shipway secret set production TF_VAR_password" in missing.output) == (
        SecretError.exit_code,
        True,
    )
    words = ["secret", "set", "production", "TF_VAR_password"]
    assert prepared.run(words, project.where, project.env, merged=True, text=PASSWORD).returncode == 0

    refused = project.shipway("deploy", "production", "main", check=False)
    assert refused.code == GateRefused.exit_code
    outputs = [project.infra("plan").output]
    assert "+ terraform_data.database" in outputs[0]
    digest = project.digest()
    outputs.append(project.infra("apply", digest).output)
    assert "hosts: ssh://deploy@192.0.2.10 10.0.0.10, ssh://deploy@192.0.2.11 10.0.0.11" in outputs[-1]
    assert "production is as its code says" in project.infra("plan").output
    assert "as it was applied" in project.infra("drift").output
    rules = project.shipway("rules").output
    assert "ssh://deploy@192.0.2.10, ssh://deploy@192.0.2.11" in rules
    assert "DATABASE_URL" in project.shipway("secret", "list", "production").output

    # other code since, and code of a branch
    project.merge(web="two")
    digest = project.digest()
    project.merge(web="three")
    stale = project.infra("apply", digest, check=False)
    assert (stale.code, "has other code" in stale.output) == (InfraError.exit_code, True), stale.output
    project.git("switch", "--quiet", "--create", "feature")
    project.merge(web="evil")
    outputs.append(project.infra("plan").output)
    assert '"three"' in outputs[-1]
    assert "evil" not in outputs[-1]
    project.git("switch", "--quiet", "main")

    # killed while it applies: the tool ends what it does, and the next plan makes the rest
    project.merge(web="three", seconds=3)
    project.infra("apply", project.digest())  # `slow` exists already and is not made again
    project.merge(database="two", web="four", seconds=3)
    lost = project.infra("plan").output
    assert "it destroys what may hold data: terraform_data.database" in lost
    digest = project.digest()
    unconfirmed = project.infra("apply", digest, check=False)
    assert (unconfirmed.code, "pass --confirm production" in unconfirmed.output) == (UsageError.exit_code, True)
    applying = project.start("infra", "production", "apply", digest, "--confirm", "production")
    applying.until("terraform_data.database: Creating...")
    applying.press_ctrl_c()
    outputs.append(applying.end(seconds=120).output)
    rest = project.infra("plan").output
    if "as its code says" not in rest:
        project.infra("apply", project.digest(), "--confirm", "production")
    assert "production is as its code says" in project.infra("plan").output

    digest = project.digest("destroy")
    unconfirmed = project.infra("destroy", digest, check=False)
    assert (
        "this destroys all infrastructure of production, with its data: terraform_data.database" in unconfirmed.output
    )
    project.infra("destroy", digest, "--confirm", "production")
    assert "not-created.invalid" in project.shipway("rules").output
    assert PASSWORD not in "\n".join(outputs)
    assert (project.home / "infra").stat().st_mode & 0o777 == 0o700
    assert not (project.home / "infra" / project.app / "production" / "plan").exists()
