"""A proof runs code that no one has approved yet: it never gets the secrets of its environment."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.proofs.secrets import ProofSecrets
from shipway.domain.errors import SecretError
from shipway.domain.plan import Proving
from shipway.domain.release import Release
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


def asking(release: Release, *names: str) -> Release:
    return dataclasses.replace(release, plan=dataclasses.replace(release.plan, prove=Proving(secrets=names)))


def test_the_environments_values_are_not_used(tmp_path: Path) -> None:
    world = World(tmp_path)
    release = world.release(1)
    ctx = world.controller()
    ctx.secrets.set("shop/staging", "KEY", "value-of-staging")
    secrets = ProofSecrets(ctx)
    own = secrets.settings(release, STAGING)
    assert set(own.secrets) == {"KEY"}
    assert "value-of-staging" not in own.secrets.values()
    assert len(own.secrets["KEY"]) > 30
    assert secrets.settings(release, STAGING).secrets == own.secrets  # both releases of a proof read what either wrote
    assert ProofSecrets(ctx).settings(release, STAGING).secrets != own.secrets
    assert ctx.redactor.line(own.secrets["KEY"]) == "«KEY»"


def test_an_environment_without_its_secrets_can_be_proven(tmp_path: Path) -> None:
    world = World(tmp_path)
    release = world.release(1)
    other = dataclasses.replace(STAGING, name="production")
    assert ProofSecrets(world.controller()).settings(release, other).secrets["KEY"]


def test_values_of_a_certain_shape_are_set_for_proofs(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = world.controller()
    release = asking(world.release(1), "KEY")
    with pytest.raises(SecretError) as error:
        ProofSecrets(ctx).settings(release, STAGING)
    assert "proofs lack 1 secret: KEY" in str(error.value)
    assert "shipway secret set prove KEY" in error.value.hint
    ctx.secrets.set("shop/prove", "KEY", "base64:of-32-bytes")
    assert ProofSecrets(ctx).settings(release, STAGING).secrets == {"KEY": "base64:of-32-bytes"}
