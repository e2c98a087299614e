"""Ports that can't leak a secret: values read become known, text written is masked."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from shipway.system.redact import Redactor

# Fields with text of users, programs or engines. All others are Shipway's own names, numbers, digests and states.
FREE_TEXT = frozenset(
    {
        "detail",
        "reason",
        "cause",
        "subject",
        "failure",
        "tests",
        "proof",
        "summary",
        "message",
        "log",
        "what",
        "verified",
        "problem",
    }
)
# Fields of such a record that are compared after reading it: names and revisions, which may contain a secret's value.
COMPARED = frozenset(
    {"app", "environment", "digest", "before_digest", "schema_before", "schema_after", "mode", "image"}
)


class MaskedLedger:
    """A ledger without secrets: every text from outside is masked, in all methods."""

    def __init__(self, ledger: object, redactor: Redactor) -> None:
        self._ledger, self._redactor = ledger, redactor

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        return self._masking(found) if inspect.ismethod(found) else found

    def _masking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            given = inspect.signature(method).bind(*args, **more).arguments
            return method(
                **{name: self._text(item) if name in FREE_TEXT else self._fields(item) for name, item in given.items()}
            )

        return call

    def _fields(self, item: Any) -> Any:
        if dataclasses.is_dataclass(item) and not isinstance(item, type):
            texts = {
                field.name: getattr(item, field.name) for field in dataclasses.fields(item) if field.name in FREE_TEXT
            }
            masked = {name: self._text(text) for name, text in texts.items()}
            return dataclasses.replace(item, **masked) if masked != texts else item
        if isinstance(item, Mapping):
            return {key: self._text(value) if key in FREE_TEXT else value for key, value in item.items()}
        return item

    def _text(self, value: Any) -> Any:
        if not isinstance(value, str):
            return self._data(value)
        if value.startswith(("{", "[")):
            try:
                return json.dumps(self._data(json.loads(value)))
            except ValueError:
                pass  # it only looks like JSON
        return self._redactor.text(value)

    def _data(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: item if key in COMPARED else self._redactor.data(item) for key, item in value.items()}
        return self._redactor.data(value)


class MaskedReporter:
    """A reporter that receives no secrets and no control characters."""

    def __init__(self, reporter: Any, redactor: Redactor) -> None:
        self._reporter, self._redactor = reporter, redactor

    def heading(self, text: str) -> None:
        self._reporter.heading(self._redactor.text(text))

    def begin(self, name: str, detail: str = "") -> None:
        self._reporter.begin(name, self._redactor.text(detail))

    def line(self, name: str, text: str) -> None:
        self._reporter.line(name, self._redactor.text(text))

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        self._reporter.end(name, outcome, seconds, self._redactor.text(detail))

    def note(self, text: str) -> None:
        self._reporter.note(self._redactor.text(text))


class KnownSecrets:
    """Secrets whose values the redactor knows before the caller can write them."""

    def __init__(self, secrets: Any, redactor: Redactor) -> None:
        self._secrets, self._redactor = secrets, redactor

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        value: str | None = self._secrets.get(scope, name, version)
        if value is not None:
            self._know(name, value)
        return value

    def set(self, scope: str, name: str, value: str, **origin: str) -> int:
        self._know(name, value)
        return int(self._secrets.set(scope, name, value, **origin))

    def _know(self, name: str, value: str) -> None:
        kind, _, accessory = name.partition(":")
        self._redactor.add({f"{accessory} password" if kind == "accessory" else name: value})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._secrets, name)
