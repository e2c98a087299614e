"""Modules of infrastructure that `init --infra` writes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shipway.actions.projects.init_infra import write_modules
from shipway.domain.errors import UsageError
from shipway.drafting.infra import FOLDER, PROVIDERS, module, plan_lines
from shipway.planfile import parse

PLAN = """
app: shop
services: {{web: {{image: "nginx:1", port: 80, route: /, health: {{path: /}}}}}}
environments:
  production:
    url: https://shop.example
{infra}
"""


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_lines_of_the_plan_fit_the_module(provider: str) -> None:
    plan = parse(PLAN.format(infra=plan_lines(provider, "shop")), "shipway.yaml", files=lambda path: True)
    infra = plan.environments["production"].infra
    assert infra is not None
    text = module(provider)
    assert set(infra.outputs.values()) == set(re.findall(r'^output "(\w+)"', text, re.MULTILINE))
    blocks = re.findall(r'^variable "(\w+)" \{(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    needed = {name for name, block in blocks if "default" not in block}
    given = {*infra.variables, *(name.removeprefix("TF_VAR_") for name in infra.secrets if name.startswith("TF_VAR_"))}
    assert given == needed


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed on this machine")
def test_modules_are_formatted(provider: str, tmp_path: Path) -> None:
    write_modules(tmp_path, provider)
    command = ["terraform", "fmt", "-check", "-diff", str(tmp_path / FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_replaced_and_no_link_followed(tmp_path: Path) -> None:
    write_modules(tmp_path, "hetzner")
    with pytest.raises(UsageError, match=r"main\.tf exists"):
        write_modules(tmp_path, "aws")
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "infra").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="leads out of the repository"):
        write_modules(root, "aws")
    assert not list(elsewhere.rglob("*.tf"))
