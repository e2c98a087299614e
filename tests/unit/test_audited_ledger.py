"""Each method of the ledger that changes something is recorded by the audit, or it is said why not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shipway import ports
from shipway.actions.audit.recorded import recorded
from shipway.actions.audit.view import as_csv, check, exported, shown
from shipway.actions.environment.locks import READS
from shipway.domain.audit import BEGAN, COMMAND, ENDED, OLDER, Acting, AuditFilter, Entry, Fact, linked
from shipway.domain.errors import GateRefused, Interrupted, NotAllowed, ShipwayError, StepFailed, UsageError
from shipway.domain.renaming import Renaming
from shipway.store import schema
from shipway.store.audited import FACTS, LEFT_OUT
from shipway.store.ledger import SqlLedger
from shipway.store.sqlite import SqliteDatabase
from shipway.system.acting import acting, acting_in_process, acting_in_request
from shipway.system.masked import MaskedLedger
from shipway.system.redact import Redactor
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

METHODS = {name for name in dir(ports.Ledger) if not name.startswith("_")}
UNRECORDED = {name for names in LEFT_OUT for name in names.split()}


def test_each_method_is_recorded_or_it_is_said_why_not() -> None:
    assert not UNRECORDED & FACTS.keys()
    assert FACTS.keys() - READS == METHODS - READS - UNRECORDED
    assert FACTS.keys() | UNRECORDED <= METHODS


def test_a_deployment_is_recorded_with_its_end(tmp_path: Path) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    [found] = [item for item in shown(world.controller(), AuditFilter(), 50) if item.entry.kind == "deployment"]
    assert (found.entry.app, found.entry.environment, found.outcome) == ("shop", "staging", "succeeded")
    assert found.entry.what.startswith("deploy r1")


def test_a_secret_is_named_and_its_value_is_nowhere(tmp_path: Path) -> None:
    world = World(tmp_path)
    secrets = world.secrets(world.ledger)
    secrets.set("shop/staging", "TOKEN", "very-secret-value")
    secrets.remove("shop/staging", "TOKEN")
    chain = list(world.ledger.audit_chain())
    assert [item.what for item in chain if item.subject == "secret TOKEN"] == [
        "set TOKEN, version 1",
        "removed TOKEN, version 2",
    ]
    assert not any("very-secret-value" in str(item) for item in chain)


def test_known_secrets_are_masked_in_what_was_typed(tmp_path: Path) -> None:
    redactor = Redactor({})
    redactor.add({"TOKEN": "very-secret-value"})
    ledger = MaskedLedger(World(tmp_path).ledger, redactor)
    number = ledger.add_entry(Fact(COMMAND, "restart --note=very-secret-value"))
    assert "very-secret-value" not in ledger.audit_entry(number).what


def test_an_older_ledger_says_that_its_past_is_not_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for item in schema.SCRIPTS.glob("*.sql"):
        if int(item.name[:4]) != schema.AUDIT:
            (scripts / item.name).write_bytes(item.read_bytes())
    monkeypatch.setattr(schema, "SCRIPTS", scripts)
    monkeypatch.setattr(schema, "AUDIT", 1)
    monkeypatch.setattr("shipway.store.audit.begin", lambda database, what: None)
    SqlLedger(SqliteDatabase(tmp_path / "old.db", time.time)).close()
    monkeypatch.undo()
    ledger = SqlLedger(SqliteDatabase(tmp_path / "old.db", time.time))
    assert [item.what for item in ledger.audit_chain()] == [OLDER]
    ledger.close()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "succeeded"), (StepFailed("it failed"), "failed"), (NotAllowed("no"), "refused"), (GateRefused("no"), "refused"),
        (Interrupted("stopped"), "interrupted"), (KeyboardInterrupt(), "interrupted"), (SystemExit(0), "succeeded"),
        (SystemExit(), "succeeded"), (SystemExit(3), "failed"), (RuntimeError("?"), "failed"),
    ],
)  # fmt: skip
def test_how_it_ended_is_recorded(tmp_path: Path, error: BaseException | None, outcome: str) -> None:
    ledger = World(tmp_path).ledger
    who = Acting("ada@example.org", "claimed", "ada@laptop")

    def work() -> None:
        with recorded(ledger, who, Fact(COMMAND, "deploy staging", "shop", "staging"), acting_in_process) as number:
            assert acting().entry == number
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(type(error)):
            work()
    end, begun = ledger.audit(AuditFilter(), 2)
    assert (begun.outcome, end.kind, end.outcome, end.part_of) == (BEGAN, ENDED, outcome, begun.number)
    assert acting().actor == ""


def test_a_request_is_of_somebody_else_than_its_process(tmp_path: Path) -> None:
    with acting_in_process(Acting("server")):
        with acting_in_request(Acting("ada@example.org")):
            assert acting().actor == "ada@example.org"
        assert acting().actor == "server"
    made = linked(Fact("run", "", actor="ada@example.org"), Acting("server", "claimed", "root@host"), 1, (1, "x"))
    assert (made.actor, made.proof, made.number) == ("ada@example.org", "told by server", 2)


def test_apps_have_their_present_names(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = world.controller()
    ctx.ledger.add_entry(Fact(COMMAND, "one", "shop", "staging"))
    ctx.ledger.rename(Renaming("shop", "", "store", "ada@example.org", "", 1.0))
    ctx.ledger.rename(Renaming("shop", "staging", "test", "ada@example.org", "", 1.0))
    found = shown(ctx, AuditFilter("store", "test", kind=COMMAND), 10)
    assert [(item.entry.app, item.entry.environment) for item in found] == [("store", "test")]
    assert [item.app for item in exported(ctx, AuditFilter("store", "test", kind=COMMAND))] == ["shop"]


def test_an_export_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = World(tmp_path).controller()
    for number in range(10):
        ctx.ledger.add_entry(Fact(COMMAND, f"{number}"))
    monkeypatch.setattr("shipway.actions.audit.view.EXPORTED", 3)
    assert list(exported(ctx, AuditFilter()))[::-1] == list(ctx.ledger.audit_chain())


def test_a_cell_is_no_formula() -> None:
    entry = Entry(1, 1.0, "=cmd()", "", "", COMMAND, "", "", "", 'say "x", twice', "", 0, "")
    assert as_csv(entry) == '1,1.0,\'=cmd(),,,command,,,,"say ""x"", twice",,0,,'
    assert as_csv(None).startswith("number,at,actor")


@pytest.mark.parametrize("head", ["x", "a" * 63, "g" * 64, "--head"])
def test_a_head_that_is_none_is_refused(tmp_path: Path, head: str) -> None:
    with pytest.raises(UsageError):
        check(World(tmp_path).controller(), head)


def test_no_text_breaks_an_entry(tmp_path: Path) -> None:
    ledger = World(tmp_path).ledger
    number = ledger.add_entry(Fact(COMMAND, "a\x00b\nc\udc80" + "x" * 5000))
    found = ledger.audit_entry(number)
    assert found is not None
    assert found.what.startswith("a b c x")
    assert len(found.what) == 1000


def test_an_end_that_can_not_be_recorded_hides_no_error(tmp_path: Path) -> None:
    ledger = World(tmp_path).ledger

    class Away:
        def add_entry(self, fact: Fact) -> int:
            if fact.kind == ENDED:
                raise ShipwayError("the ledger is away")
            return ledger.add_entry(fact)

    with (
        pytest.raises(StepFailed),
        recorded(Away(), Acting(), Fact(COMMAND, "x"), acting_in_process),  # type: ignore[arg-type]
    ):
        raise StepFailed("it failed")
