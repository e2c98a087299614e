"""What an operation of the API is: its place, its permission, what it takes and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from shipway.context import Context
from shipway.domain.errors import NotAllowed, NotSignedIn, ShipwayError, StoreError, UsageError
from shipway.domain.people import Identity
from shipway.domain.value import dataclass
from shipway.planfile.values import NAME_PATTERN
from shipway.server.live import EVENTS as EVENTS
from shipway.server.observer import Boards
from shipway.shapes import Kinds

PREFIX = "/api/v1"
LARGEST = 1 << 16  # bytes of a body
MOST = 10**15  # of a number
TEXT, INTEGER, BOOLEAN = "string", "integer", "boolean"
SAFE = re.compile(
    "[^\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]*"
)  # no control characters, which neither commands nor ledgers take


class Refused(ShipwayError):
    """A request that is answered with this status."""

    def __init__(self, status: int, message: str, *, hint: str = "", name: str = "UsageError", retry: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status, self.name, self.retry = status, name, retry


def missing(what: str) -> Refused:
    """It isn't there, or may not be seen: who may not see it doesn't learn that it exists."""
    return Refused(404, f"there is no {what}, or you may not see it")


@dataclass(frozen=True)
class Field:
    """Something that is given in the path, the query or the body. most: characters of a text, or the largest number."""

    name: str
    kind: str
    meaning: str
    required: bool = False
    most: int = 200
    least: int = 0
    pattern: str = ""
    default: Any = None

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        found: dict[str, Any] = {"type": self.kind}
        if self.kind == TEXT:
            found |= {"maxLength": self.most, "minLength": self.least}
            found |= {"pattern": self.pattern} if self.pattern else {}
        elif self.kind == INTEGER:
            found |= {"minimum": self.least, "maximum": self.most}
        return found | ({"default": self.default} if self.default is not None else {})

    def checked(self, value: Any) -> Any:
        """The value. Refused if it is not of this kind."""
        if self.kind == BOOLEAN and isinstance(value, bool):
            return value
        if self.kind == INTEGER and isinstance(value, int) and not isinstance(value, bool):
            if self.least <= value <= self.most:
                return value
            raise Refused(400, f"{self.name} is not between {self.least} and {self.most}")
        if self.kind == TEXT and isinstance(value, str):
            if not self.least <= len(value) <= self.most:
                raise Refused(400, f"{self.name} does not have between {self.least} and {self.most} characters")
            if not SAFE.fullmatch(value):
                raise Refused(400, f"{self.name} contains control characters")
            if self.pattern and not re.fullmatch(self.pattern, value):
                raise Refused(400, f"{self.name} does not match {self.pattern}")
            return value
        raise Refused(400, f"{self.name} is not of the type {self.kind}")

    def read(self, text: str) -> Any:
        """The value from a path or a query."""
        if self.kind == TEXT:
            return self.checked(text)
        if self.kind == BOOLEAN:
            return self.checked({"true": True, "false": False}.get(text))
        return self.checked(int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None)


APP = Field("app", TEXT, "Name of the app", True, 40, 1, NAME_PATTERN)
ENVIRONMENT = Field("environment", TEXT, "Name of the environment", True, 40, 1, NAME_PATTERN)
NUMBER = Field("number", INTEGER, "Its number", True, MOST)


@dataclass(frozen=True)
class Call:
    """One request, after its permission was checked. app, environment: their first names, as the ledger keeps them."""

    ctx: Context
    observer: Boards
    who: Identity
    app: str = ""
    environment: str = ""
    shown_app: str = ""
    shown_environment: str = ""
    number: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)  # of query and body

    def sees(self, environment: str, permission: str = "see") -> bool:
        """Whether something of that environment of the app may be seen."""
        return self.who.may(permission, self.app, environment)


@dataclass(frozen=True)
class Operation:
    """One row of the table. The places in its path are `{app}`, `{environment}` and `{number}`. permission: of the table of
    permissions, or another one where the environment is protected. work: of one that changes something, a coroutine."""

    name: str
    method: str
    path: str
    permission: str
    meaning: str
    answer: Callable[[Kinds], Any]  # its schema
    work: Callable[..., Any]
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] | None = None  # None: it takes none
    status: int = 200
    media: str = "application/json"
    more: str = ""  # for the document

    @property
    def places(self) -> tuple[Field, ...]:
        """What its path contains."""
        return tuple(item for item in (APP, ENVIRONMENT, NUMBER) if f"{{{item.name}}}" in self.path)

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"

    def take(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """What a request gives. Refused if it is not what the table says."""
        found = {item.name: item.default for item in (*self.query, *(self.body or ()))}
        if unknown := next((name for name in query if name not in {item.name for item in self.query}), None):
            raise Refused(
                400, f"the query has the unknown key {unknown[:40]!a}", hint=f"there are: {_listed(self.query)}"
            )
        for item in self.query:
            if item.name in query:
                found[item.name] = item.read(query[item.name])
            elif item.required:
                raise Refused(400, f"{item.name} is missing in the query")
        if self.body is not None:
            data, known = _object(body), {item.name: item for item in self.body}
            if unknown := next((name for name in data if name not in known), None):
                raise Refused(
                    400, f"the body has the unknown key {unknown[:40]!a}", hint=f"there are: {_listed(self.body)}"
                )
            if absent := next((name for name, item in known.items() if item.required and name not in data), None):
                raise Refused(400, f"the body lacks {absent}")
            found |= {name: known[name].checked(value) for name, value in data.items()}
        return found


def _listed(fields: Sequence[Field]) -> str:
    return ", ".join(item.name for item in fields) or "none"


def _object(body: bytes) -> dict[str, Any]:
    def never(text: str) -> float:
        raise ValueError(text)

    try:
        data = json.loads(body.decode() or "{}", parse_constant=never)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(data, dict):
        raise Refused(400, "the body is not an object of JSON")
    return data


ERROR = {
    "type": "object",
    "description": "Why it was refused",
    "required": ["name", "message", "hint"],
    "properties": {
        "name": {"type": "string", "description": "of the exit code that the command line has for it, such as GateRefused"},
        "message": {"type": "string", "description": "what happened, and why"},
        "hint": {"type": "string", "description": "what to do next; empty if there is nothing to add"},
    },
}  # fmt: skip


def status_of(error: ShipwayError) -> int:
    """Of an answer."""
    if isinstance(error, Refused):
        return error.status
    kinds = ((NotSignedIn, 401), (NotAllowed, 403), (UsageError, 404), (StoreError, 503))
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def error_data(error: ShipwayError) -> dict[str, str]:
    """As JSON."""
    name = error.name if isinstance(error, Refused) else name_of(error.exit_code)
    return {"name": name, "message": error.message, "hint": error.hint}


def name_of(code: int) -> str:
    """Of an exit code: its class."""
    known: dict[int, str] = {}
    kinds: list[type[ShipwayError]] = [ShipwayError, *ShipwayError.__subclasses__()]
    for kind in kinds:
        if kind.__module__ == ShipwayError.__module__:
            known.setdefault(kind.exit_code, kind.__name__)
    return known.get(code, "ShipwayError")
