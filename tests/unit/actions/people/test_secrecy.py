"""What proves who someone is never reaches a message, a record, a log or the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shipway.actions.people.identify import csrf, identify
from shipway.actions.people.manage import add_person, people
from shipway.actions.people.password import set_password
from shipway.actions.people.permitted import recorded
from shipway.actions.people.second_factor import enrol_totp
from shipway.actions.people.sign_in import make_link, sign_in, sign_in_by_link
from shipway.actions.people.tokens import create_token, tokens
from shipway.app import open_context
from shipway.cli.output import TerminalReporter
from shipway.domain.record import to_data
from tests.unit.actions.people.team import ADA, HERE, PASSWORD, Team, cheap, team
from tests.unit.world import Notes

__all__ = ["team"]


@pytest.fixture
def known(team: Team) -> dict[str, str]:
    """All that was made, by what it is."""
    session = team.sign_in()
    token = create_token(team.ctx, None, ADA, "CI", ["see"], 30)
    secret, codes = team.enrol()
    made = {"token": token.secret, "link": make_link(team.ctx, ADA), "hash": team.ctx.ledger.password_hash(ADA)}
    return {**made, "session": session.secret, "secret": secret, "code": codes[0], "password": PASSWORD}


def test_the_ledger_has_none_of_them(team: Team, known: dict[str, str]) -> None:
    """But the hash, in one column."""
    query = team.ctx.ledger._db.query  # type: ignore[attr-defined]
    whole = []
    for (table,) in query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        rows = query(f"SELECT * FROM {table}")
        whole += [row[:1] + row[2:] for row in rows] if table == "people" else rows
    for what, value in known.items():
        assert value not in str(whole), what
        assert value.partition("_")[2] not in str(whole) or "_" not in value, what


def test_lists_and_objects_have_none_of_them(team: Team, known: dict[str, str]) -> None:
    by = team.ctx.ledger.session_of(_digest(known["session"]))
    link = sign_in_by_link(team.ctx, known["link"], HERE)
    made = create_token(team.ctx, None, ADA, "CI", ["see"], 30)
    enrolment = enrol_totp(team.ctx, identify(team.ctx, link.secret))
    shown = [repr(item) for item in (by, link, made, enrolment, identify(team.ctx, known["token"]), people(team.ctx))]
    shown += [json.dumps(to_data(item)) for item in (people(team.ctx), tokens(team.ctx), by)]
    text = "\n".join(shown)
    for value in (*known.values(), link.secret, made.secret, enrolment.secret):
        assert value not in text
        assert _digest(value) not in text


def test_the_redactor_knows_what_is_shown_or_used(team: Team, known: dict[str, str]) -> None:
    for what in ("token", "link", "hash", "code"):
        assert known[what] not in team.ctx.redactor.text(f"header {known[what]} end"), what
    assert known["token"] not in team.ctx.redactor.text(f"https://x/?t={known['token']}&b")
    assert known["token"] in team.other.redactor.text(known["token"]), "it hasn't made it"
    identify(team.other, known["token"])
    assert known["token"] not in team.other.redactor.text(known["token"])


def test_no_report_or_record_of_a_process_has_them(tmp_path: Path) -> None:
    """And what it masks there, it still keeps and finds as it is."""
    lines: list[str] = []
    with open_context(tmp_path, Notes(lines), actor=ADA) as ctx:
        add_person(ctx, None, ADA)
        for password in (PASSWORD, "another long password"):
            set_password(ctx, cheap(), None, ADA, password)
        made = create_token(ctx, None, ADA, "CI", ["see"], 30)
        link, hash = make_link(ctx, ADA), ctx.ledger.password_hash(ADA)
        assert hash.startswith("$argon2id$")
        sign_in(ctx, cheap(), ADA, "another long password", "", HERE)
        assert identify(ctx, made.secret).person == ADA
        with recorded(ctx, None, "user", ADA, f"with {made.secret}, {link} and {hash}"):
            for secret in (made.secret, link, hash):
                ctx.reporter.note(f"the value is {secret}")
                ctx.reporter.line("step", f'{{"value": "{secret}"}}')
        detail = ctx.ledger.operations("shop")[0].detail
    assert detail == "with «token», «sign-in link» and «password hash»"
    assert len(lines) == 6
    assert not [line for line in lines for secret in (made.secret, link, hash) if secret in line]


def test_what_a_form_has_does_not_reveal_the_session(known: dict[str, str]) -> None:
    assert known["session"] not in csrf(known["session"])
    assert csrf(known["session"]) != _digest(known["session"])


def test_of_two_processes_with_one_link_one_is_signed_in(team: Team, tmp_path: Path) -> None:
    """They begin at the same moment."""
    code = """
import sys
from pathlib import Path
from shipway.actions.people.identify import identify
from shipway.actions.people.sign_in import sign_in_by_link
from shipway.app import open_context
from shipway.cli.output import TerminalReporter
from shipway.domain.errors import NotSignedIn
with open_context(Path(sys.argv[1]), TerminalReporter(silent=True), actor="x") as ctx:
    print("ready", flush=True)
    link = sys.stdin.readline().strip()
    try: print(identify(ctx, sign_in_by_link(ctx, link, "192.0.2.7").secret).person)
    except NotSignedIn as error: print(error)
"""
    with open_context(tmp_path, TerminalReporter(silent=True), actor="x") as ctx:
        link = make_link(ctx, ADA)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    with closing(team.ctx.ledger):
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{link}\n")
            process.stdin.flush()
        said = [process.communicate()[0].strip() for process in processes]
    assert sorted(said) == [ADA, "this sign-in link was used, or has expired"]


def _digest(secret: str) -> str:
    import hashlib

    return hashlib.sha256(secret.encode()).hexdigest()
