"""Backups in memory: what is stored, killed at every point, with a store that fails, and which ones go."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.backups.due import take_due
from shipway.actions.backups.restore import fetch, open_backup
from shipway.actions.backups.take import FILE, backup
from shipway.actions.backups.verify import verify
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.context import Context
from shipway.domain.backups import FAILED, PENDING, REMOVED, STORED, Backup, Backups, Keep, Required
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT
from shipway.domain.errors import (
    BackupFailed,
    GateRefused,
    SecretError,
    StoreFull,
    StoreGone,
    UsageError,
)
from shipway.system.sealing import new_key
from shipway.testing.backups import MemoryBackupStore
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour, MemoryRuntime
from tests.unit.domain import samples
from tests.unit.world import World

PRIVATE, PUBLIC = new_key()
DUMP = b"rows of pets" * 1000
TAKEN = f"shipway-taken {len(DUMP)} {hashlib.sha256(DUMP).hexdigest()}"
ROWS = "shipway-rows public.pets\t3"
SETTINGS = Backups("/srv/backups", (PUBLIC,), keep=Keep(1, 0, 0), key="BACKUP_KEY")
PLACE = dataclasses.replace(samples.STAGING, backups=SETTINGS)


class Shop:
    """A world where release 1 serves, with a store in memory."""

    def __init__(self, folder: Path, settings: Backups = SETTINGS, world: World | None = None) -> None:
        self.world, self.store = world or World(folder), MemoryBackupStore()
        self.place = dataclasses.replace(samples.STAGING, backups=settings)
        made = Behaviour((ROWS, TAKEN), exit_code=0, files={f"/snapshots/{FILE}": DUMP})
        self.world.runtime.behave("*_job_backup*", made)
        if settings.key:
            self.world.secrets(self.world.ledger).set("shop/staging", settings.key, PRIVATE)
        self.deploy(1)

    def deploy(self, number: int, schema: str = "0001") -> None:
        deploy(self.controller(), DeployRequest(self.world.release(number, schema, self.place), self.place))

    def controller(self, dies: Death | None = None) -> Context:
        made = self.world.controller()
        made = dataclasses.replace(made, backup_store=lambda settings, credentials: self.store)
        if dies is None:
            return made
        from shipway.testing.faults import mortal

        return mortal(made, dies)

    def backup(self, dies: Death | None = None) -> Backup:
        return backup(self.controller(dies), "shop", "staging", "asked for")

    @property
    def known(self) -> list[Backup]:
        return self.world.ledger.backups("shop", "staging")

    @property
    def outcomes(self) -> list[str]:
        return [item.outcome for item in self.known]

    @property
    def folders(self) -> set[str]:
        return {name.split("/")[2] for name in self.store.objects}

    def good(self) -> set[str]:
        return {item.name for item in self.known if item.good}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.world.close()


def test_what_is_stored(shop: Shop) -> None:
    made = shop.backup()
    assert made == shop.known[0]
    assert (made.outcome, made.good, made.manifest.rows, made.manifest.release) == (STORED, True, {"public.pets": 3}, 1)
    assert sorted(shop.store.objects) == [f"shop/staging/{made.name}/{part}.age" for part in ("database", "manifest")]
    assert not any(DUMP[:12] in data or b"pets" in data for data in shop.store.objects.values())
    assert not [name for name in shop.world.runtime.containers if "backup" in name]
    assert not [name for name in shop.world.runtime.volumes if name.endswith(".backup")]


@pytest.mark.every_point
def test_killed_at_every_point(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = Shop(tmp_path / "whole")
    death = Death(0, after=False)
    whole.backup(death)
    whole.world.close()
    assert death.effects > 15
    for at in range(1, death.effects + 1):
        for after in (False, True):
            (folder := tmp_path / f"{at}-{after}").mkdir()
            shop = Shop(folder)
            first = shop.backup()
            with pytest.raises(Killed):
                shop.backup(Death(at, after=after))
            for item in shop.known:
                whole_one = {f"shop/staging/{item.name}/{part}.age" for part in ("database", "manifest")}
                assert not item.good or whole_one <= set(shop.store.objects), (at, after)
            assert first.name in shop.good() or len(shop.good()) == 1, (
                "the last good one is never removed before another is"
            )
            shop.world.now += 3600  # locks of the dead
            last = shop.backup()
            assert last.good
            assert PENDING not in shop.outcomes, (at, after)
            stored = {item.name for item in shop.known if item.outcome == STORED}
            assert shop.folders == stored, (at, after, shop.outcomes)
            assert not shop.store.unfinished
            assert not [name for name in shop.world.runtime.volumes if name.endswith(".backup")], (at, after)
            shop.world.close()


def test_a_full_store(shop: Shop) -> None:
    first = shop.backup()
    shop.store.room = 20_000
    with pytest.raises(StoreFull):
        shop.backup()
    assert shop.outcomes == [FAILED, STORED]
    assert shop.folders == {first.name}
    assert not [name for name in shop.world.runtime.volumes if name.endswith(".backup")]


def test_a_store_that_is_gone_and_one_that_is_empty(shop: Shop) -> None:
    shop.backup()
    shop.store.gone = True
    with pytest.raises(StoreGone):
        shop.backup()
    objects, shop.store.objects, shop.store.gone = shop.store.objects, {}, False
    with pytest.raises(StoreGone, match="has none of the 1 recorded backups"):
        shop.backup()
    shop.store.objects = objects
    shop.backup()
    assert shop.outcomes == [STORED, FAILED, FAILED, REMOVED]


def test_an_object_that_changes_while_it_is_stored_is_found(shop: Shop) -> None:
    put = shop.store.put

    def lossy(name: str, chunks: Iterator[bytes]) -> None:
        put(name, iter((b"".join(chunks)[:-1],)))

    shop.store.put = lossy  # type: ignore[method-assign]
    with pytest.raises(BackupFailed, match="is not what was written"):
        shop.backup()
    assert shop.outcomes == [FAILED]
    assert shop.store.objects == {}


def test_it_can_be_fetched_as_a_snapshot(shop: Shop) -> None:
    made = shop.backup()
    ctx = shop.controller()
    target, manifest, key = open_backup(ctx, "shop", "staging", "latest", None)
    assert manifest == made.manifest
    number = fetch(ctx, "shop", "staging", target, manifest, key).number
    (snapshot,) = shop.world.ledger.snapshots("shop", "staging")
    assert (snapshot.number, snapshot.digest, snapshot.rows) == (
        number,
        hashlib.sha256(DUMP).hexdigest(),
        {"public.pets": 3},
    )
    volume = next(files for name, files in shop.world.runtime.volumes.items() if name.endswith(".snapshots"))
    assert volume[snapshot.file] == DUMP


def test_a_forged_one_is_rejected(shop: Shop) -> None:
    made = shop.backup()
    name = f"shop/staging/{made.name}/manifest.age"
    from shipway.system.sealing import decrypted, encrypted

    data = b"".join(decrypted(iter((shop.store.objects[name],)), PRIVATE)).replace(b'"release": 1', b'"release": 2')
    shop.store.objects[name] = b"".join(encrypted(iter((data,)), [PUBLIC]))
    with pytest.raises(BackupFailed, match="digest differs from the ledger"):
        open_backup(shop.controller(), "shop", "staging", made.name, None)
    with pytest.raises(BackupFailed, match="damaged, or was replaced"):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert shop.known[0].state == "damaged"


def test_a_forged_one_of_another_ledger_writes_no_other_file(shop: Shop) -> None:
    made = shop.backup()
    from shipway.system.sealing import decrypted, encrypted

    data = b"".join(decrypted(iter((shop.store.objects[f"shop/staging/{made.name}/manifest.age"],)), PRIVATE))
    data = data.replace(made.name.encode(), b"x").replace(b'"name": "database"', b'"name": "volume-../../../etc/x"')
    shop.store.objects["shop/staging/x/manifest.age"] = b"".join(encrypted(iter((data,)), [PUBLIC]))
    with pytest.raises(BackupFailed, match="an unknown part"):
        open_backup(shop.controller(), "shop", "staging", "x", None)


def test_the_latest_is_a_good_one(shop: Shop) -> None:
    first = shop.backup()
    shop.store.put("shop/staging/99990101T000000Z-ffffff/manifest.age", iter((b"x",)))
    ledger = shop.world.ledger
    ledger.begin_backup(
        dataclasses.replace(
            first, manifest=dataclasses.replace(first.manifest, name="99990101T000000Z-ffffff"), problem="damaged"
        )
    )
    assert open_backup(shop.controller(), "shop", "staging", "latest", None)[1].name == first.name


def test_a_copy_with_other_rows_is_damaged(shop: Shop) -> None:
    made = shop.backup()
    assert "as recorded" in verify(shop.controller(), "shop", "staging", "latest", None).how
    shop.world.runtime.behave("*_job_backup*", Behaviour(("shipway-rows public.pets\t2",), exit_code=0))
    with pytest.raises(BackupFailed, match=r"public\.pets: 2 rows, recorded: 3"):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert not shop.known[0].good
    shop.world.runtime.behave("*_job_backup*", Behaviour((ROWS, "shipway-shape other"), exit_code=0))
    with pytest.raises(BackupFailed, match="the schema differs"):
        verify(shop.controller(), "shop", "staging", made.name, None)


def test_a_store_that_is_gone_is_no_damage(shop: Shop) -> None:
    shop.backup()
    shop.store.gone = True
    with pytest.raises(StoreGone):
        verify(shop.controller(), "shop", "staging", "latest", None)
    assert shop.known[0].good


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, to="s3://b", key=None, access_key="ID", secret_key="SECRET"))
    with pytest.raises(SecretError, match="lack ID, SECRET"):
        shop.backup()
    shop.world.close()


def test_there_is_none_yet(shop: Shop) -> None:
    with pytest.raises(UsageError, match="has no backup latest"):
        verify(shop.controller(), "shop", "staging", "latest", PRIVATE)


def test_what_is_due_is_taken_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, at="30 2 * * *"))
    assert take_due(shop.controller()) == []
    shop.world.now += 86400
    (made,) = take_due(shop.controller())
    assert made.due is not None
    assert made.due % 86400 == 2.5 * 3600
    assert take_due(shop.controller()) == []
    shop.world.now += 86400
    shop.store.gone = True
    with pytest.raises(StoreGone):
        take_due(shop.controller())
    assert take_due(shop.controller()) == [], "it is repeated after a pause"
    shop.store.gone = False
    shop.world.now += 700
    assert len(take_due(shop.controller())) == 1
    shop.world.close()


def test_a_deployment_needs_a_recent_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, require=Required(3600.0)))
    with pytest.raises(GateRefused, match="there is none"):
        shop.deploy(2)
    shop.backup()
    shop.deploy(2)
    shop.world.now += 4000
    with pytest.raises(GateRefused, match=r"the last one is 1\.1"):
        shop.deploy(3)
    shop.world.close()


def test_a_lost_host_needs_none(tmp_path: Path) -> None:
    """The ledger came back, and nothing else: a backup of what isn't there can't be taken."""
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, require=Required(3600.0)))
    runtime = shop.world.runtime
    labels = {LABEL_APP: "shop", LABEL_ENVIRONMENT: "staging"}
    kept = next(item.name for item in runtime.objects(labels) if item.kind == "volume")
    runtime.containers.clear()
    runtime.networks.clear()
    for name in [name for name in runtime.volumes if name != kept]:
        runtime.volumes.pop(name)
    with pytest.raises(GateRefused, match="there is none"):
        shop.deploy(2)
    runtime.volumes.pop(kept)
    shop.deploy(2)
    with pytest.raises(GateRefused, match="there is none"):
        shop.deploy(3)
    shop.world.close()


def test_another_machine_takes_none(tmp_path: Path) -> None:
    """One that shares the ledger: its own engine has no container of the environment."""
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, at="30 2 * * *"))
    shop.world.now += 86400
    other = MemoryRuntime(shop.world.images)
    ctx = shop.controller()
    ctx = dataclasses.replace(ctx, machine=dataclasses.replace(ctx.machine, runtime=other))  # type: ignore[arg-type]
    assert take_due(ctx) == []
    assert shop.known == []
    assert len(take_due(shop.controller())) == 1
    shop.world.close()
