"""Providers of secrets: each against its real counterpart where one can be had, else against a stand-in.

| driver | counterpart |
|---|---|
| age | pyrage itself |
| sops | a stand-in of the program: `test_secrets_of_sops.py` |
| command | a program |
| environment | variables |
| vault | a stand-in after the published API |
| aws | moto: `test_secrets_of_aws.py` |
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from shipway.domain import dotenv
from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import SecretSource
from shipway.domain.secret_value import as_bytes
from shipway.drivers.secret_provider.command import Command
from shipway.drivers.secret_provider.operator import FILE, Operator
from shipway.drivers.secret_provider.variables import Variables, prefix
from shipway.drivers.secret_provider.vault import Vault
from shipway.testing.secrets_provider import VALUE, Lab, MemoryProvider, SecretsProviderSuite
from shipway.testing.vault_server import VaultServer
from tests.unit.certificates import certificate

SCOPE = "shop/production"


def settings(home: Path, text: str) -> None:
    """The operator's file."""
    home.mkdir(exist_ok=True)
    (home / FILE).write_text(text)
    (home / FILE).chmod(0o600)


class TestMemory(SecretsProviderSuite):
    @pytest.fixture
    def lab(self) -> Lab:
        memory = MemoryProvider()

        def fail() -> None:
            memory.error = SecretUnavailable("it can't be reached", hint="try again")

        return Lab(memory.write, lambda: memory, fail, fail, fail, binary=True)


class TestVariables(SecretsProviderSuite):
    @pytest.fixture
    def lab(self) -> Lab:
        environ: dict[str, str] = {"KEY": "not this", "SHIPWAY_SECRET__SHOP__STAGING__KEY": "nor this"}

        def write(values: Mapping[str, str]) -> None:
            environ.update({f"SHIPWAY_SECRET__SHOP__PRODUCTION__{key}": value for key, value in values.items()})

        return Lab(
            write, lambda: Variables(SecretSource("environment"), Operator(Path("/"), SCOPE, environ)), versions=False, binary=True
        )  # fmt: skip

    def test_other_environments_and_other_variables_are_out_of_reach(self, lab: Lab) -> None:
        assert lab.open().fetch(["KEY", "PATH"]) == {}

    @pytest.mark.parametrize(
        ("scope", "key", "problem"),
        [
            ("shop/staging--eu", "KEY", "the environment 'staging--eu' has no variable of its own"),
            ("shop--eu/staging", "KEY", "the app 'shop--eu' has no variable of its own"),
            ("shop/été", "KEY", "the environment 'été' has no variable of its own"),
            ("shop/staging", "db/key", "no variable's name can end in 'db/key'"),
        ],
    )
    def test_a_name_that_is_not_clear_is_refused(self, scope: str, key: str, problem: str) -> None:
        with pytest.raises(SecretError, match=problem) as raised:
            Variables(SecretSource("environment"), Operator(Path("/"), scope, {})).fetch([key])
        assert "use another name" in raised.value.hint

    def test_no_two_environments_share_a_variable(self) -> None:
        """Else a plan could name the other one's: `EU__KEY` of staging."""
        parts = ["shop", "shop-eu", "eu-shop", "a", "b", "a-b", "a-b-c", "b-c"]
        keys = ["KEY", "EU__KEY", "_KEY", "__KEY", "B__KEY", "C__KEY"]
        found = [f"{prefix(f'{app}/{name}')}{key}" for app in parts for name in parts for key in keys]
        assert len(set(found)) == len(found)


PROGRAM = """\
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
state = (folder / "state").read_text()
if state == "hang":
    time.sleep(60)
if state == "half":
    value = (folder / sys.argv[2]).read_text()
    print(value)
    sys.exit(f"[ERROR] {value} was read, and then the session expired")
if state != "ok":
    sys.exit("[ERROR] session expired, sign in again")
file = folder / sys.argv[2]
if not file.exists():
    sys.exit(3)
sys.stdout.buffer.write(file.read_bytes() + b"\\n")
"""


class TestCommand(SecretsProviderSuite):
    @pytest.fixture
    def lab(self, tmp_path: Path) -> Lab:
        store = tmp_path / "store"
        store.mkdir()
        (store / "state").write_text("ok")
        (tmp_path / "program.py").write_text(PROGRAM)
        self.allow(tmp_path, sys.executable)

        def write(values: Mapping[str, str]) -> None:
            for key, value in values.items():
                (store / key).write_bytes(as_bytes(value))

        def hang() -> None:
            (store / "state").write_text("hang")
            self.allow(tmp_path, sys.executable, timeout=2)

        return Lab(
            write, lambda: Command(SecretSource("command", "store"), Operator(tmp_path / "home", SCOPE, dict(os.environ))),
            hang, lambda: (store / "state").write_text("no"), lambda: (store / "state").write_text("no"),
            versions=False, binary=True,
        )  # fmt: skip

    def allow(self, folder: Path, program: str, allowed: str = "shop/*", timeout: int = 60) -> None:
        settings(
            folder / "home",
            f'[command.store]\nrun = ["{program}", "{folder}/program.py", "{folder}/store", "{{key}}"]\n'
            f'for = ["{allowed}"]\nmissing = [3]\ntimeout = {timeout}\n',
        )

    def test_only_what_the_operator_lists_is_run(self, lab: Lab, tmp_path: Path) -> None:
        lab.write({"KEY": VALUE})
        operator = Operator(tmp_path / "home", SCOPE, dict(os.environ))
        with pytest.raises(SecretError, match="has no command 'rm'"):
            Command(SecretSource("command", "rm"), operator).fetch(["KEY"])
        self.allow(tmp_path, sys.executable, "blog/*")
        with pytest.raises(SecretError, match="not allowed for shop/production"):
            lab.open().fetch(["KEY"])
        (tmp_path / "home" / FILE).chmod(0o666)
        with pytest.raises(SecretError, match="can be read or changed by other users"):
            lab.open().fetch(["KEY"])
        (tmp_path / "home" / FILE).unlink()
        (tmp_path / "home" / FILE).symlink_to(tmp_path / "program.py")
        with pytest.raises(SecretError, match="can't be read"):
            lab.open().fetch(["KEY"])

    def test_a_key_is_one_argument_and_no_shell_sees_it(self, lab: Lab, tmp_path: Path) -> None:
        assert lab.open().fetch(["$(touch hacked)"]) == {}
        assert not (Path.home() / "hacked").exists()

    def test_a_value_that_was_printed_before_it_failed_is_not_shown(self, lab: Lab, tmp_path: Path) -> None:
        lab.write({"KEY": "a-value-that-nobody-sees"})
        (tmp_path / "store" / "state").write_text("half")
        with pytest.raises(SecretUnavailable, match="«output» was read, and then") as caught:
            lab.open().fetch(["KEY"])
        assert "nobody" not in str(caught.value)

    def test_a_missing_program(self, lab: Lab, tmp_path: Path) -> None:
        self.allow(tmp_path, "/nosuch/op")
        with pytest.raises(SecretError, match="/nosuch/op can't be started"):
            lab.open().fetch(["KEY"])


class TestVault(SecretsProviderSuite):
    @pytest.fixture
    def server(self) -> VaultServer:
        return VaultServer()

    @pytest.fixture
    def environ(self) -> dict[str, str]:
        return {"VAULT_TOKEN": "hvs.the-token"}

    @pytest.fixture
    def lab(self, server: VaultServer, environ: dict[str, str], tmp_path: Path) -> Iterator[Lab]:
        server.tokens["hvs.the-token"] = time.time() + 600
        with server.serving() as address:
            environ.setdefault("VAULT_ADDR", address)
            source = SecretSource("vault", address, "secret/shop/production")

            def unreachable() -> None:
                nonlocal source
                environ["VAULT_ADDR"] = "http://127.0.0.1:9"
                source = SecretSource("vault", "http://127.0.0.1:9", "secret/shop/production")

            yield Lab(
                lambda values: server.write("shop/production", **values),
                lambda: Vault(source, Operator(tmp_path, SCOPE, environ)), unreachable,
                lambda: server.denied.add("shop/production"), lambda: server.tokens.clear(), hidden=("hvs.the-token",),
            )  # fmt: skip

    def test_fields_of_secrets_below_the_path(self, lab: Lab, server: VaultServer) -> None:
        server.write("shop/production/db", password=VALUE)
        found = lab.open().fetch(["db#password", "db#nosuch", "nosuch#password"])
        assert {key: (item.value, item.version) for key, item in found.items()} == {"db#password": (VALUE, "1")}

    def test_a_deleted_secret_is_missing(self, lab: Lab, server: VaultServer) -> None:
        lab.write({"KEY": VALUE})
        server.delete("shop/production")
        assert lab.open().fetch(["KEY"]) == {}

    def test_an_approle_gets_a_token_of_its_own(
        self, lab: Lab, server: VaultServer, environ: dict[str, str], tmp_path: Path
    ) -> None:
        lab.write({"KEY": VALUE})
        server.roles["shipway"] = "the-secret-id"
        (tmp_path / "secret-id").write_text("the-secret-id\n")
        address = environ.pop("VAULT_ADDR")
        settings(tmp_path, f'[vault."{address}"]\nrole_id = "shipway"\nsecret_id_file = "{tmp_path}/secret-id"\n')
        assert lab.open().fetch(["KEY"])["KEY"].value == VALUE
        assert server.requests[-1][2] == "s.shipway"
        (tmp_path / "secret-id").write_text("another\n")
        with pytest.raises(SecretError, match="refuses the AppRole login") as caught:
            lab.open().fetch(["KEY"])
        assert "another" not in str(caught.value)

    def test_no_token_goes_to_an_address_that_only_a_plan_names(
        self, lab: Lab, server: VaultServer, environ: dict[str, str]
    ) -> None:
        environ["VAULT_ADDR"] = "https://vault.example:8200"
        with pytest.raises(SecretError, match="this machine has no credentials for") as caught:
            lab.open().fetch(["KEY"])
        assert "VAULT_ADDR" in caught.value.hint
        assert server.requests == []

    def test_a_redirect_is_not_followed(self, lab: Lab, server: VaultServer) -> None:
        other = VaultServer()
        with other.serving() as address:
            server.redirect = f"{address}/v1/secret/data/shop/production"
            with pytest.raises(SecretError, match="HTTP status 307"):
                lab.open().fetch(["KEY"])
        assert other.requests == []

    def test_the_certificate_is_checked(self, tmp_path: Path) -> None:
        files, server = certificate(tmp_path, "IP:127.0.0.1"), VaultServer()
        server.tokens["hvs.the-token"] = time.time() + 600
        server.write("shop/production", KEY=VALUE)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(files.certificate, files.key)
        with server.serving(tls=tls) as address:
            environ = {"VAULT_ADDR": address, "VAULT_TOKEN": "hvs.the-token"}
            source = SecretSource("vault", address, "secret/shop/production")
            with pytest.raises(SecretUnavailable, match="can't be reached"):
                Vault(source, Operator(tmp_path, SCOPE, environ)).fetch(["KEY"])
            assert server.requests == []
            environ["VAULT_CACERT"] = str(files.certificate)
            assert Vault(source, Operator(tmp_path, SCOPE, environ)).fetch(["KEY"])["KEY"].value == VALUE

    def test_answers_that_are_none(self, lab: Lab, server: VaultServer) -> None:
        server.sealed = True
        with pytest.raises(SecretError, match="sealed"):
            lab.open().fetch(["KEY"])
        server.sealed, server.broken = False, True
        lab.write({"KEY": VALUE})
        with pytest.raises(SecretError, match="does not answer as Vault does"):
            lab.open().fetch(["KEY"])
        server.broken = False
        server.write("shop/production", KEY=["no", "text"])
        with pytest.raises(SecretError, match=r"KEY of .* is not a text"):
            lab.open().fetch(["KEY"])


class TestAge(SecretsProviderSuite):
    @pytest.fixture
    def lab(self, tmp_path: Path) -> Lab:
        from shipway.drivers.secret_provider.age import IDENTITY, Age, AgeFile, create_identity, encrypt, own_recipients

        create_identity(Operator(tmp_path, SCOPE))
        recipients = tuple(own_recipients(Operator(tmp_path, SCOPE)))
        content = [b""]

        def write(values: Mapping[str, str]) -> None:
            text = "".join(f"{dotenv.render(name, value)}\n" for name, value in values.items())
            content[0] = encrypt(AgeFile(SCOPE, recipients, text))

        def another_identity() -> None:
            (tmp_path / IDENTITY).unlink()
            create_identity(Operator(tmp_path, SCOPE))

        return Lab(
            write, lambda: Age(SecretSource("age", "secrets.age"), Operator(tmp_path, SCOPE, {}, content[0])),
            None, another_identity, lambda: (tmp_path / IDENTITY).unlink(),
        )  # fmt: skip

    def test_a_file_that_was_copied_to_another_environment_is_refused(self, lab: Lab, tmp_path: Path) -> None:
        from shipway.drivers.secret_provider.age import Age, AgeFile, encrypt, own_recipients

        recipients = tuple(own_recipients(Operator(tmp_path, SCOPE)))
        content = encrypt(AgeFile(SCOPE, recipients, f"KEY={VALUE.replace(' ', '-')}\n"))
        copied = Age(SecretSource("age", "staging.age"), Operator(tmp_path, "shop/staging", {}, content))
        with pytest.raises(SecretError, match="has the secrets of shop/production, not of shop/staging"):
            copied.fetch(["KEY"])

    def test_the_identity_of_a_variable_and_of_a_file(self, lab: Lab, tmp_path: Path) -> None:
        from shipway.drivers.secret_provider.age import IDENTITY, Age, identities

        lab.write({"KEY": VALUE})
        content = lab.open()._operator.content  # type: ignore[attr-defined]
        text = (tmp_path / IDENTITY).read_text()
        source = SecretSource("age", "secrets.age")
        for given in (text.splitlines()[-1], str(tmp_path / IDENTITY)):
            operator = Operator(Path("/nosuch"), SCOPE, {"SHIPWAY_AGE_IDENTITY": given}, content)
            assert Age(source, operator).fetch(["KEY"])["KEY"].value == VALUE
        (tmp_path / IDENTITY).chmod(0o644)
        with pytest.raises(SecretError, match="can be read by other users"):
            lab.open().fetch(["KEY"])
        with pytest.raises(SecretError, match="no valid age identity"):
            identities(Operator(tmp_path, SCOPE, {"SHIPWAY_AGE_IDENTITY": "AGE-SECRET-KEY-1NO"}))

    def test_an_ssh_key_is_an_identity_too(self, tmp_path: Path) -> None:
        from shipway.drivers.secret_provider.age import Age, AgeFile, encrypt

        key = tmp_path / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = " ".join((tmp_path / "id_ed25519.pub").read_text().split()[:2])
        content = encrypt(AgeFile(SCOPE, (public,), "KEY=value-by-ssh\n"))
        operator = Operator(tmp_path, SCOPE, {"SHIPWAY_AGE_IDENTITY": str(key)}, content)
        assert Age(SecretSource("age", "secrets.age"), operator).fetch(["KEY"])["KEY"].value == "value-by-ssh"

    @pytest.mark.parametrize("content", [b"", b"KEY=plain\n", b"age-encryption.org/v1\n-> X25519 junk\n"])
    def test_what_is_no_file_of_age(self, lab: Lab, tmp_path: Path, content: bytes) -> None:
        from shipway.drivers.secret_provider.age import Age

        with pytest.raises(SecretError, match=r"secrets\.age can't be decrypted"):
            Age(SecretSource("age", "secrets.age"), Operator(tmp_path, SCOPE, {}, content)).fetch(["KEY"])
