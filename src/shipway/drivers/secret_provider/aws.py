"""Secrets in AWS: Secrets Manager, and parameters of Systems Manager. The account is that of the operator's credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.domain.secret_value import as_text
from shipway.drivers.secret_provider.operator import Operator
from shipway.system.installation import missing_part
from shipway.system.redact import shortened

BATCH = 10  # parameters of one request, the service's limit


class Secrets:
    """Implements ports.SecretProvider on Secrets Manager. A key is the rest of a secret's name, or REST#FIELD for a field
    of one in JSON."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._region, self._path = source.place, source.path

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """One request for each secret."""
        found: dict[str, ProvidedSecret] = {}
        with _translated(self._region):
            client = _client("secretsmanager", self._region)
            for name in dict.fromkeys(_split(key)[0] for key in keys):
                try:
                    answer = client.get_secret_value(SecretId=_full(self._path, name))
                except client.exceptions.ResourceNotFoundException:
                    continue
                raw = answer.get("SecretString")
                value = as_text(answer.get("SecretBinary", b"")) if raw is None else str(raw)
                found[name] = ProvidedSecret(value, str(answer.get("VersionId", "")))
        return _fields(keys, found)


class Parameters:
    """Implements ports.SecretProvider on the parameter store, as `Secrets` does."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._region, self._path = source.place, source.path

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """One request for ten parameters."""
        wanted = {_full(self._path, name): name for name in dict.fromkeys(_split(key)[0] for key in keys)}
        found: dict[str, ProvidedSecret] = {}
        with _translated(self._region):
            client, names = _client("ssm", self._region), list(wanted)
            for begin in range(0, len(names), BATCH):
                answer = client.get_parameters(Names=names[begin : begin + BATCH], WithDecryption=True)
                for item in answer.get("Parameters", ()):
                    found[wanted[item["Name"]]] = ProvidedSecret(str(item["Value"]), str(item.get("Version", "")))
        return _fields(keys, found)


def _full(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}" if path else name


def _split(key: str) -> tuple[str, str]:
    name, _, field = key.partition("#")
    return name, field


def _fields(keys: Sequence[str], found: Mapping[str, ProvidedSecret]) -> dict[str, ProvidedSecret]:
    """The values of the keys. SecretError if a field is wanted of what is no JSON."""
    values: dict[str, ProvidedSecret] = {}
    for key in keys:
        name, field = _split(key)
        whole = found.get(name)
        if whole is None:
            continue
        if not field:
            values[key] = whole
            continue
        try:
            data = json.loads(whole.value)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise SecretError(f"{name} is not a JSON object, so it has no field {field}")
        if field in data:
            if not isinstance(data[field], str):
                raise SecretError(f"{key} is not a text", hint="store it as a text, in quotes")
            values[key] = ProvidedSecret(data[field], whole.version)
    return values


def _client(service: str, region: str) -> Any:
    """SecretError if boto3 is not installed."""
    try:
        import boto3  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from botocore.config import Config  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise SecretError("secrets of AWS need boto3", hint=missing_part("aws")) from None
    config = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 2})
    return boto3.session.Session().client(service, region_name=region, config=config)


class _translated:
    """Errors of the library as Shipway's, without values of secrets: they have names and codes only."""

    def __init__(self, region: str) -> None:
        self._region = region

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, SecretError):
            return
        try:
            from botocore.exceptions import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
                BotoCoreError,
                ClientError,
            )
        except ImportError:
            return
        if isinstance(error, ClientError):
            known = error.response.get("Error", {})
            said = shortened(f"{known.get('Code', '')}: {known.get('Message', '')}", 300)
            raise SecretUnavailable(
                f"AWS in {self._region} refuses: {said}", hint="which identity is used: aws sts get-caller-identity"
            ) from None
        if isinstance(error, BotoCoreError):
            raise SecretUnavailable(
                f"AWS in {self._region}: {shortened(str(error), 300)}", hint="nothing was changed; try again"
            ) from None
