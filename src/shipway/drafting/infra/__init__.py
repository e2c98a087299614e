"""Modules of infrastructure that `init --infra` writes, and the lines of the plan that use them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shipway.domain.value import dataclass

FOLDER = "infra/production"


@dataclass(frozen=True)
class Provider:
    """What is special to one."""

    secrets: tuple[str, ...]  # that the modules need
    database: bool  # whether it has a managed one


PROVIDERS: Mapping[str, Provider] = {
    "hetzner": Provider(("HCLOUD_TOKEN",), False),
    "digitalocean": Provider(("DIGITALOCEAN_TOKEN",), True),
    "aws": Provider(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TF_VAR_database_password"), True),
}


def module(provider: str) -> str:
    """The text of main.tf."""
    return (Path(__file__).parent / provider / "main.tf").read_text(encoding="utf-8")


def plan_lines(provider: str, name: str) -> str:
    """`infra` of an environment, to be put into the plan."""
    found = PROVIDERS[provider]
    database = ", DATABASE_URL: database_url" if found.database else ""
    return "\n".join([
        "    infra:",
        "      tool: terraform  # or tofu",
        f"      folder: {FOLDER}",
        f'      variables: {{name: {name}, ssh_public_key: "ssh-ed25519 …"}}',
        f"      secrets: [{', '.join(found.secrets)}]",
        f"      outputs: {{hosts: hosts, addresses: addresses{database}}}",
    ])  # fmt: skip
