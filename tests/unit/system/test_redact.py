"""No secret in what is written: every spelling, broken lines, colours in between, and every writer."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import random
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.domain.release import SUCCEEDED, Approval, Evidence, Trigger
from shipway.domain.run import StepResult
from shipway.store import open_ledger
from shipway.system.masked import KnownSecrets, MaskedLedger, MaskedReporter
from shipway.system.plain import plain
from shipway.system.redact import Lines, Redactor
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE
from tests.unit.world import Notes

SECRET = 'pä$s/w?rd "it\'s" <&> 100%\\x'
WORD = "hunter2-Kx9vQz41"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": quote,
    "percent, all": lambda value: quote(value, safe=""),
    "percent in lower case": lambda value: (
        quote(value, safe="").replace("%C3%A4", "%c3%a4").lower() if value.islower() else quote(value, safe="")
    ),
    "form": quote_plus,
    "json": lambda value: json.dumps(value),
    "json as it is": lambda value: json.dumps(value, ensure_ascii=False),
    "json of php": lambda value: json.dumps(value).replace("/", "\\/"),
    "shell": shlex.quote,
    "shell, backslashes": lambda value: "".join(
        sign if sign.isalnum() or sign in "_@%+=:,./-" else "\\" + sign for sign in value
    ),
    "html": lambda value: html.escape(value),
    "html of jinja": lambda value: html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 of user:password": lambda value: base64.b64encode(b"ada:" + value.encode()).decode(),
    "base64, one before and some behind": lambda value: base64.b64encode(b"x" + value.encode() + b" and more").decode(),
    "base64, two before": lambda value: base64.b64encode(b"xy" + value.encode() + b"\n").decode(),
    "base64url": lambda value: base64.urlsafe_b64encode(b"a:" + value.encode() + b"?").decode(),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: b"ab".hex() + value.encode().hex().upper(),
    "utf-16": lambda value: value.encode("utf-16-le").decode("latin-1") if value.isascii() else value,
    "base64 of utf-16": lambda value: base64.b64encode(value.encode("utf-16-le")).decode(),
    "in colours": lambda value: f"\x1b[1m{value[:3]}\x1b[0m\x1b[31m{value[3:]}\x1b[0m",
    "with controls in it": lambda value: value[:4] + "\x00\x08\u202e" + value[4:],
}


@pytest.mark.parametrize("value", [SECRET, WORD])
@pytest.mark.parametrize("how", SPELLINGS)
def test_every_spelling_is_masked(how: str, value: str) -> None:
    spelled = SPELLINGS[how](value)
    shown = Redactor({"KEY": value}).line(f"before {spelled} after")
    assert "«KEY»" in shown
    core = plain(spelled).strip("'\"=")[3:-3]
    assert core not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize("value", ["postgres://ada:hunter2-x@db:5432/shop", "ada:hunter2-x"])
def test_the_password_in_an_address_or_a_pair_is_masked_alone(value: str) -> None:
    redactor = Redactor({"DATABASE_URL": value})
    assert (
        redactor.line("password authentication failed with hunter2-x")
        == "password authentication failed with «DATABASE_URL»"
    )


@pytest.mark.parametrize("width", [12, 30, 60, 76])
@pytest.mark.parametrize("how", ["raw", "base64", "hex"])
def test_a_secret_that_is_broken_over_lines_is_masked(how: str, width: int) -> None:
    value = "".join(random.Random(7).choices("abcdefghijkmnopqrstuvwxyz0123456789-_", k=180))
    spelled = SPELLINGS[how](value)
    pieces = [spelled[at : at + width] for at in range(0, len(spelled), width)]
    shown = Redactor({"KEY": value}).text("key: " + "\n    ".join(pieces) + "\nafter it")
    assert shown.splitlines()[-1] == "after it"
    assert not [at for at in range(len(spelled) - 8) if spelled[at : at + 8] in shown]


def test_a_secret_that_is_wrapped_at_its_hyphens_is_masked() -> None:
    value = "9b1c7f0a-4d-3e2f-8a-0c5d6e7f8a9b-1-2-3-4-5-6-7-8-9-0-abcdef"
    shown = Redactor({"KEY": value}).text("\n".join(textwrap.wrap(value, 14)))
    assert set(shown.splitlines()) == {"«KEY»"}


def test_a_line_that_only_ends_as_a_secret_begins_leaves_the_next_one_alone() -> None:
    lines = Lines(Redactor({"KEY": "abcdefghijklmnopqrstuvwxyz"}))
    assert [lines.line(text) for text in ("ends with abcdef", "other", "ghijklmnop", "")] == [
        "ends with abcdef",
        "other",
        "ghijklmnop",
        "",
    ]


VALUE = "abcdefghijklmnopqrstuvwxyz"
PIECES = st.sampled_from(
    ["", " ", "x", "\x1b[1m", "\u2028", VALUE, VALUE[:5], VALUE[:14], VALUE[5:], VALUE[14:], "short", "words here"]
)


@given(
    lines=st.lists(st.lists(PIECES, max_size=3).map("".join), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=3),
)
def test_many_lines_at_a_time_are_masked_as_one_by_one(lines: list[str], cuts: list[int]) -> None:
    redactor = Redactor({"KEY": VALUE, "PIN": "short", "LINES": "first line\nsecond line"})
    one, many, found = Lines(redactor), Lines(redactor), []
    edges = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    for begin, end in pairwise(edges):
        found += many.lines(lines[begin:end])
    assert found == [one.line(line) for line in lines]


SIGNS = st.characters(min_codepoint=33, exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"))


@given(st.text(SIGNS, min_size=8, max_size=40), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_whatever_the_value_it_is_nowhere_in_the_text(value: str, before: str, after: str) -> None:
    text = Redactor({"": value}).text(f"{before} {value} {after}")
    assert value not in text.replace("«»", "")


@given(st.text())
@settings(max_examples=150, deadline=None)
def test_no_terminal_finds_an_order_in_it(text: str) -> None:
    shown = plain(f"\x1b]0;title\x07{text}\x1b[8mhidden\x9b31m")
    assert not [sign for sign in shown if (ord(sign) < 32 and sign not in "\t\n") or 127 <= ord(sign) < 160]
    assert (
        shown.endswith("hidden") or "\x1b" in text or "\x90" in text or any("\x80" <= sign <= "\x9f" for sign in text)
    )


def test_a_short_line_of_a_value_stays_a_word() -> None:
    assert Redactor({"KEY": "first-line\r\nnext\r\n"}).line("the next one: first-line") == "the next one: «KEY»"


def test_a_line_of_any_length_is_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.system.redact.PIECE", 64)
    for before in range(130):
        shown = Redactor({"KEY": WORD}).line("." * before + WORD + "." * 200)
        assert shown == "." * before + "«KEY»" + "." * 200


def test_a_large_value_costs_little() -> None:
    redactor = Redactor({"BIG": "k" * 65536})
    assert redactor.line("x" + "k" * 65536) == "x«BIG»"
    assert redactor.line("k" * 100) == "«BIG»"


def test_the_ledger_keeps_no_secret(tmp_path: Path) -> None:
    ledger: Any = MaskedLedger(open_ledger(tmp_path / "ledger.db"), Redactor({"KEY": WORD}))
    run = ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), 1.0)
    ledger.begin_step(run, "unit", "key", 1.0)
    ledger.end_step(
        run,
        "unit",
        SUCCEEDED,
        2.0,
        StepResult(tests=WORD, image="r/web", proof={"why": [f"x {WORD}"]}),
        f"says {WORD}",
    )
    release = ledger.add_release(dataclasses.replace(RELEASE, subject=f"fix {WORD}"))
    deployment = ledger.begin_deployment(dataclasses.replace(DEPLOYMENT, reason=f"because {WORD}"))
    ledger.end_deployment(deployment, "failed", 12.0, None, f"GET /: 500: {WORD}")
    ledger.add_approval(Approval("shop", "staging", 1, "sha256:1", "eve@example.org", WORD, 1.0))
    ledger.add_evidence(
        Evidence("shop", 1, "staging", "proof", "", True, json.dumps({"verdict": "SAFE", "log": [f'a "{WORD}"']}), 1.0)
    )
    ledger.acquire("shop/staging", "ada", f"deploy {WORD}", 15.0)
    assert release.images == RELEASE.images
    ledger.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert WORD.encode() not in kept
    assert kept.count("«KEY»".encode()) + kept.count(b"\\u00abKEY") >= 8
    again = open_ledger(tmp_path / "ledger.db")
    assert json.loads(again.evidence("shop", 1)[0].detail) == {"verdict": "SAFE", "log": ['a "«KEY»"']}
    again.close()


def test_what_is_compared_when_it_is_read_again_stays(tmp_path: Path) -> None:
    ledger: Any = MaskedLedger(open_ledger(tmp_path / "ledger.db"), Redactor({"PIN": "2024"}))
    proof = {
        "app": "shop",
        "schema_before": "20240101_users",
        "schema_after": "20240102_mail",
        "digest": "sha256:2024",
        "why": "says 2024",
    }
    ledger.add_release(RELEASE)
    ledger.add_evidence(Evidence("shop", 1, "staging", "proof", "", True, json.dumps(proof), 1.0))
    assert json.loads(ledger.evidence("shop", 1)[0].detail) == {**proof, "why": "says «PIN»"}
    ledger.close()


def test_a_reporter_and_whoever_reads_a_secret() -> None:
    redactor, notes = Redactor({}), list[str]()

    class Store:
        def get(self, scope: str, name: str, version: int | None = None) -> str:
            return WORD

    assert KnownSecrets(Store(), redactor).get("shop/staging", "accessory:db") == WORD
    reporter = MaskedReporter(Notes(notes), redactor)
    reporter.heading(WORD)
    reporter.begin("unit", WORD)
    reporter.line("unit", f"\x1b[2J{WORD}")
    reporter.end("unit", "failed", 1.0, WORD)
    reporter.note(WORD)
    assert WORD not in "".join(notes)
    assert "".join(notes).count("«db password»") == 5
    assert "\x1b" not in "".join(notes)


TALKS = """
import sys
from shipway.cli import output
from shipway.system.redact import of_process
output.guard_streams()
of_process().add({"KEY": "hunter2-Kx9vQz41"})
output.say(output.style("hunter2-Kx9vQz41", "red") + " \\x1b[8mand \\x1b]0;x\\x07that")
output.table([["hunter2-Kx9vQz41", "a\\nb"]], ["name", "value"])
sys.stderr.write("library: hunter2-Kx9vQz41\\n")
raise RuntimeError("hunter2-Kx9vQz41")
"""


def test_no_writer_of_a_process_can_bypass_it() -> None:
    env = {"FORCE_COLOR": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", TALKS], capture_output=True, text=True, env=env, check=False)
    assert WORD not in done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "\x1b[31m«KEY»\x1b[0m and that"
    assert "library: «KEY»" in done.stderr
    assert "RuntimeError: «KEY»" in done.stderr
    plain_done = subprocess.run(
        [sys.executable, "-c", TALKS], capture_output=True, text=True, env={"NO_COLOR": "1"}, check=False
    )
    assert "\x1b" not in plain_done.stdout
    assert "⟦" not in plain_done.stdout


def test_a_password_is_masked_in_an_address_that_is_encoded_as_a_whole() -> None:
    password = "p@ss/w:rd%&0f1e2d3c"
    address = f"postgresql://shop:{quote(password, safe='')}@db:5432/shop".encode()
    redactor = Redactor({"PASSWORD": password})
    for text in (
        address.hex(),
        address.hex().upper(),
        base64.b64encode(address).decode(),
        base64.b64encode(b"x" + address).decode(),
    ):
        assert "«PASSWORD»" in redactor.line(text)
