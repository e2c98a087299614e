"""`shipway signing` and `shipway sbom`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway.cli import cli
from shipway.domain.errors import SbomError, SecretError, ShipwayError, UsageError
from shipway.domain.provenance import ImageSbom
from shipway.store import open_ledger
from shipway.system import signing
from tests.unit.domain import samples
from tests.unit.domain.test_packages import SSL, document

NEWER = {**SSL, "version": "3.0.2"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two releases, of whose images the backend's are known."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHIPWAY_LEDGER", raising=False)
    (tmp_path / "home").mkdir()
    ledger = open_ledger(tmp_path / "home" / "ledger.db")
    for number, package in ((1, SSL), (2, NEWER)):
        made = samples.release(number)
        ledger.add_release(made)
        ledger.add_image_sbom(ImageSbom("shop", made.images["backend"], "syft 1.0", document(package), 1.0))
    ledger.close()
    return tmp_path


def run(home: Path, *words: str, given: str = "") -> Result:
    return CliRunner().invoke(
        cli, ["--home", str(home / "home"), "--as", "ada@example.org", *words, "--app", "shop"], input=given
    )  # fmt: skip


def audit(home: Path) -> str:
    return CliRunner().invoke(cli, ["--home", str(home / "home"), "audit", "--json", "--kind", "command"]).output


def test_a_key_from_its_making_to_its_end(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(run(home, "signing", "show").exception, UsageError)
    made = run(home, "signing", "create")
    assert made.exit_code == 0
    public = run(home, "signing", "show").output
    assert public in made.output
    assert "PRIVATE" not in made.output
    capfd.readouterr()
    run(home, "signing", "show", "--private")
    private = capfd.readouterr().out
    [shown] = [item for item in json.loads(audit(home)) if item["what"].startswith("signing show")]
    assert "--private" in shown["what"]
    assert signing.public_of(private) == public
    [key] = json.loads(run(home, "signing", "list", "--json").output)
    assert key["id"] == signing.key_id(public)
    assert private not in (home / "home" / "ledger.db").read_bytes().decode("latin-1")
    theirs = signing.new_key()
    (home / "theirs.pub").write_text(signing.public_of(theirs))
    assert run(home, "signing", "import", "theirs.pub").exit_code == 0
    listed = run(home, "signing", "list").output
    assert [line.split()[1] for line in listed.splitlines()[1:]] == ["signs", "counts"]
    assert run(home, "signing", "import", "-", given=theirs).exit_code == 0
    listed = run(home, "signing", "list").output
    assert [line.split()[1] for line in listed.splitlines()[1:]] == ["counts", "signs"]
    assert "--reason" in run(home, "signing", "revoke", key["id"]).output
    assert run(home, "signing", "revoke", key["id"][:5], "--reason", "lost").exit_code == 0
    assert "revoked" in run(home, "signing", "list").output
    assert isinstance(run(home, "signing", "show", key["id"], "--private").exception, SecretError)


def test_a_key_with_a_passphrase(home: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"horse")
    )  # fmt: skip
    (home / "key.pem").write_bytes(locked)
    assert isinstance(run(home, "signing", "import", "key.pem").exception, SecretError)
    assert isinstance(run(home, "signing", "import", "key.pem", "--passphrase", given="wrong\n").exception, SecretError)
    assert run(home, "signing", "import", "key.pem", "--passphrase", given="horse\n").exit_code == 0


def test_packages(home: Path) -> None:
    output = run(home, "sbom", "r1").output
    assert "openssl" in output
    assert "frontend: no SBOM was made" in output
    assert "frontend" not in run(home, "sbom", "r1", "backend").output
    assert json.loads(run(home, "sbom", "r1", "backend", "--format", "cyclonedx").output)["bomFormat"] == "CycloneDX"
    assert json.loads(run(home, "sbom", "r1", "backend", "--format", "spdx").output)["spdxVersion"] == "SPDX-2.3"


def test_what_differs(home: Path) -> None:
    output = run(home, "sbom", "r2", "--against", "r1").output
    assert "backend: 0 added, 0 removed, 1 changed" in output
    assert "frontend: no SBOM was made of" in output
    [found] = json.loads(run(home, "sbom", "r2", "backend", "--against", "r1", "--json").output)
    assert found["changes"]["changed"] == [{"name": "openssl", "kind": "deb", "before": "3.0.1", "after": "3.0.2"}]
    assert "the images are the same" in run(home, "sbom", "r1", "--against", "r1").output


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("r1", "worker"), SbomError),
        (("r1", "worker", "--format", "spdx"), SbomError),
        (("r1", "nothing"), UsageError),
        (("r7",), UsageError),
        (("r1", "--format", "spdx"), UsageError),
        (("r1", "backend", "--format", "spdx", "--against", "r2"), UsageError),
    ],
)
def test_what_can_not_be_shown(home: Path, words: tuple[str, ...], error: type[ShipwayError]) -> None:
    done = run(home, "sbom", *words)
    assert isinstance(done.exception, error)
