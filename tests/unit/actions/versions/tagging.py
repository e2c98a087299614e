"""What happens to a tag on its way: a remote that rejects it, a process that dies."""

from __future__ import annotations

from tests.unit.actions.versions.shop import Shop
from tests.unit.system.repositories import git


def head(shop: Shop) -> str:
    return git(shop.path, "rev-parse", "HEAD")


def reject(shop: Shop) -> None:
    hook = shop.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho tags are protected\nexit 1\n")
    hook.chmod(0o755)


class Dies(BaseException):
    """As a process that is killed: nothing is cleaned up."""
