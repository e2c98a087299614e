"""Rollbacks on a real PostgreSQL, each by what a proof in the ledger says: by the code alone, down first, not at all."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from examples.project import GRACE
from shipway.domain.catalog import ADDITIVE
from shipway.domain.errors import ForwardOnly, NotProven, UsageError
from shipway.domain.proof import (
    DATA_LOST,
    RESTORED,
    SAFE,
    UNSAFE,
    CompatibilityTest,
    MigrationReport,
    Proof,
    images_digest,
)
from shipway.domain.record import to_data
from shipway.domain.rehearsal import REHEARSAL
from shipway.domain.release import Evidence
from tests.system.conftest import Make
from tests.system.tiny import Tiny, visitors

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves, with one pet."""
    project = make(database=True)
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex')")
    return project


@contextmanager
def released(project: Tiny, name: str, table: str) -> Iterator[int]:
    """A release that brings one more table, deployed; its number. Afterwards the project is at the commit before."""
    before = project.git("rev-parse", "HEAD").output.strip()
    project.change(name, files={
        f"web/migrations/{table}.up.sql": f"CREATE TABLE t{table} (n int);\n",
        f"web/migrations/{table}.down.sql": f"DROP TABLE t{table};\n",
    })  # fmt: skip
    try:
        project.shipway("run", "staging")
        yield int(project.deployments("staging")[0]["release"])
    finally:
        project.undo(before)


def proven(project: Tiny, number: int, before: int, after: str, way: str, old: str, was: str = "0001") -> None:
    """What a walk would have found."""
    ledger = project.ledger()
    new, target = ledger.release(project.app, number), ledger.release(project.app, before)
    assert new is not None
    assert target is not None
    proof = Proof(
        project.app, "staging", number, images_digest(new), before, images_digest(target), was, after, "schema", 1.0, 1.0,
        way=MigrationReport((after,), way, (f"why {way}",), ADDITIVE), old_code=CompatibilityTest(old, (f"why {old}",)),
    )  # fmt: skip
    ledger.add_evidence(
        Evidence(project.app, number, "staging", "proof", "schema", True, json.dumps(to_data(proof)), 1.0)
    )
    ledger.close()


def tables(project: Tiny) -> str:
    return project.psql(
        "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE tablename LIKE 't0%'"
    )


def test_by_the_code_alone_and_what_follows(shop: Tiny) -> None:
    first = shop.git("rev-parse", "HEAD").output.strip()
    with released(shop, "two", "0002_a") as two:
        proven(shop, two, 1, "0002", RESTORED, SAFE)
        dry = shop.shipway("rollback", "staging", "--dry-run")
        assert "rollback plan: keep schema; final schema revision: 0002" in dry.output
        assert "RESTORED, old code SAFE" in dry.output
        assert shop.answer() == "two"
        with visitors(shop) as answers:
            shop.shipway("rollback", "staging")
        assert set(answers) <= {"one", "two"}
        assert shop.answer() == "one"
        assert tables(shop) == "t0002_a"
        status = shop.shipway("status").output
        assert "the schema is ahead of the code, which was built for 0001" in status
        assert "rollback, keep schema" in shop.shipway("history", "staging").output
        assert shop.shipway("doctor", check=False).code == 0

        shop.undo(first)
        shop.change("one, mended")
        shop.shipway("run", "staging")
        assert shop.answer() == "one, mended"
        assert tables(shop) == "t0002_a"
        shop.shipway("rollback", "staging", "--to", str(two))
        assert shop.answer() == "two"
        shop.shipway("rollback", "staging", "--to", "1", "--revert-schema", "--reason", "for the next test")
        assert tables(shop) == ""


def rehearsals(shop: Tiny, release: int) -> list[str]:
    ledger = shop.ledger()
    found = [item.detail for item in ledger.evidence(shop.app, release) if item.kind == REHEARSAL]
    ledger.close()
    return found


def test_down_first(shop: Tiny) -> None:
    with released(shop, "three", "0002_b") as three:
        proven(shop, three, 1, "0002", RESTORED, UNSAFE)
        before = shop.footprint()
        rehearsed = shop.shipway("rehearse", "staging", "--to", "1").output
        assert shop.footprint() == before
        assert "revert schema, then switch" in rehearsed
        assert "unknown: release" in rehearsed  # its plan has no scenario
        assert tables(shop) == "t0002_b"
        assert "rollback rehearsed" in shop.shipway("status").output
        assert (
            "the next one is not due yet" in shop.shipway("rehearse", "staging", "--to", "1", "--every", "0.5").output
        )
        assert len(rehearsals(shop, three)) == 1
        with shop.jobs() as jobs:
            done = shop.shipway("rollback", "staging", "--to", "1")
        assert len(jobs) == 1, "all commands of the migration tool run in one container"
        assert "rollback plan: revert schema, then switch; final schema revision: 0001" in done.output
        assert "why UNSAFE" in done.output
        assert done.output.index("▸ revert") < done.output.index("▸ switch")
        assert (shop.answer(), tables(shop)) == ("one", "")


def test_a_drill_finds_a_way_down_that_fails(shop: Tiny) -> None:
    with released(shop, "dropping", "0002_x") as dropping:
        proven(shop, dropping, 1, "0002", RESTORED, UNSAFE)
        shop.psql("CREATE VIEW seen AS SELECT * FROM t0002_x")  # somebody's, which the down script doesn't know of
        done = shop.shipway("rehearse", "staging", "--to", "1", check=False)
        assert done.code == NotProven.exit_code, done.output
        again = shop.shipway("rehearse", "staging", "--to", "1", "--every", "7", check=False)
        assert again.code == NotProven.exit_code, "what failed is due until it passes"
        assert "the down migrations failed" in done.output
        assert "UNSAFE" in shop.shipway("status").output
        shop.psql("DROP VIEW seen")
        shop.shipway("rollback", "staging", "--to", "1")


def test_forward_only_until_somebody_takes_what_was_found(shop: Tiny) -> None:
    with released(shop, "four", "0002_c") as four:
        proven(shop, four, 1, "0002", DATA_LOST, UNSAFE)
        before = shop.footprint()
        done = shop.shipway("rollback", "staging", "--to", "1", check=False)
        assert done.code == ForwardOnly.exit_code, done.output
        assert "why DATA_LOST" in done.output
        for option in ("shipway maintenance on staging", "shipway waive RELEASE", "--revert-schema"):
            assert option in done.output
        assert shop.footprint() == before
        assert (
            shop.shipway("rollback", "staging", "--keep-schema", check=False).code == UsageError.exit_code
        )  # no reason
        words = ("waive", str(four), "--env", "staging", "--reason", "the table was never filled", "--expires", "1h")
        shop.shipway("--as", GRACE, *words)
        assert "the table was never filled" in shop.shipway("status").output
        assert "the table was never filled" in shop.shipway("history", "staging").output
        done = shop.shipway("rollback", "staging", "--to", "1")
        assert f"was waived by {GRACE}: the table was never filled" in done.output
        assert (shop.answer(), tables(shop)) == ("one", "")


def test_the_newer_image_is_gone_and_its_recorded_scripts_lead_back(shop: Tiny) -> None:
    with released(shop, "five", "0002_d"):
        ledger = shop.ledger()
        image = ledger.releases(shop.app)[0].images["web"]
        ledger.close()
        name, _, digest = image.partition("@sha256:")
        revisions = f"/var/lib/registry/docker/registry/v2/repositories/{name.partition('/')[2]}/_manifests/revisions/sha256/{digest}"
        subprocess.run(["docker", "exec", "shipway-registry", "rm", "-r", revisions], check=True)
        for container in shop.containers(role="service", name="web"):
            if "_web_1-" not in container:
                subprocess.run(["docker", "rm", "-f", container], check=True, capture_output=True)
        tags = subprocess.run(
            ["docker", "images", "--no-trunc", "-q", "--filter", f"reference={image}"],
            check=True,
            capture_output=True,
            text=True,
        )
        subprocess.run(["docker", "rmi", "-f", *set(tags.stdout.split())], check=True, capture_output=True)
        done = shop.shipway("rollback", "staging", "--to", "1", check=False)
        assert done.code == 0, done.output
        assert "its recorded down migrations run" in done.output
        assert (shop.answer(), tables(shop)) == ("one", "")
        assert shop.psql("SELECT name FROM pets") == "Rex"
