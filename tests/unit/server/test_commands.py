"""Commands that the server starts prove for whom they are, as processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.people.delegation import VARIABLE, Delegate
from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, grant
from shipway.actions.people.sign_in import make_link, sign_in_by_link
from shipway.app import open_context
from shipway.cli.output import TerminalReporter
from shipway.context import Context
from shipway.domain.errors import NotAllowed
from shipway.domain.permissions import ADMIN
from shipway.server import commands as module
from shipway.server.commands import Commands

ADA, EVE = "ada@example.org", "eve@example.org"


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    # what the server was started with is not handed on
    monkeypatch.setenv("SHIPWAY_TOKEN", "swt_of_somebody_else")
    monkeypatch.setenv("SHIPWAY_ACTOR", EVE)
    monkeypatch.delenv("SHIPWAY_LEDGER", raising=False)
    with open_context(tmp_path / "home", TerminalReporter(silent=True), actor="server") as found:
        add_person(found, None, ADA)
        grant(found, None, ADA, ADMIN)
        yield found


def test_a_command_acts_for_who_asked_and_for_nobody_else(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOON", 60.0)  # a busy machine starts them late
    commands = Commands(ctx.home, ctx.redactor)
    who = identify(ctx, sign_in_by_link(ctx, make_link(ctx, ADA), "127.0.0.1").secret)
    given = Delegate(ctx).to(who)
    done = commands.answer(ADA, ["user", "add", EVE], given)
    assert done.code == 0, done.output
    assert ctx.ledger.operations("*")[0].actor == ADA
    for person, delegation in ((EVE, given), (ADA, ""), (ADA, "x.y")):
        begun = commands.start(person, ["user", "remove", EVE], delegation)
        assert begun is not None
        assert begun.code == NotAllowed.exit_code, begun.output
        assert given not in begun.output
    assert VARIABLE not in done.output
