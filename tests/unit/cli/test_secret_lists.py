"""`shipway secret list|import|export|copy|edit`: many at once, all or nothing, and no value where none belongs."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from shipway.app import open_context
from shipway.cli.output import TerminalReporter
from shipway.domain.errors import GateRefused, SecretError, UsageError
from tests.unit.cli.secret_home import home_of, run_secret

PLAN = """
app: shop
services:
  web: {image: "nginx:1", secrets: [KEY, {name: TLS_KEY, as: file}]}
  job: {image: "nginx:1", secrets: [KEY, TOKEN]}
environments:
  staging: {url: "http://staging.localhost"}
  production: {url: "http://localhost", after: staging, approvals: 2}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return home_of(PLAN, tmp_path, monkeypatch)


def kept(home: Path, environment: str = "staging") -> dict[str, str | None]:
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        scope = f"shop/{environment}"
        return {name: ctx.secrets.get(scope, name) for name in ctx.secrets.names(scope)}


def put(home: Path, environment: str = "staging", **values: str) -> None:
    for name, value in values.items():
        run_secret(home, "set", environment, name, value=value.encode())


def test_a_list_says_what_is_missing_and_what_nothing_uses(home: Path) -> None:
    put(home, KEY="one", OLD="value")
    found = json.loads(run_secret(home, "list", "staging", "--json").output)
    assert [(item["name"], item["version"], item["used_by"]) for item in found] == [
        ("KEY", 1, ["the plan's service web", "the plan's service job"]),
        ("OLD", 1, []),
        ("TLS_KEY", None, ["the plan's service web"]),
        ("TOKEN", None, ["the plan's service job"]),
    ]
    rows = {line.split()[0]: line for line in run_secret(home, "list", "staging").output.splitlines()}
    assert rows["OLD"].endswith("not used")
    assert "missing" in rows["TOKEN"]
    with pytest.raises(SecretError, match="staging lacks 2 secrets") as caught:
        run_secret(home, "list", "staging", "--missing")
    assert "shipway secret set staging TLS_KEY\n  shipway secret set staging TOKEN" in caught.value.hint
    put(home, TOKEN="t", TLS_KEY="k")
    assert "no secret of staging is missing" in run_secret(home, "list", "staging", "--missing").output


FILE = b"""\
# of the old server
export KEY="two words"
TOKEN='lit $X'
DEBUG=1
TLS_KEY=
"""


def test_an_import_sets_what_the_plan_uses_and_tells_the_rest(home: Path) -> None:
    told = run_secret(home, "import", "staging", "-", value=FILE).output
    assert kept(home) == {"KEY": "two words", "TOKEN": "lit $X"}
    assert "set for staging: KEY, TOKEN" in told
    assert "not set, since the value is blank: TLS_KEY" in told
    assert "used by nothing in the plan, so not set (--all sets them too): DEBUG" in told
    assert "words" not in told
    assert "set to the same value already: KEY, TOKEN" in run_secret(home, "import", "staging", "-", value=FILE).output
    run_secret(home, "import", "staging", "-", "--all", value=FILE)
    assert kept(home)["DEBUG"] == "1"


def test_a_dry_run_sets_nothing(home: Path) -> None:
    assert (
        "would set for staging: KEY, TOKEN"
        in run_secret(home, "import", "staging", "-", "--dry-run", value=FILE).output
    )
    assert kept(home) == {}


def test_a_reference_is_told(home: Path) -> None:
    told = run_secret(home, "import", "staging", "-", value=b"KEY=${BASE}/x\n").output
    assert "names another variable ($NAME), which is not replaced: KEY" in told


@pytest.mark.parametrize(
    ("file", "problems"),
    [
        (b"KEY=1\nno\nTOKEN='x\n", ["line 2: there is no `=` after no", "line 3: its quote ' is never closed"]),
        (b"TOKEN=1\nKEY=a\0b\n", ["line 2: the value of KEY contains a NUL byte"]),
        (b"KEY=1\nKEY=2\n", ["line 2: KEY is set again, after line 1"]),
    ],
)
def test_a_wrong_file_sets_nothing(home: Path, file: bytes, problems: list[str]) -> None:
    with pytest.raises(SecretError, match="nothing was set") as caught:
        run_secret(home, "import", "staging", "-", value=file)
    for problem in problems:
        assert problem in caught.value.message
    assert kept(home) == {}


def test_a_file_that_is_no_text_is_refused(home: Path) -> None:
    with pytest.raises(SecretError, match=r"not UTF-8 text \(byte 5\)"):
        run_secret(home, "import", "staging", "-", value=b"KEY=\xff\n")


def test_what_is_exported_is_imported_elsewhere(home: Path, tmp_path: Path) -> None:
    values = {"KEY": "it's a\nkey\r\n# with $X and `q`", "TOKEN": "plain"}
    put(home, **values)
    told = run_secret(home, "export", "staging", "--to", str(tmp_path / "out.env")).output
    assert "not encrypted: remove it after use" in told
    assert stat.S_IMODE((tmp_path / "out.env").stat().st_mode) == 0o600
    run_secret(home, "import", "production", str(tmp_path / "out.env"))
    assert kept(home, "production") == values
    with pytest.raises(UsageError, match=r"out\.env exists"):
        run_secret(home, "export", "staging", "--to", str(tmp_path / "out.env"))
    with pytest.raises(UsageError, match="not set for staging: NOPE"):
        run_secret(home, "export", "staging", "NOPE")


def test_bytes_are_not_exported_as_text(home: Path, tmp_path: Path) -> None:
    put(home, KEY="one")
    run_secret(home, "set", "staging", "TLS_KEY", value=b"\xff\0")
    with pytest.raises(SecretError, match="can't hold the bytes of TLS_KEY") as caught:
        run_secret(home, "export", "staging", "--to", str(tmp_path / "out.env"))
    assert caught.value.hint == "name the others: shipway secret export staging KEY"
    assert not (tmp_path / "out.env").exists()


def test_a_copy_lists_the_names_to_fill_in(home: Path) -> None:
    put(home, "production", KEY="secret-of-production", TOKEN="other")
    put(home, KEY="mine")
    told = run_secret(home, "copy", "--from", "production", "staging").output
    assert "TOKEN=\n" in told
    assert "KEY=" not in told
    assert "shipway secret import staging FILE" in told
    assert kept(home) == {"KEY": "mine"}
    put(home, TOKEN="t")
    assert (
        "staging has all secrets that production has"
        in run_secret(home, "copy", "--from", "production", "staging").output
    )


def test_values_do_not_reach_an_environment_with_fewer_approvals(home: Path) -> None:
    put(home, "production", KEY="secret-of-production")
    with pytest.raises(GateRefused, match=r"production \(approvals: 2\) were not copied to staging \(approvals: 0\)"):
        run_secret(home, "copy", "--from", "production", "staging", "--values")
    assert kept(home) == {}
    told = run_secret(home, "copy", "--from", "production", "staging", "--values", "--force").output
    assert "copied from production to staging: KEY" in told
    assert "secret-of" not in told
    assert kept(home) == {"KEY": "secret-of-production"}
    put(home, TOKEN="of staging")
    run_secret(home, "copy", "--from", "staging", "production", "--values")
    assert kept(home, "production") == {"KEY": "secret-of-production", "TOKEN": "of staging"}


def test_only_named_ones_are_overwritten(home: Path) -> None:
    put(home, KEY="new", TOKEN="new")
    put(home, "production", KEY="old", TOKEN="old")
    run_secret(home, "copy", "--from", "staging", "production", "KEY", "--values")
    assert kept(home, "production") == {"KEY": "new", "TOKEN": "old"}
    with pytest.raises(UsageError, match="not set for staging: NOPE"):
        run_secret(home, "copy", "--from", "staging", "production", "NOPE", "--values")


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(path))


def test_an_edit_sets_adds_and_removes(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, KEY="one", OLD="value", TOKEN="t")
    editor(
        tmp_path,
        monkeypatch,
        f'cp "$1" {tmp_path}/seen; echo "$1" > {tmp_path}/path; sed -i "s/one/two/; /OLD/d" "$1"; echo NEW=3 >> "$1"',
    )
    told = run_secret(home, "edit", "staging").output
    assert kept(home) == {"KEY": "two", "NEW": "3", "TOKEN": "t"}
    assert (tmp_path / "seen").read_text() == "KEY=one\nOLD=value\nTOKEN=t\n"
    assert not Path((tmp_path / "path").read_text().strip()).parent.exists()
    assert "set for staging: KEY, NEW\nremoved from staging: OLD" in told
    assert "nothing in the plan uses NEW" in told


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ('echo "KEY" > "$1"', "line 1: there is no `=` after KEY"),
        ('echo "KEY= " > "$1"; echo "OLD=new" >> "$1"', "the value of KEY is blank; to remove it, remove the line"),
        ('echo "OLD=new" > "$1"', "KEY was not removed from staging, since it is used"),
        ('printf "KEY=\\377" > "$1"', "can't decode byte"),
    ],
)
def test_a_wrong_edit_changes_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str
) -> None:
    put(home, KEY="one", OLD="value")
    editor(tmp_path, monkeypatch, f'echo "$1" > {tmp_path}/path; {script}')
    with pytest.raises(SecretError, match="nothing was changed") as caught:
        run_secret(home, "edit", "staging")
    assert error in str(caught.value.__cause__)
    assert kept(home) == {"KEY": "one", "OLD": "value"}
    assert not Path((tmp_path / "path").read_text().strip()).parent.exists()


def test_an_editor_that_fails_changes_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, KEY="one")
    editor(tmp_path, monkeypatch, 'echo KEY=two > "$1"; exit 1')
    with pytest.raises(UsageError, match="exited with 1: nothing was changed"):
        run_secret(home, "edit", "staging")
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    with pytest.raises(UsageError, match="can't be started"):
        run_secret(home, "edit", "staging")
    monkeypatch.setenv("EDITOR", "vim 'x")
    with pytest.raises(UsageError, match="has a quote that is never closed"):
        run_secret(home, "edit", "staging")
    monkeypatch.setenv("EDITOR", str(tmp_path / "editor"))
    monkeypatch.setenv("VISUAL", "  ")  # as if it were not set
    with pytest.raises(UsageError):
        run_secret(home, "edit", "staging")
    assert kept(home) == {"KEY": "one"}


def test_an_editor_that_returned_at_once_is_explained(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, KEY="one")
    editor(tmp_path, monkeypatch, "exit 0")
    said = run_secret(home, "edit", "staging").output
    assert "nothing was changed" in said
    assert "EDITOR='code --wait'" in said
    editor(tmp_path, monkeypatch, 'echo KEY=two > "$1"')
    assert "code --wait" not in run_secret(home, "edit", "staging").output
