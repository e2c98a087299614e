"""PostgreSQL as it was at a time: rows before it are there, later changes and a dropped table are not; the former data, a
second restore, and a time that can't be."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from shipway.domain.errors import BackupFailed, GateRefused, UsageError
from tests.system.conftest import Make
from tests.system.test_backups import backups
from tests.system.test_backups_kinds import with_backups
from tests.system.tiny import Tiny, effects

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shop(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    project = make(database=True, port=8739)
    with_backups(project, tmp_path_factory.mktemp("point-in-time"))
    project.plan["environments"]["staging"]["backups"]["continuous"] = "1s"
    project.protect()
    project.change("one")
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex')")
    return project


def moment(project: Tiny) -> str:
    """The server's time, after all that was committed and before all that follows."""
    project.psql("SELECT pg_sleep(1)")
    found = project.psql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
    project.psql("SELECT pg_sleep(1)")
    return found


def tick(project: Tiny) -> None:
    time.sleep(1.1)  # `every`
    project.shipway("tick", "--only", "backups")


def test_a_time_is_restored(shop: Tiny) -> None:
    early = moment(shop)
    done = shop.shipway("backup", "staging")
    assert "verified: restored from the store" in done.output
    assert "of the log of changes replayed" in done.output
    shop.psql("INSERT INTO pets VALUES ('Cat')")
    then = moment(shop)
    shop.psql("INSERT INTO pets VALUES ('Dog'); CREATE TABLE later (id int)")
    tick(shop)
    shop.psql("DROP TABLE pets")
    tick(shop)
    last = moment(shop)

    for at, why in ((early, "before the first backup"), ("2099-01-01", "in the future"), (last, "is stored up to")):
        refused = shop.shipway("restore", "staging", "--to-time", at, "--yes", check=False)
        assert refused.code == UsageError.exit_code, refused.output
        assert why in refused.output
        assert "possible, in UTC: " in refused.output
    shown = shop.shipway("restore", "staging", "--to-time", then, check=False)
    assert (shown.code, "nothing was changed" in shown.output) == (UsageError.exit_code, True)

    shop.shipway("restore", "staging", "--to-time", then, "--yes")
    assert shop.psql("SELECT name FROM pets ORDER BY 1").split() == ["Cat", "Rex"]
    assert shop.psql("SELECT to_regclass('later')") == ""
    assert not [name for name in shop.containers() if "job" in name]
    assert not [name for name in shop.volumes() if name.endswith((".backup", ".recovery"))]


def test_killed_at_points_of_a_restore(shop: Tiny) -> None:
    """The database is the old or the restored one, the next command finds out which, and nothing is left."""
    shop.psql("DELETE FROM pets; INSERT INTO pets VALUES ('Old')")
    then = moment(shop)
    tick(shop)
    restore = ("restore", "staging", "--to-time", then, "--yes")
    shop.env["SHIPWAY_TEST_DIE"] = "0"
    every = effects(shop.shipway(*restore).output)
    del shop.env["SHIPWAY_TEST_DIE"]
    full = bool(os.environ.get("FULL"))
    points = (
        range(1, every + 1)
        if full
        else sorted({1, every // 4, every // 2, 3 * every // 4, *range(every - 13, every, 4)})
    )
    ends: set[str] = set()
    for point, when in ((point, when) for point in points for when in (("before", "after") if full else ("after",))):
        shop.psql("DELETE FROM pets; INSERT INTO pets VALUES ('New')")
        known = len(shop.deployments("staging"))
        shop.env["SHIPWAY_TEST_DIE"] = f"{point},{when}"
        died = shop.shipway(*restore, check=False)
        del shop.env["SHIPWAY_TEST_DIE"]
        if died.code != -signal.SIGKILL:
            assert (point, died.code) > (every - 5, 0), died.output  # it took fewer effects this time
            continue
        next_one = shop.shipway("retire", "staging", "--wait", "20")
        made = shop.deployments("staging")[: len(shop.deployments("staging")) - known]
        outcome = made[0]["outcome"] if made else "not begun"
        expected = "Old" if outcome == "succeeded" else "New"
        assert shop.psql("SELECT name FROM pets") == expected, f"{point} {when}\n{died.output}\n{next_one.output}"
        whole(shop)
        assert shop.answer() == "one"
        ends.add(outcome)
    assert ends >= {"succeeded", "failed", "not begun"}
    shop.shipway(*restore)
    assert shop.psql("SELECT name FROM pets") == "Old"
    whole(shop)
    shop.psql("DELETE FROM pets; INSERT INTO pets VALUES ('Rex'), ('Cat')")


def whole(project: Tiny) -> None:
    """Nothing is left of a restore, and nothing is pending."""
    assert project.psql("SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'shipway%'") == ""
    assert project.containers(role="job") == {}
    assert not [name for name in project.volumes() if name.endswith((".backup", ".recovery", ".replay"))]
    assert "pending" not in [item["outcome"] for item in project.deployments("staging")]


def test_the_log_goes_on_after_a_restore(shop: Tiny) -> None:
    shop.psql("INSERT INTO pets VALUES ('Owl')")
    then = moment(shop)
    shop.psql("TRUNCATE pets")
    tick(shop)
    shop.shipway("restore", "staging", "--to-time", then, "--yes")
    assert shop.psql("SELECT name FROM pets ORDER BY 1").split() == ["Cat", "Owl", "Rex"]
    tick(shop)
    then = moment(shop)  # nothing is committed after it
    tick(shop)
    shop.shipway("restore", "staging", "--to-time", then, "--yes")
    assert shop.psql("SELECT name FROM pets ORDER BY 1").split() == ["Cat", "Owl", "Rex"]


def test_a_gap_is_said_and_closed(shop: Tiny) -> None:
    tick(shop)
    shop.psql("SELECT pg_drop_replication_slot('shipway')")
    shop.psql("INSERT INTO pets VALUES ('Ant')")
    for _ in range(3):
        for query in ("SELECT txid_current()", "SELECT pg_switch_wal()", "CHECKPOINT"):
            shop.psql(query)
    tick(shop)
    assert "can't be restored until a new backup" in shop.shipway("status").output
    refused = shop.shipway("restore", "staging", "--to-time", moment(shop), "--yes", check=False)
    assert refused.code == UsageError.exit_code
    shop.shipway("backup", "staging")
    assert "can't be restored" not in shop.shipway("status").output
    then = moment(shop)
    tick(shop)
    shop.psql("TRUNCATE pets")
    shop.shipway("restore", "staging", "--to-time", then, "--yes")
    assert "Ant" in shop.psql("SELECT name FROM pets")


def test_a_damaged_segment_is_refused(shop: Tiny) -> None:
    then = moment(shop)
    tick(shop)
    where = shop.plan["environments"]["staging"]["backups"]["to"]
    newest = max((path for path in Path(where).rglob("wal-*/*.age")), key=lambda path: path.name)
    good = newest.read_bytes()
    newest.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    rows = shop.psql("SELECT count(*) FROM pets")
    refused = shop.shipway("restore", "staging", "--to-time", then, "--yes", check=False)
    assert refused.code == BackupFailed.exit_code, refused.output
    assert shop.psql("SELECT count(*) FROM pets") == rows, "nothing was changed"
    newest.write_bytes(good)


def test_files_that_can_not_be_copied_are_said_and_the_dump_is_good(shop: Tiny) -> None:
    shop.psql("INSERT INTO pets VALUES ('Bee')")
    for query in ("ALTER SYSTEM SET allow_in_place_tablespaces = on", "SELECT pg_reload_conf(), pg_sleep(1)"):
        shop.psql(query)
    shop.psql("CREATE TABLESPACE side LOCATION ''")
    failed = shop.shipway("backup", "staging", check=False)
    assert failed.code == BackupFailed.exit_code, failed.output
    assert "is stored and verified, but a part of it failed" in failed.output
    assert "the server has other tablespaces" in failed.output
    assert "a part of the newest backup failed: base" in shop.shipway("status").output
    made = backups(shop)[0]
    assert (made["outcome"], bool(made["verified"]), made["manifest"]["base"]) == ("stored", True, None)
    assert "base" in made["manifest"]["lacks"]
    shop.psql("DELETE FROM pets")
    shop.shipway("restore", "staging", "--backup", made["manifest"]["name"], "--yes")
    assert "Bee" in shop.psql("SELECT name FROM pets")
    shop.psql("DROP TABLESPACE side")
    shop.shipway("backup", "staging")
    assert "a part of the newest backup failed" not in shop.shipway("status").output


def test_a_backup_that_rots_in_the_store_is_found_by_the_tick_and_opens_no_gate(shop: Tiny) -> None:
    settings = shop.plan["environments"]["staging"]["backups"]
    settings |= {"verify_every": "1s", "require": "1h"}
    shop.protect()
    shop.change("two")
    shop.shipway("run", "staging")
    newest = backups(shop)[0]
    done = shop.shipway("tick", "--only", "backups")
    assert f"{newest['manifest']['name']} is verified: restored from the store" in done.output
    assert backups(shop)[0]["verified"] > newest["verified"]
    path = next(Path(settings["to"]).rglob(f"{newest['manifest']['name']}/database.age"))
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    time.sleep(1.1)  # `verify_every`
    found = shop.shipway("tick", "--only", "backups", check=False)
    assert found.code == BackupFailed.exit_code, found.output
    assert f"verification of {newest['manifest']['name']}" in found.output
    assert f"damaged in the store: {newest['manifest']['name']}" in shop.shipway("status").output
    for other in backups(shop)[1:]:
        if other["outcome"] == "stored" and not other["problem"]:
            next(Path(settings["to"]).rglob(f"{other['manifest']['name']}/database.age")).write_bytes(b"")
            shop.shipway("backups", "staging", "--verify", other["manifest"]["name"], check=False)
    shop.change("three")
    refused = shop.shipway("run", "staging", check=False)
    assert refused.code == GateRefused.exit_code, refused.output
    assert "and there is none" in refused.output
    path.write_bytes(good)
    shop.shipway("backups", "staging", "--verify", "latest")
    shop.shipway("run", "staging")
    assert shop.answer() == "three"
