"""Whose rules and whose keys count, and who may change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import admitted
from shipway.actions.provenance.keys import create_key
from shipway.actions.provenance.sign import complete
from shipway.domain import names
from shipway.domain.command_table import COMMANDS
from shipway.domain.errors import GateRefused
from shipway.domain.people import SESSION, Identity
from shipway.domain.permissions import Grant
from shipway.domain.release import Release
from shipway.planfile.values import NAME_PATTERN
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, HostDeployment, text
from tests.unit.actions.provenance.signed import record
from tests.unit.system.test_git import git

ASKING = {**STAGING, "require": {"signed": True}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostDeployment]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = HostDeployment(tmp_path)
    made.world.images.registry.address = "registry"
    yield made
    made.world.close()


def release(place: HostDeployment, revision: str) -> Release:
    made = place.runs(revision)
    for image in made.images.values():
        place.world.images.public.add(image)
        place.ctx.ledger.add_image_build(record(image))
    return made


def test_a_commit_can_not_drop_the_requirement(place: HostDeployment) -> None:
    """Neither of two rule sets: the protected plan asks, and the commit's own doesn't."""
    git_to_main(place, text(staging=ASKING, production=PRODUCTION))
    revision = place.commit("drops it", text(staging=STAGING, production=PRODUCTION))
    made = release(place, revision)
    book = place.book()
    commit = place.repository.commit(revision)
    with pytest.raises(GateRefused, match="no key of the team counts") as caught:
        admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "staging"), "refs/heads/staging")
    create_key(place.ctx, "shop")
    with pytest.raises(GateRefused, match="it has no signature") as caught:
        admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "staging"), "refs/heads/staging")
    assert f"shipway signing sign r{made.number}" in caught.value.hint
    complete(place.ctx, made)
    order = admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "staging"), "refs/heads/staging")
    assert order.release.number == made.number


def git_to_main(place: HostDeployment, plan: str) -> None:
    git(place.path, "switch", "--quiet", "main")
    place.commit("rules", plan)
    git(place.path, "switch", "--quiet", "staging")
    git(place.path, "merge", "--quiet", "--no-edit", "main")


def test_no_environment_reads_a_private_key(place: HostDeployment) -> None:
    """Values are read by app and environment, and builds and registries have scopes of their own."""
    assert not re.fullmatch(NAME_PATTERN, names.SIGNING)
    assert names.SIGNING not in (names.BUILDS, names.ANY_BRANCH, names.PROOFS, names.REGISTRY)
    key = create_key(place.ctx, "shop")
    for environment in ("staging", "production", *(names.BUILDS, names.ANY_BRANCH, names.PROOFS, names.REGISTRY)):
        assert key.id not in place.ctx.secrets.names(names.scope("shop", environment))


def test_only_admins_of_a_server_manage_keys() -> None:
    """What each command needs is checked in one place, by the table."""
    needed = {name: row.needed({"private": True}) for name, row in COMMANDS.items() if name.startswith("signing ")}
    assert needed.pop("signing list") == ("see",)
    assert len(needed) == 5
    for permissions in needed.values():
        assert "rules" in permissions
        for role in ("releaser", "developer", "viewer"):
            who = Identity("eve@example.org", (Grant("eve@example.org", role),), SESSION, 1)
            assert not all(who.may(permission, "shop") for permission in permissions)
