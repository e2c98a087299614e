"""A release's way back, proven on a real engine: real images on the schemas of others, also under traffic."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.actions.proofs.prove import prove
from shipway.domain import proof as words
from shipway.domain.plan import Scenario, Strategy
from shipway.drivers.server.postgres import PostgresServer
from tests.system.proofs import ADD, AGE, ASK, RENAMED, START, WRITE, Site, site, way_of

__all__ = ["site"]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900), pytest.mark.share(2 / 3)]


def test_an_additive_release_leads_back_both_ways(site: Site) -> None:
    """And a proof never gets the secrets of its environment: it would not start."""
    release = site.release(files={"web/start": f"[ ${{#TOKEN}} -gt 30 ] || exit 9\n{START}"})
    proof = site.prove(release)
    assert (way_of(proof).verdict, way_of(proof).warnings) == (words.RESTORED, ())
    assert (proof.old_code.verdict, proof.new_code.verdict) == (words.SAFE, words.SAFE)
    assert proof.old_code.checks == ("write: add", "job: give")
    assert proof.scripts == {"0002_next.down.sql": AGE[1]}
    assert (proof.before, proof.schema_before, proof.schema_after) == (1, "0001", "0002")
    assert site.left() == {}
    assert site.project.psql("SELECT count(*) FROM pets", "production") == "1", "nothing is written where people work"
    assert site.prove(release) == proof, "the same proof does not run twice"
    assert site.prove(release, mode="data").mode == "data"


def test_a_history_table_of_a_name_that_the_server_s_driver_does_not_know(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of a schema has its rows: without them, the first migration would be pending too, and fail."""
    monkeypatch.setattr(PostgresServer, "history_tables", frozenset())
    proof = site.prove(site.release())
    assert (way_of(proof).verdict, way_of(proof).migrations) == (words.RESTORED, ("0002",))
    assert [stage.name for stage in proof.stages].count("template") == 2


def test_a_release_that_makes_a_role(site: Site) -> None:
    """All databases of the scratch server share it: the parts of the proof run one after the other."""
    up = f"CREATE ROLE reader; GRANT SELECT ON pets TO reader; {AGE[0]}"
    proof = site.prove(site.release((up, f"{AGE[1]} DROP OWNED BY reader; DROP ROLE reader;")))
    assert way_of(proof).verdict == words.RESTORED, way_of(proof).reasons
    assert any("reader" in warning for warning in way_of(proof).warnings)
    assert (proof.old_code.verdict, proof.new_code.verdict) == (words.SAFE, words.SAFE)


def test_a_release_without_a_migration_costs_nothing(site: Site) -> None:
    site.notes.clear()
    proof = site.prove(site.release(None))
    assert (proof.way, proof.old_code.verdict) == (None, words.SAFE)
    assert "has no new migrations" in proof.old_code.reasons[0]
    assert site.notes == []


def test_values_are_lost_and_the_old_code_is_not_safe(site: Site) -> None:
    proof = site.prove(
        site.release(
            RENAMED, files={"web/start": START.replace("name", "title"), "web/add": ADD.replace("name", "title")}
        ),
        mode="data",
    )
    assert way_of(proof).verdict == words.DATA_LOST
    assert proof.old_code.verdict == words.UNSAFE
    assert "exited with code 3" in proof.old_code.reasons[0]
    assert any("42703" in reason and "SELECT name FROM pets" in reason for reason in proof.old_code.reasons)
    assert not proof.leads_back


def test_up_migrations_that_add_and_change_rows_are_tested_with_rows(site: Site) -> None:
    """Without any nothing shows it: the schema comes back."""
    proof = site.prove(site.release((f"{AGE[0]} UPDATE pets SET name = upper(name) || '!';", AGE[1])))
    way = way_of(proof)
    assert (way.verdict, [loss.table for loss in way.losses]) == (words.DATA_LOST, ["public.pets"])
    assert "the up migrations change rows of pets; tested with generated rows only" in way.warnings
    assert proof.old_code.verdict == words.SAFE


def test_a_missing_down_script_is_irreversible(site: Site) -> None:
    proof = site.prove(site.release((f"{AGE[0]} CREATE INDEX pets_age ON pets (age);", "")))
    assert way_of(proof).verdict == words.IRREVERSIBLE
    (remark,) = way_of(proof).warnings  # of squawk, on what was run
    assert remark.startswith("CREATE INDEX pets_age ON pets (age);: During normal index creation")
    assert proof.old_code.verdict == words.SAFE
    assert proof.leads_back


def test_an_error_that_the_old_code_swallows_is_found(site: Site) -> None:
    swallowing = {"web/add": ADD.replace("\n", " || true\n"), "web/start": "touch /tmp/ready\nexec sleep 1000\n"}
    site.runs(site.release(None, files=swallowing))
    required = ("ALTER TABLE pets ADD age int NOT NULL;", AGE[1])
    proof = site.prove(
        site.release(required, files={"web/add": ADD.replace("(name) VALUES ('Rex'", "(name, age) VALUES ('Rex', 3")})
    )
    site.runs(site.first)
    assert proof.old_code.verdict == words.UNSAFE
    assert proof.old_code.checks == ("write: add", "job: give"), "all was green"
    assert "23502" in proof.old_code.reasons[0]


def test_an_image_that_migrates_when_it_starts_does_not_start_on_a_revision_that_it_lacks(site: Site) -> None:
    newest = f"[ $({ASK.replace('-q', '-q -A -t')} 'SELECT max(version) FROM shipway_migrations') = 0001 ] || {{ echo unknown revision; exit 255; }}\n"
    site.runs(site.release(None, files={"web/start": newest + START}))
    proof = site.prove(site.release())
    site.runs(site.first)
    assert proof.old_code.verdict == words.UNSAFE
    assert "exited with code 255" in proof.old_code.reasons[0]
    assert "unknown revision" in proof.old_code.reasons[0]


@pytest.mark.parametrize(("line", "cause"), [
    ("FAILED: Can't locate revision identified by '0002'", "it runs its migrations when it starts, and Alembic refuses revision 0002, which the image lacks"),
    ("/app/start: line 1: MAIL_FROM: unbound variable", "it needs the variable MAIL_FROM, which this release's plan does not set"),
])  # fmt: skip
def test_why_the_old_image_does_not_start_is_named(site: Site, line: str, cause: str) -> None:
    old = f"""[ $({ASK.replace("-q", "-q -A -t")} 'SELECT max(version) FROM shipway_migrations') = 0001 ] || {{
echo reading; echo "{line}"; echo bye; exit 1; }}\n"""
    site.runs(site.release(None, files={"web/start": old + START}))
    proof = site.prove(site.release())
    site.runs(site.first)
    assert proof.old_code.verdict == words.UNSAFE
    assert proof.old_code.reasons[0].startswith(cause)
    assert proof.old_code.reasons[0].endswith(f"(web: it exited with code 1: {line})")
    (failed,) = (stage for stage in proof.old_code.stages if stage.outcome == "failed")
    assert [text.rpartition("│ ")[2] for text in failed.output] == ["reading", line, "bye"]


def test_an_image_that_undoes_the_migration_when_it_starts_is_not_safe(site: Site) -> None:
    """As mappers do that synchronize the schema with their models: all scenarios pass."""
    synchronize = f"{ASK} 'ALTER TABLE pets DROP COLUMN IF EXISTS age; CREATE TABLE IF NOT EXISTS cache (id int)'\n"
    site.runs(site.release(None, files={"web/start": synchronize + START}))
    proof = site.prove(site.release())
    site.runs(site.first)
    assert proof.old_code.verdict == words.UNSAFE
    assert proof.old_code.checks == ("write: add", "job: give")
    assert proof.old_code.reasons == (
        "it undid migrations of the new schema: column public.pets.age removed",
        "it changed the schema while it ran: column public.cache.id added; table public.cache added",
    )
    assert proof.new_code.verdict == words.SAFE


def test_what_waits_under_traffic_is_named(site: Site) -> None:
    """A migration behind a transaction of the old release, whose other statements wait behind the migration. The
    migration begins while the transaction is open, since it is nearly always."""
    hold = f"{ASK} 'BEGIN; LOCK TABLE pets IN ROW EXCLUSIVE MODE; SELECT pg_sleep(5); COMMIT'"
    exercise = {**WRITE, "hold": Scenario("hold", "web", hold, "write")}
    site.runs(site.release(None, exercise=exercise))
    proof = site.prove(site.release(("ALTER TABLE pets ADD age int; SELECT pg_sleep(0.5);", AGE[1])), traffic=True)
    site.runs(site.first)
    traffic = proof.traffic
    assert traffic is not None
    assert (traffic.reason, traffic.failures) == ("", ())
    (migration,) = (wait for wait in traffic.waits if wait.waiting == "migration")
    assert migration.statement.startswith("ALTER TABLE pets ADD age int")
    assert "pg_sleep(5)" in migration.blocked_by
    assert (migration.relation, migration.mode) == ("public.pets", "AccessExclusiveLock")
    (up,) = (stage for stage in traffic.stages if stage.name == "up under traffic")
    assert 0 < migration.seconds < up.seconds
    behind = [wait for wait in traffic.waits if wait.waiting == "traffic"]
    assert any(wait.statement.startswith("INSERT INTO pets") for wait in behind), behind
    assert all(wait.blocked_by.startswith("ALTER TABLE pets") for wait in behind)
    assert proof.leads_back


def test_what_the_new_release_breaks_for_the_old_one_while_both_serve(site: Site) -> None:
    """Each works on the new schema, also one after the other; but the new one removes what the old one has just added."""
    ask = ASK.replace("-q", "-q -A -t")
    find = f"""[ "$({ask} "SELECT count(*) FROM pets WHERE name = 'Rex'")" -gt 0 ]"""
    old = {"add": WRITE["add"], "find": Scenario("find", "web", find)}
    new = {
        "tidy": Scenario("tidy", "web", f"{ASK} 'DELETE FROM pets WHERE age IS NULL'", "job"),
        "add": Scenario("add", "web", f"{ASK} \"INSERT INTO pets VALUES ('Max', 3)\"", "write"),
    }
    site.runs(site.release(None, exercise=old))
    release = site.release(exercise=new)
    quiet = site.prove(release)
    canary = dataclasses.replace(site.production(release), strategy=Strategy("canary"))
    proof = prove(site.ctx, release, canary, again=True)
    site.runs(site.first)
    assert quiet.together is None, "blue-green: never both for minutes"
    assert proof is not None
    assert (proof.old_code.verdict, proof.together is not None) == (words.SAFE, True)
    assert proof.together
    assert proof.together.verdict == words.UNSAFE
    (reason,) = proof.together.reasons
    before, after = release.number, quiet.before
    assert (
        reason == f"release {after} fails after release {before} ran job tidy: read find exited with 1; alone it passed"
    )
    assert proof.together.checks == (
        f"release {after}, write: add",
        f"release {before}, job: tidy",
        f"release {before}, write: add",
    )
    assert proof.leads_back, "a warning, no reason for a rejection"


def test_without_scenarios_there_is_no_traffic_and_a_failing_one_is_named(site: Site) -> None:
    for exercise, reason in (
        ({}, None),
        ({"no": Scenario("no", "web", "echo broken; exit 7")}, "read no exited with 7: broken"),
    ):
        site.runs(site.release(None, exercise=exercise))
        proof = site.prove(site.release(), traffic=True)
        assert (proof.traffic is None) == (reason is None)
        if reason:
            assert proof.traffic
            assert proof.traffic.reason == f"not measured: the old code does not work on its own schema: {reason}"
    site.runs(site.first)


def test_what_grows_with_the_rows_of_the_environment_is_estimated(site: Site) -> None:
    """Its tables are empty in the proof."""
    site.project.psql(
        "INSERT INTO pets SELECT repeat('x', 500) FROM generate_series(1, 200000); ANALYZE pets", "production"
    )
    try:
        way = ("ALTER TABLE pets ADD CONSTRAINT short CHECK (length(name) < 600); CREATE INDEX pets_name ON pets (name);",
               "ALTER TABLE pets DROP CONSTRAINT short; DROP INDEX pets_name;")  # fmt: skip
        proof = site.prove(site.release(way))
    finally:
        site.project.psql("DELETE FROM pets WHERE name LIKE 'x%'", "production")
        site.project.psql("VACUUM FULL pets", "production")
    found = {item.work: item for item in proof.growth}
    assert found["index"].relation == "public.pets"
    assert 190_000 < found["index"].rows < 210_000
    assert found["index"].bytes > 100_000_000
    assert found["index"].lock == "SHARE"
    assert "CONCURRENTLY" in found["index"].advice


def test_without_a_scenario_compatibility_is_unknown(site: Site) -> None:
    silent = site.release(None, exercise={})
    site.runs(silent)
    proof = site.prove(site.release(exercise={"look": Scenario("look", "web", "true")}))
    site.runs(site.first)
    assert proof.old_code.verdict == words.NO_EVIDENCE
    assert "no scenario" in proof.old_code.reasons[0]
    assert proof.new_code.verdict == words.NO_EVIDENCE
    assert "no scenario that writes" in proof.new_code.reasons[0]
