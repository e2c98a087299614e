"""Secrets that a framework requires, whatever its settings say."""

from __future__ import annotations

from shipway.drafting.draft import Draft
from shipway.drafting.tree import Tree, join


def give(tree: Tree, draft: Draft) -> None:
    """Rails starts in production only with the key of its credentials, or with a secret of its own."""
    for service in draft.services:
        home = service.home or service.folder or "."
        if service.folder is None or not tree.is_file(join(home, "config/application.rb")):
            continue
        if not {"RAILS_MASTER_KEY", "SECRET_KEY_BASE"} & {*service.secrets, *service.environment}:
            encrypted = tree.is_file(join(home, "config/credentials.yml.enc"))
            name = "RAILS_MASTER_KEY" if encrypted else "SECRET_KEY_BASE"
            service.secrets.append(name)
            service.why.append(f"{name}, which Rails requires")
