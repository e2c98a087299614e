"""Secrets in a file of the repository that is encrypted with SOPS, decrypted by its own program.

The file is part of a commit, and says which services hold its keys: so only keys of age and PGP are accepted, for which
the program asks no one. The key `shipway` in the file, encrypted as the others are, says which environment it is for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.drivers.secret_provider.operator import Operator
from shipway.system.process import kill_group

PROGRAM = "sops"
TIMEOUT = 60.0  # seconds
SCOPE = "shipway"  # key with app/environment
REMOTE = ("kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
# Variables for the program: none of them has a credential of a service.
KEPT = ("PATH", "HOME", "LANG", "GNUPGHOME", "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_GPG_EXEC")


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
        if not isinstance(about, dict) or [key for key in data if str(key).lower() == "sops"] != ["sops"]:
            raise SecretError(f"{self._path} is not encrypted with SOPS", hint=f"sops encrypt --in-place {self._path}")
        remote = sorted(_services(about))
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
        return data

    def _decrypted(self, content: bytes) -> Mapping[str, Any]:
        environ = self._operator.environ
        program = shutil.which(PROGRAM, path=environ.get("PATH"))
        if program is None:
            raise SecretUnavailable(f"{PROGRAM} is not installed here", hint="https://getsops.io")
        kind = "json" if self._path.endswith(".json") else "yaml"
        process = subprocess.Popen(
            [program, "--decrypt", "--input-type", kind, "--output-type", "json", "/dev/stdin"], cwd="/",
            env={name: environ[name] for name in KEPT if name in environ},
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
                f"{PROGRAM} can't decrypt {self._path}" + (f": {said[-1][:200]}" if said else ""),
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


def _services(about: object) -> set[str]:
    """Kinds of keys that services hold, at any depth. In any case: Go reads JSON so."""
    if isinstance(about, list):
        return set().union(*map(_services, about)) if about else set()
    if not isinstance(about, dict):
        return set()
    own = {str(name).lower() for name, value in about.items() if str(name).lower() in REMOTE and value}
    return own.union(*map(_services, about.values()))


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """ValueError for a key that is there twice: which one counts depends on who reads it."""
    if len({name.lower() for name, _ in pairs}) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)
