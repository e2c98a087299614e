"""Ports whose readers and writers can't pass on a secret: what is read becomes known, what is written is masked."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from shipway.system.redact import Redactor

# Fields that hold what people, programs or engines wrote. All others are names, numbers, digests and states of our own.
FREE_TEXT = frozenset({"detail", "reason", "cause", "subject", "failure", "tests", "proof", "summary", "message"})
# Fields of such a record that are compared when it is read again: names and revisions, of which a secret may be a part.
COMPARED = frozenset({"app", "environment", "digest", "before_digest", "schema_before", "schema_after", "mode", "image"})


class MaskedLedger:
    """A ledger that keeps no secret: every text that was written by others is masked, whichever method takes it."""

    def __init__(self, ledger: object, redactor: Redactor) -> None:
        self._ledger, self._redactor = ledger, redactor

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        return self._masking(found) if inspect.ismethod(found) else found

    def _masking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            given = inspect.signature(method).bind(*args, **more).arguments
            return method(**{name: self._text(item) if name in FREE_TEXT else self._fields(item) for name, item in given.items()})

        return call

    def _fields(self, item: Any) -> Any:
        if dataclasses.is_dataclass(item) and not isinstance(item, type):
            texts = {field.name: getattr(item, field.name) for field in dataclasses.fields(item) if field.name in FREE_TEXT}
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
    """A reporter that is told no secret and no control character."""

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
    """Secrets of which the redactor knows each value before whoever asked for it, or gave it, can write it."""

    def __init__(self, secrets: Any, redactor: Redactor) -> None:
        self._secrets, self._redactor = secrets, redactor

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        value: str | None = self._secrets.get(scope, name, version)
        if value is not None:
            self._know(name, value)
        return value

    def set(self, scope: str, name: str, value: str) -> int:
        self._know(name, value)
        return int(self._secrets.set(scope, name, value))

    def _know(self, name: str, value: str) -> None:
        kind, _, accessory = name.partition(":")
        self._redactor.add({f"{accessory} password" if kind == "accessory" else name: value})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._secrets, name)
