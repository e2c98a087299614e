"""The newest good backup is verified again on a schedule; a damaged one is named, and no longer counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.backups import reverify as module
from shipway.actions.backups.reverify import rechecked, verify_due
from shipway.actions.upkeep.status import status
from shipway.domain.backups import BackupAge, Required
from shipway.domain.errors import BackupFailed, Damaged, GateRefused, StoreGone
from tests.unit.actions.backups.test_take import SETTINGS, Shop

DAY = 86400.0
WEEKLY = dataclasses.replace(SETTINGS, verify_every=7 * DAY, require=Required(30 * DAY))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, dataclasses.replace(WEEKLY, require=None))
    made.backup()
    made.place = dataclasses.replace(made.place, backups=WEEKLY)
    made.deploy(2)
    yield made
    made.world.close()


def shown(shop: Shop) -> BackupAge:
    found = status(shop.controller(), "shop", shop.place).backups
    assert found is not None
    return found


def rot(shop: Shop) -> None:
    name = next(name for name in shop.store.objects if name.endswith("database.age"))
    shop.store.objects[name] = shop.store.objects[name][:-1] + b"x"


def test_once_a_week(shop: Shop) -> None:
    assert verify_due(shop.controller()) == []
    shop.world.now += 7 * DAY
    asked = shop.world.now
    (done,) = verify_due(shop.controller())
    assert done.verified is not None
    assert (done.verified >= asked, "restored from the store" in done.how) == (True, True)
    assert verify_due(shop.controller()) == []
    assert (shown(shop).recheck, shown(shop).recheck_late, shown(shop).verified) == ("", False, done.verified)


def test_a_damaged_one_is_named_and_opens_no_gate(shop: Shop) -> None:
    rot(shop)
    shop.world.now += 7 * DAY
    with pytest.raises(Damaged, match=shop.known[0].name):
        verify_due(shop.controller())
    assert shop.known[0].state == "damaged"
    assert (shown(shop).damaged, shown(shop).recheck) == ((shop.known[0].name,), "")
    with pytest.raises(GateRefused, match="there is none"):
        shop.deploy(3)
    assert verify_due(shop.controller()) == [], "there is no good one left"


def test_the_one_before_takes_its_place(tmp_path: Path) -> None:
    keep = dataclasses.replace(WEEKLY.keep, daily=5)
    shop = Shop(tmp_path, dataclasses.replace(WEEKLY, require=None, keep=keep))
    first = shop.backup()
    shop.world.now += DAY
    last = shop.backup()
    name = next(name for name in shop.store.objects if last.name in name and name.endswith("database.age"))
    shop.store.objects[name] = shop.store.objects[name][:-1] + b"x"
    shop.world.now += 7 * DAY
    with pytest.raises(Damaged):
        verify_due(shop.controller())
    shop.world.now += 700
    assert [item.name for item in verify_due(shop.controller())] == [first.name]
    shop.world.close()


def test_a_verification_by_a_clock_that_was_set_back_does_not_count(shop: Shop) -> None:
    right = shop.world.now
    shop.world.now += 3650 * DAY
    assert len(verify_due(shop.controller())) == 1
    shop.world.now = right + 700
    assert shown(shop).recheck_late
    assert len(verify_due(shop.controller())) == 1
    assert not shown(shop).recheck_late
    assert verify_due(shop.controller()) == []


def test_what_is_recorded_of_a_failure_has_no_secret(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> None:
        raise BackupFailed("the store refuses hunter2hunter2")

    monkeypatch.setattr(module, "verify", fails)
    ctx = shop.controller()
    ctx.redactor.add({"KEY": "hunter2hunter2"})
    shop.world.now += 7 * DAY
    with pytest.raises(BackupFailed):
        verify_due(ctx)
    assert rechecked(ctx, "shop", "staging").problem.endswith("the store refuses «KEY»")


def test_a_store_that_is_gone_proves_nothing_and_is_asked_again_later(shop: Shop) -> None:
    shop.store.gone = True
    shop.world.now += 15 * DAY
    with pytest.raises(StoreGone):
        verify_due(shop.controller())
    assert shop.known[0].good
    assert "could not be verified again" in rechecked(shop.controller(), "shop", "staging").problem
    assert (bool(shown(shop).recheck), shown(shop).recheck_late, shown(shop).damaged) == (True, True, ())
    assert verify_due(shop.controller()) == [], "after a pause"
    shop.store.gone = False
    shop.world.now += 700
    assert len(verify_due(shop.controller())) == 1
    assert shown(shop).recheck == ""
