"""Secrets in files encrypted with SOPS, with a stand-in of the program: what it does with a file, not its cryptography."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.domain.errors import SecretError
from shipway.domain.secret_source import SecretSource
from shipway.drivers.secret_provider.operator import Operator
from shipway.drivers.secret_provider.sops import Sops
from shipway.testing.secrets_provider import VALUE, Lab, SecretsProviderSuite

SCOPE = "shop/production"

STAND_IN = """\
import base64, json, os, sys
assert sys.argv[1:] == ["--decrypt", "--input-type", "json", "--output-type", "json", "/dev/stdin"], sys.argv
data = json.load(sys.stdin)
if os.environ.get("SOPS_AGE_KEY") != data["sops"]["age"][0]["key"]:
    sys.exit("Failed to get the data key required to decrypt the SOPS file.")
assert not [name for name in os.environ if name.startswith(("VAULT_", "AWS_"))], "credentials of services"
print(json.dumps({k: base64.b64decode(v[4:-1]).decode() for k, v in data.items() if k != "sops"}))
"""


def encrypted(values: Mapping[str, str], **about: object) -> bytes:
    """What the stand-in decrypts."""
    import base64
    import json

    own = {key: f"ENC[{base64.b64encode(value.encode()).decode()}]" for key, value in values.items()}
    return json.dumps({**own, "sops": {"age": [{"key": "the-key"}], "version": "3.9.0", **about}}).encode()


class TestSops(SecretsProviderSuite):
    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        program = tmp_path / "bin" / "sops"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\n{STAND_IN}")
        program.chmod(0o755)
        return {"PATH": str(program.parent), "SOPS_AGE_KEY": "the-key", "VAULT_TOKEN": "hvs.x", "AWS_PROFILE": "x"}

    def opened(self, content: bytes, environ: Mapping[str, str], scope: str = SCOPE) -> Sops:
        return Sops(SecretSource("sops", "secrets.json"), Operator(Path("/"), scope, environ, content))

    @pytest.fixture
    def lab(self, environ: dict[str, str]) -> Lab:
        content = [b""]

        def write(values: Mapping[str, str]) -> None:
            content[0] = encrypted({"shipway": SCOPE, **values})

        return Lab(
            write, lambda: self.opened(content[0], environ), lambda: environ.update(PATH="/nosuch"),
            lambda: environ.update(SOPS_AGE_KEY="wrong"), lambda: environ.pop("SOPS_AGE_KEY"),
        )  # fmt: skip

    def test_a_file_of_another_environment_is_refused(self, environ: dict[str, str]) -> None:
        content = encrypted({"shipway": SCOPE, "KEY": VALUE})
        with pytest.raises(SecretError, match="names another environment"):
            self.opened(content, environ, "shop/staging").fetch(["KEY"])
        with pytest.raises(SecretError, match="is missing"):
            self.opened(encrypted({"KEY": VALUE}), environ).fetch(["KEY"])

    @pytest.mark.parametrize(
        "about",
        [
            {"hc_vault": [{"vault_address": "https://evil.example"}]},
            {"kms": [{"arn": "arn:aws:kms:eu-central-1:1:key/x", "role": "evil"}]},
            {"key_groups": [{"gcp_kms": [{"resource_id": "x"}]}]},
            {"HC_Vault": [{"vault_address": "https://evil.example"}]},
            {"new_service": [{"address": "https://evil.example"}]},
            {"key_groups": {"hc_vault": [{"vault_address": "https://evil.example"}]}},
        ],
    )
    def test_a_file_can_not_send_the_program_to_a_service(self, environ: dict[str, str], about: object) -> None:
        assert isinstance(about, dict)
        content = encrypted({"shipway": SCOPE, "KEY": VALUE}, **about)
        with pytest.raises(SecretError, match="a commit could send Shipway to any such service"):
            self.opened(content, environ).fetch(["KEY"])

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            # The program reads the key as hc_vault.
            ("secrets.yaml", "KEY: ENC[x]\nsops:\n  age: []\n  !!binary aGNfdmF1bHQ=:\n  - vault_address: https://evil.example\n"),
            ("secrets.yaml", "KEY: ENC[x]\nsops: {age: [], key_groups: [{!!binary aGNfdmF1bHQ=: [{vault_address: https://evil.example}]}]}\n"),
            # The program reads the second one as sops.
            ("secrets.json", '{"KEY": "ENC[x]", "sops": {"age": []}, "ſops": {"hc_vault": [{"vault_address": "https://evil.example"}]}}'),
        ],
    )  # fmt: skip
    def test_a_file_that_the_program_reads_otherwise(self, environ: dict[str, str], file: str, text: str) -> None:
        opened = Sops(SecretSource("sops", file), Operator(Path("/"), SCOPE, environ, text.encode()))
        with pytest.raises(SecretError, match=r"a key that is not a text|is not a mapping in JSON"):
            opened.fetch(["KEY"])

    def test_services_without_keys_are_no_obstacle(self, environ: dict[str, str]) -> None:
        content = encrypted({"shipway": SCOPE, "KEY": VALUE}, kms=[], hc_vault=None, unencrypted_suffix="_plain")
        assert self.opened(content, environ).fetch(["KEY"])["KEY"].value == VALUE

    def test_the_program_gets_identities_but_not_the_home(self, environ: dict[str, str], tmp_path: Path) -> None:
        home, seen = tmp_path / "home", tmp_path / "seen"
        identity = home / ".config" / "sops" / "age" / "keys.txt"
        identity.parent.mkdir(parents=True)
        identity.touch()
        (home / ".gnupg").mkdir()
        program = Path(environ["PATH"]) / "sops"
        look = f"import os; open({str(seen)!r}, 'w').write(repr((dict(os.environ), os.listdir(os.environ['HOME']))))\n"
        program.write_text(f"#!{sys.executable}\n{look}{STAND_IN}")
        self.opened(encrypted({"shipway": SCOPE, "KEY": VALUE}), environ | {"HOME": str(home)}).fetch(["KEY"])
        variables, files = ast.literal_eval(seen.read_text())
        assert (variables["SOPS_AGE_KEY_FILE"], variables["GNUPGHOME"]) == (str(identity), str(home / ".gnupg"))
        assert variables["HOME"] != str(home)
        assert files == []

    def test_a_file_that_is_not_encrypted(self, environ: dict[str, str]) -> None:
        with pytest.raises(SecretError, match="is not encrypted with SOPS"):
            self.opened(b'{"KEY": "plain"}', environ).fetch(["KEY"])
        for content in (b"{", b'{"sops": {"age": []}, "KEY": "ENC[]", "SOPS": {"hc_vault": [{}]}}'):
            with pytest.raises(SecretError, match="is not a mapping in JSON"):
                self.opened(content, environ).fetch(["KEY"])
