"""A release's way back, proven on a real engine: real images on the schemas of others, and what a gate makes of it.

The application is a shell that speaks to PostgreSQL. Releases are put into the ledger as runs put them, without a run each.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.locks import is_held
from shipway.actions.proofs.prove import prove
from shipway.actions.proofs.waive import waive
from shipway.app import open_context
from shipway.context import Context
from shipway.domain import proof as words
from shipway.domain.errors import GateRefused, ProofError
from shipway.domain.plan import Environment, Host, Scenario, Strategy
from shipway.domain.proof import MigrationReport, Proof
from shipway.domain.release import DEPLOY, SUCCEEDED, Deployment, Release
from shipway.drivers.server.postgres import PostgresServer
from tests.system.conftest import Make
from tests.system.tiny import FIRST, Tiny
from tests.unit.world import Notes

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300), pytest.mark.share(2 / 3)]

DOCKERFILE = """\
FROM postgres:15
WORKDIR /app
COPY . .
ENTRYPOINT ["bash"]
CMD ["start"]
"""
ASK = 'psql "$DATABASE_URL" -q -v ON_ERROR_STOP=1 -c'
START = f"{ASK} 'SELECT name FROM pets' || exit 3\ntouch /tmp/ready\nexec sleep 1000\n"
ADD = f"{ASK} \"INSERT INTO pets (name) VALUES ('Rex')\"\n"
APPLICATION = {"Dockerfile": DOCKERFILE, "start": START, "add": ADD}
WRITE = {"add": Scenario("add", "web", "bash add", "write"), "give": Scenario("give", "web", "bash add", "job")}
AGE = ("ALTER TABLE pets ADD age int;", "ALTER TABLE pets DROP age;")
RENAMED = (
    "ALTER TABLE pets DROP name; ALTER TABLE pets ADD title text;",
    "ALTER TABLE pets DROP title; ALTER TABLE pets ADD name text;",
)


class Site:
    """A production where release 1 runs with a row in its database, and releases that might follow it."""

    def __init__(self, project: Tiny, ctx: Context, notes: list[str]) -> None:
        self.project, self.ctx, self.notes = project, ctx, notes
        first = ctx.ledger.release(project.app, 1)
        assert first is not None
        self.first = first
        self._folders = project.folder / "images"
        self._made = 0

    def release(
        self, way: tuple[str, str] | None = AGE, *, files: Mapping[str, str] | None = None, **prove: Any
    ) -> Release:
        """One that brings a migration (up, down; an empty down is left out), with other files and `prove` keys than the first."""
        scripts = dict(
            zip(("web/migrations/0002_next.up.sql", "web/migrations/0002_next.down.sql"), way or (), strict=False)
        )
        plan = dataclasses.replace(self.first.plan, prove=dataclasses.replace(self.first.plan.prove, **prove))
        self._made += 1
        made = dataclasses.replace(
            self.first, images={"web": self._build({**scripts, **(files or {})})}, plan=plan, digest="",
            tree=f"tree-{self._made}", schema="0002" if way else "0001",
        )  # fmt: skip
        return self.ctx.ledger.add_release(made)

    def runs(self, release: Release) -> None:
        """As if it had been deployed: its images are what runs."""
        record = Deployment(0, release.app, "production", release.number, DEPLOY, "ada", "a test", self.ctx.clock())
        number = self.ctx.ledger.begin_deployment(record)
        self.ctx.ledger.end_deployment(number, SUCCEEDED, self.ctx.clock(), release.schema, "")

    def prove(self, release: Release, *, traffic: bool = False, **how: Any) -> Proof:
        """The proof."""
        proof = prove(self.ctx, release, self.production(release), traffic=traffic, **how)
        assert proof is not None
        return proof

    def production(self, release: Release) -> Environment:
        """The environment, by the release's plan."""
        return release.plan.environments["production"]

    def left(self) -> dict[str, str]:
        """What a proof has on the engine."""
        return {
            **self.project.containers(role="proof"),
            **{name: "" for name in self.project.networks() if "_proof_" in name},
        }

    def _build(self, files: Mapping[str, str]) -> str:
        folder = self._folders / str(self._made)
        for name, text in {**{f"web/{name}": text for name, text in APPLICATION.items()}, **FIRST, **files}.items():
            if text:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text)
        return self.ctx.images.build(
            folder / "web", tags=[f"shipway-step/{self.project.app}:{self._made}"], dockerfile="Dockerfile", target=None,
            args={}, labels={}, on_line=lambda line: None,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(make: Make) -> Iterator[Site]:
    """A site that all tests share; the one that deploys comes last."""
    project = make(database=True)
    project.plan |= {
        "services": {"web": {"build": "web", "health": {"command": "test -e /tmp/ready", "timeout": "20s"}, "drain": "0s", "secrets": ["TOKEN"]}},
        "prove": {"scenarios": {
            "add": {"service": "web", "run": "bash add", "kind": "write"}, "give": {"service": "web", "run": "bash add", "kind": "job"},
        }},
    }  # fmt: skip
    project.plan["environments"]["production"] = {
        "on": {"branch": "staging"},
        "url": project.production,
        "prove": "required",
    }
    del project.plan["environments"]["staging"]
    project.protect()
    project.change("one", files={f"web/{name}": text for name, text in APPLICATION.items()})
    project.command("sh", "-c", "echo short | shipway secret set production TOKEN", check=True)
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Bella')", "production")
    notes: list[str] = []
    with open_context(project.home, Notes(notes), actor="grace@example.com") as ctx:
        yield Site(project, ctx, notes)


def way_of(proof: Proof) -> MigrationReport:
    assert proof.way is not None
    return proof.way


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


def test_masks_come_before_anything_looks_and_nothing_outside_is_reached(site: Site) -> None:
    ask = ASK.replace("-q", "-q -A -t")
    found = site.ctx.runtime.find(f"{site.project.app}_production_db")
    assert found is not None
    address = found.addresses[f"shipway_{site.project.app}_production"]
    look = {
        "masked": Scenario("masked", "web", f'[ "$({ask} "SELECT count(*) FROM pets WHERE name = \'Bella\'")" = 0 ]'),
        "outside": Scenario("outside", "web", f"! pg_isready -q -t 1 -h {address}"),
    }
    proof = site.prove(
        site.release(mode="data", mask=("UPDATE pets SET name = 'anonymous'",), exercise={**WRITE, **look})
    )
    assert proof.old_code.verdict == words.SAFE, proof.old_code
    assert "read: masked" in proof.new_code.checks, proof.new_code
    assert "read: outside" in proof.new_code.checks


def test_a_mask_that_does_not_fit_is_named(site: Site) -> None:
    with pytest.raises(ProofError, match=r"the mask `UPDATE pets SET colour = ''` failed") as caught:
        site.prove(site.release(mask=("UPDATE pets SET colour = ''",)))
    assert 'column "colour"' in caught.value.message
    assert site.left() == {}


def test_a_database_that_does_not_run_is_told(site: Site) -> None:
    name = f"{site.project.app}_production_db"
    site.ctx.runtime.stop(name, 5)
    try:
        with pytest.raises(ProofError, match=r"the database of production can't be read: its container .* is exited"):
            site.prove(site.release())
    finally:
        site.ctx.runtime.start(name)


def test_what_a_killed_proof_left_goes_with_the_next(site: Site) -> None:
    release = site.release()
    dying = site.project.start("prove", str(release.number))
    dying.until("▸ prove")
    while len(site.left()) < 4:  # networks, the server, and what comes then
        assert dying.running(), dying.output
    dying.kill()
    assert site.left()
    assert site.project.json("prove", str(release.number))["old_code"]["verdict"] == words.SAFE
    assert site.left() == {}
    assert list((site.project.home / "proofs").iterdir()) == []


def test_the_command_writes_all_reports(site: Site) -> None:
    release = site.release()
    files = {name: site.project.folder / f"report.{name}" for name in ("html", "junit", "markdown", "badge")}
    words = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    assert site.project.shipway("prove", str(release.number), *words).code == 0
    starts = {"html": "<!doctype html>", "junit": "<?xml", "markdown": "**✅ Rollback: ", "badge": "<svg "}
    assert {name: file.read_text()[: len(starts[name])] for name, file in files.items()} == starts
    assert "rollback: proven" in files["badge"].read_text()


def test_ctrl_c_ends_a_proof_whose_migration_never_does(site: Site) -> None:
    release = site.release(("SELECT pg_sleep(600);", AGE[1]))
    endless = site.project.start("prove", str(release.number))
    endless.until("▸ prove")
    while not any("_new_web" in name for name in site.left()):
        assert endless.running(), endless.output
    endless.press_ctrl_c()
    assert endless.end().code == 130
    assert site.left() == {}


def test_the_database_of_another_host_is_copied_through_a_file(site: Site) -> None:
    """Which is the same engine here, under another name."""
    here, away = site.ctx, "ssh://elsewhere"
    site.ctx = dataclasses.replace(here, connect=lambda host: dataclasses.replace(here.machine, name=host))
    where = {"production": dataclasses.replace(site.production(site.first), hosts=(Host(away),))}
    there = dataclasses.replace(site.first, plan=dataclasses.replace(site.first.plan, environments=where), digest="")
    site.runs(site.ctx.ledger.add_release(there))
    try:
        filled = Scenario(
            "filled",
            "web",
            f"""[ "$({ASK.replace("-q", "-q -A -t")} "SELECT count(*) FROM pets WHERE name = 'Bella'")" = 1 ]""",
        )
        proof = site.prove(site.release(mode="data", exercise={**WRITE, "filled": filled}))
    finally:
        site.runs(site.first)
        site.ctx = here
    assert way_of(proof).verdict == words.RESTORED
    assert "read: filled" in proof.new_code.checks, proof.new_code
    assert site.left() == {}


def test_the_gate(site: Site) -> None:
    """It deploys: the last one."""
    bad = site.release(
        (RENAMED[0], ""), files={"web/start": START.replace("name", "title"), "web/add": ADD.replace("name", "title")}
    )
    order = DeployRequest(bad, site.production(bad))
    holding = []
    site.ctx.reporter.begin = lambda name, detail="": holding.append(
        is_held(site.ctx.ledger.lease(f"{bad.app}/production"), site.ctx.ledger.now())
    )  # type: ignore[method-assign]
    with pytest.raises(GateRefused) as caught:
        deploy(site.ctx, order)
    assert holding == [False], "who deploys meanwhile is not kept waiting"
    del site.ctx.reporter.begin
    assert "down migrations: IRREVERSIBLE" in caught.value.message
    assert "release 1 on the new schema: UNSAFE" in caught.value.message
    assert site.project.psql("SELECT count(*) FROM shipway_migrations", "production") == "1"

    waive(site.ctx, bad, site.production(bad), site.prove(bad), "the old one is not needed any more", 3600)
    assert deploy(site.ctx, order) is not None
    assert site.project.psql("SELECT count(*) FROM shipway_migrations", "production") == "2"


def test_a_step_proves_what_its_run_has_built_and_the_gate_takes_that(make: Make) -> None:
    project = make(database=True)
    project.plan["environments"]["production"] |= {"on": "manual"}
    del project.plan["environments"]["production"]["approvals"]
    project.plan["prove"] = {
        "scenarios": {"look": {"service": "web", "run": "wget -q -O- $URL | grep -q -E 'one|two'", "kind": "write"}}
    }
    project.plan["pipeline"] = {"way-back": {"prove": "production"}}
    project.protect()
    project.change("one")
    assert "way-back     │ nothing runs in production yet" in project.shipway("run", "staging").output
    project.shipway("deploy", "production", "staging")

    project.change("two", files={"web/migrations/0002_age.up.sql": AGE[0], "web/migrations/0002_age.down.sql": AGE[1]})
    ran = project.shipway("run", "staging").output
    assert "RESTORED" in ran
    assert "UNSAFE" not in ran
    ledger = project.ledger()
    kept = [json.loads(item.detail) for item in ledger.evidence(project.app, 2) if item.kind == "proof"]
    ledger.close()
    assert [(item["environment"], item["release"], item["before"]) for item in kept] == [("production", 2, 1)]
    assert kept[0]["old_code"]["checks"] == ["write: look"]
    deployed = project.shipway("deploy", "production", "staging").output
    assert "▸ prove" not in deployed, "the proof exists already"
