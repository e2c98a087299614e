"""Secrets in a file of the repository that is encrypted with SOPS, decrypted by its own program.

The file is part of a commit, and says which services hold its keys: so only keys of age and PGP are accepted, for which
the program asks no one. It also runs without the operator's home, where credentials of services are. The key `shipway` in the file, encrypted as the others are, says which environment it is for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.drivers.secret_provider.operator import Operator
from shipway.system.process import kill_group
from shipway.system.redact import shortened

PROGRAM = "sops"
TIMEOUT = 60.0  # seconds
SCOPE = "shipway"  # key with app/environment
# What a file says about itself. Any other name is refused: it could be that of a service, for the program's own reader.
ABOUT = frozenset({
    "lastmodified", "mac", "version", "key_groups", "shamir_threshold", "mac_only_encrypted",
    "unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex",
    "unencrypted_comment_regex", "encrypted_comment_regex",
})  # fmt: skip
LOCAL = frozenset({"age", "pgp"})
# Variables for the program: none of them has a credential of a service.
KEPT = (
    "PATH",
    "LANG",
    "GNUPGHOME",
    "SOPS_AGE_KEY",
    "SOPS_AGE_KEY_FILE",
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
    "SOPS_GPG_EXEC",
)
# Where the program looks in a home, by the variable that names the same place.
IN_HOME: Mapping[str, tuple[str, ...]] = {
    "SOPS_AGE_KEY_FILE": (".config/sops/age/keys.txt", "Library/Application Support/sops/age/keys.txt"),
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE": (".ssh/id_ed25519", ".ssh/id_rsa"),
    "GNUPGHOME": (".gnupg",),
}


class Sops:
    """Implements ports.SecretProvider. Keys are the top-level names; their version is a digest of the encrypted file."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._path, self._operator = source.place, operator

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """Decrypts in memory."""
        content = self._operator.content
        if content is None:
            raise SecretError(f"the release has no file {self._path}", hint="commit it, and build a release with it")
        self._require_local(content)
        data = self._decrypted(content)
        if data.get(SCOPE) != self._operator.scope:
            raise SecretError(
                f"{self._path} is not for {self._operator.scope}: its key `{SCOPE}` "
                + ("is missing" if SCOPE not in data else "names another environment"),
                hint=f"add it with `sops {self._path}`: {SCOPE}: {self._operator.scope}",
            )
        version = hashlib.sha256(content).hexdigest()[:12]
        return {key: ProvidedSecret(self._text(data[key], key), version) for key in keys if key in data}

    def _require_local(self, content: bytes) -> None:
        data = self._parsed(content)
        about = data.get("sops")
        if not isinstance(about, dict) or [key for key in data if key.casefold() == "sops"] != ["sops"]:
            raise SecretError(f"{self._path} is not encrypted with SOPS", hint=f"sops encrypt --in-place {self._path}")
        remote = _services(about)
        if remote:
            raise SecretError(
                f"{self._path} has keys of {', '.join(remote)}: a commit could send Shipway to any such service",
                hint="encrypt it for keys of age or PGP; or name that service in `secrets_from`",
            )
        if not str(data.get(SCOPE, "ENC[")).startswith("ENC["):
            raise SecretError(f"the key `{SCOPE}` of {self._path} is not encrypted", hint="encrypt all of its keys")

    def _parsed(self, content: bytes) -> Mapping[str, Any]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            text = content.decode("utf-8")
            data = (
                json.loads(text, object_pairs_hook=_each_once)
                if self._path.endswith(".json")
                else YAML(typ="safe", pure=True).load(text)
            )
        except (ValueError, YAMLError):
            data = None
        if not isinstance(data, dict):
            raise SecretError(f"{self._path} is not a mapping in {'JSON' if self._path.endswith('.json') else 'YAML'}")
        if not all(isinstance(key, str) and key != "<<" for key in _keys(data)):
            raise SecretError(f"{self._path} has a key that is not a text", hint="write all names as plain texts")
        return data

    def _decrypted(self, content: bytes) -> Mapping[str, Any]:
        environ = self._operator.environ
        program = shutil.which(PROGRAM, path=environ.get("PATH"))
        if program is None:
            raise SecretUnavailable(f"{PROGRAM} is not installed here", hint="https://getsops.io")
        kind = "json" if self._path.endswith(".json") else "yaml"
        with tempfile.TemporaryDirectory(prefix="shipway-sops-") as home:
            process = subprocess.Popen(
                [program, "--decrypt", "--input-type", kind, "--output-type", "json", "/dev/stdin"], cwd="/",
                env=_variables(environ) | {"HOME": home},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            try:
                output, errors = process.communicate(content, timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                raise SecretUnavailable(f"{PROGRAM} did not decrypt {self._path} within {TIMEOUT:g} s") from None
            finally:
                kill_group(process)
                process.communicate()
        if process.returncode:
            said = errors.decode("utf-8", "replace").strip().splitlines()
            raise SecretUnavailable(
                f"{PROGRAM} can't decrypt {self._path}" + (f": {shortened(said[-1], 200)}" if said else ""),
                hint="is the identity here? SOPS_AGE_KEY_FILE names its file",
            )
        try:
            data = json.loads(output)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise SecretError(f"{self._path} has no names on its top level")
        return data

    def _text(self, value: object, key: str) -> str:
        if not isinstance(value, str):
            raise SecretError(f"{key} of {self._path} is not a text", hint="write it in quotes")
        return value


def _services(about: Mapping[str, Any]) -> list[str]:
    """Names of what isn't known to be local, of the file and of its groups of keys. Older files list services without
    keys."""
    groups = about.get("key_groups") or []
    parts = [(about, ABOUT | LOCAL)] + [(group, LOCAL) for group in (groups if isinstance(groups, list) else [groups])]
    found: set[str] = set()
    for part, known in parts:
        if not isinstance(part, dict):
            return ["an unknown kind"]
        found |= {name for name, value in part.items() if name not in known and value}
    return sorted(found)


def _keys(data: object) -> Iterator[object]:
    """All keys, at any depth."""
    if isinstance(data, dict):
        yield from data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple | set) else ():
        yield from _keys(item)


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for the program, which name the identities that it would find in the operator's home."""
    found = {name: environ[name] for name in KEPT if name in environ}
    home = environ.get("HOME")
    for name, places in IN_HOME.items() if home else ():
        there = [str(path) for place in places if (path := Path(str(home)) / place).exists()]
        if there:
            found.setdefault(name, there[0])
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """ValueError for a key that is there twice: which one counts depends on who reads it, and Go's reader folds case."""
    if len({name.casefold() for name, _ in pairs}) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)
