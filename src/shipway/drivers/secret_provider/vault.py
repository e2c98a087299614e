"""Secrets in HashiCorp Vault or OpenBao: the KV engine, version 2, by its HTTP API."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.drivers.secret_provider.operator import Operator
from shipway.system.http import Answer, Connection
from shipway.system.redact import of_process, shortened

TIMEOUT = 15.0  # seconds
LARGEST = 16 << 20  # bytes of a response


class Vault:
    """Implements ports.SecretProvider. A key is a field of the secret at the source's path, or PATH#FIELD below it; its
    version is the secret's.

    Credentials are only sent to an address that the operator named: in VAULT_ADDR, or as a section of the operator's file.
    """

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._address, self._operator = source.place, operator
        self._mount, _, self._path = source.path.strip("/").partition("/")

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """One request for each secret."""
        section = self._section()
        parts = urlsplit(self._address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        tls = self._tls(section) if parts.scheme == "https" else None
        found: dict[str, ProvidedSecret] = {}
        try:
            with Connection(parts.hostname or "", port, TIMEOUT, tls=tls) as connection:
                headers = self._headers(connection, section)
                secrets: dict[str, tuple[Mapping[str, Any], str] | None] = {}
                for key in keys:
                    path, _, name = key.rpartition("#")
                    if path not in secrets:
                        secrets[path] = self._secret(connection, headers, path)
                    fields, version = secrets[path] or ({}, "")
                    if name in fields:
                        found[key] = ProvidedSecret(self._text(fields[name], key), version)
        except OSError as error:
            raise SecretUnavailable(
                f"{self._address} can't be reached: {error.strerror or error}", hint="nothing was changed; try again"
            ) from None
        return found

    def _section(self) -> Mapping[str, Any]:
        own = self._operator.section("vault", self._address)
        environ = self._operator.environ
        if own is not None:
            return own
        if environ.get("VAULT_ADDR", "").rstrip("/") != self._address:
            raise SecretError(
                f"this machine has no credentials for {self._address}: a plan may name an address, but Shipway sends a token "
                "only to one that its operator named",
                hint=f'VAULT_ADDR={self._address} with VAULT_TOKEN, or [vault."{self._address}"] in {self._operator.file}',
            )
        names = ("token", "role_id", "secret_id", "cacert", "namespace")
        found = {name: value for name in names if (value := environ.get(f"VAULT_{name.upper()}", ""))}
        token = Path(environ.get("HOME") or os.path.expanduser("~")) / ".vault-token"
        if "token" not in found and "role_id" not in found and token.is_file():
            found["token_file"] = str(token)
        return found

    def _tls(self, section: Mapping[str, Any]) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=section.get("cacert"))
        except (OSError, ssl.SSLError):
            raise SecretError(f"the certificates in {section.get('cacert')} can't be read") from None

    def _headers(self, connection: Connection, section: Mapping[str, Any]) -> dict[str, str]:
        common = {"X-Vault-Request": "true"}
        if section.get("namespace"):
            common["X-Vault-Namespace"] = str(section["namespace"])
        token = _given(section, "token")
        if not token and _given(section, "role_id"):
            login = {"role_id": _given(section, "role_id"), "secret_id": _given(section, "secret_id")}
            of_process().add({"vault secret_id": login["secret_id"]})
            mount = quote(str(section.get("approle", "approle")))
            answer = connection.ask("POST", f"/v1/auth/{mount}/login", json.dumps(login).encode(), common)
            if answer.status != 200:
                raise self._refused(answer, "the AppRole login")
            token = str((self._json(answer).get("auth") or {}).get("client_token") or "")
        if not token:
            raise SecretError(
                f"there is no token for {self._address}", hint="set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"
            )
        of_process().add({"vault token": token})
        try:
            token.encode("ascii")
        except UnicodeEncodeError:
            raise SecretError(f"the token for {self._address} is not valid") from None
        return {**common, "X-Vault-Token": token}

    def _secret(
        self, connection: Connection, headers: Mapping[str, str], path: str
    ) -> tuple[Mapping[str, Any], str] | None:
        """The fields and the version; None if it doesn't exist, or its newest version was deleted."""
        full = "/".join(item for item in (self._path, path) if item)
        answer = connection.ask("GET", f"/v1/{quote(self._mount)}/data/{quote(full)}", headers=headers)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refused(answer, f"{self._mount}/{full}")
        data = self._json(answer).get("data")
        fields = data.get("data") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(fields, dict):
            raise SecretError(
                f"{self._mount}/{full} of {self._address} is no secret of a KV engine of version 2",
                hint="`path` is MOUNT/SECRET, without /data/",
            )
        metadata = data.get("metadata")
        return fields, str((metadata if isinstance(metadata, dict) else {}).get("version", ""))

    def _json(self, answer: Answer) -> Mapping[str, Any]:
        try:
            found = json.loads(answer.body) if len(answer.body) <= LARGEST else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SecretUnavailable(f"{self._address} does not answer as Vault does")
        return found

    def _refused(self, answer: Answer, what: str) -> SecretUnavailable:
        """The error; a redirect is one too, since the token must not go to another address."""
        try:
            told = "; ".join(str(item) for item in json.loads(answer.body).get("errors") or ())
            said = shortened(told, 200).replace("\n", " ")
        except (ValueError, AttributeError):
            said = ""
        why = f"HTTP status {answer.status}" + (f" ({said})" if said else "")
        hint = {
            400: "are the role's ids right?",
            403: "the token is wrong, has expired, or its policy does not allow to read this path",
            503: "it is sealed",
        }.get(answer.status, "")
        return SecretUnavailable(f"{self._address} refuses {what}: {why}", hint=hint)

    def _text(self, value: object, key: str) -> str:
        if not isinstance(value, str):
            raise SecretError(f"{key} of {self._address} is not a text", hint="store it as a text, in quotes")
        return value


def _given(section: Mapping[str, Any], name: str) -> str:
    """A value, or the content of the file that NAME_file names. SecretError if it can't be read."""
    if section.get(name):
        return str(section[name]).strip()
    if not section.get(f"{name}_file"):
        return ""
    try:
        return Path(str(section[f"{name}_file"])).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SecretError(f"{section[f'{name}_file']} can't be read") from None
