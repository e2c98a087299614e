"""Environment variables of a Compose file: plain values, and secrets, whose values are never copied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from shipway.domain.value import dataclass
from shipway.drafting.interpolation import expand
from shipway.planfile.bounds import BLOCK
from shipway.planfile.kinds import unwritable
from shipway.planfile.values import VARIABLE_PATTERN

_WORDS = r"SECRETS?|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|TOKEN|CREDENTIALS?|PRIVATE|KEY|DSN|SALT|WEBHOOK_URL"
_ENDS = re.compile(rf"((^|_)({_WORDS})(_BASE)?|(?<!BY)(PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN))$", re.IGNORECASE)
_CONTAINS = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE|API_?KEY", re.IGNORECASE)
_OPEN = re.compile(
    r"^(NEXT_PUBLIC|VITE|REACT_APP|NUXT_PUBLIC|PUBLIC)_|PUBLIC_?KEY|PUBLISHABLE|_(FILE|PATH|DIR)$", re.IGNORECASE
)
_MEASURE = re.compile(r"true|false|yes|no|on|off|\d+(\.\d+)?[a-z]*", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"://[^/@\s:]*:[^/@\s]+@|^(sk|pk|rk)_live_|^gh[pousr]_|^AKIA[0-9A-Z]{16}|^xox[abp]-|-----BEGIN|^[0-9a-f]{32,}$"
    r"|^(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/=_-]{32,}$"
)
_PLACEHOLDER = re.compile(
    r"^(change[-_ ]?(me|this|it)?|your[-_ ].*|<.*>|\{\{.*\}\}|x{3,}|todo|replace[-_ ].*|example|placeholder|\.\.\.)$|\byour[-_]",
    re.IGNORECASE,
)
_NEEDED = re.compile(  # by the application itself, and not only for a service of others that it may use
    r"((APP|DJANGO|FLASK|RAILS|SESSION|JWT|AUTH|NEXTAUTH|BETTER_AUTH|COOKIE|CSRF|HASH|SIGNING|ENCRYPTION|MASTER|TOKEN|ACCESS|REFRESH)_?)*"
    r"(SECRET(_KEY)?(_BASE)?|KEY|SALT|PASSWORD)|(DB|DATABASE|POSTGRES\w*|PG|MYSQL\w*|MARIADB\w*|SQL)_?(PASS(WORD)?|PWD)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"((BASE|APP|SITE|PUBLIC|ROOT|EXTERNAL|SERVER|WEB|FRONTEND|NEXTAUTH|AUTH)_?)+(URL|URI|ORIGIN)", re.IGNORECASE
)
SITE = "site.invalid"  # in place of a domain that is not in the repository
_PLAIN = re.compile(r"true|false|\d{1,8}|[a-z]{1,12}", re.IGNORECASE)  # copied even from a file that git ignores


@dataclass
class Settings:
    """Variables of one service as the plan has them, and why. `because` has a reason by variable."""

    values: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    because: dict[str, str] = field(default_factory=dict)
    todo: list[str] = field(default_factory=list)

    def secret(self, name: str, because: str = "") -> None:
        """Add the name of a secret."""
        self.values.pop(name, None)
        if name not in self.secrets:
            self.secrets.append(name)
        if because:
            self.because[name] = because

    def value(self, name: str, value: str, because: str = "") -> None:
        """Add a plain value."""
        self.values[name] = value
        if because:
            self.because[name] = because


@dataclass(frozen=True)
class Source:
    """Where values come from. sample: it stands in for a file with the values. private: git ignores it."""

    env: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    sample: bool = False
    private: bool = False


def entries(raw: Any) -> dict[str, str | None]:
    """A mapping, or a list of NAME=value; None where the value comes from the shell."""
    if isinstance(raw, dict):
        return {name: None if value is None else str(value) for name, value in raw.items()}
    found: dict[str, str | None] = {}
    for item in raw if isinstance(raw, list) else []:
        name, equals, value = str(item).partition("=")
        found[name] = value if equals else None
    return found


def is_secret(name: str) -> bool:
    """Whether a variable of this name usually has a confidential value."""
    return bool(name != "PWD" and (_ENDS.search(name) or _CONTAINS.search(name)) and not _OPEN.search(name))


def shows_secret(name: str, value: str) -> bool:
    """Whether this value of this variable is confidential: a time or a switch isn't, whatever its name contains."""
    if _SECRET_VALUE.search(value) and not _OPEN.search(name):
        return True
    return is_secret(name) and not (_MEASURE.fullmatch(value) and not _ENDS.search(name))


def masked(text: str) -> str:
    """A text for a comment, without the passwords of addresses and options in it."""
    text = re.sub(r"(://[^/@\s:]*):[^/@\s]+@", r"\1:…@", text)
    return re.sub(r"((?:pass(?:word)?|token|secret|key)[= ]+)[^\s'\"]+", r"\1…", text, flags=re.IGNORECASE)


def add(settings: Settings, name: str, raw: str | None, source: Source) -> None:
    """Add one variable as it stands in a file. raw: None if its value comes from outside, as for `${NAME}`."""
    if not re.search(VARIABLE_PATTERN, name):
        settings.todo.append(f"the variable {name} has a name that a plan can't have")
        return
    found = expand(f"${{{name}}}" if raw is None else raw, source.env, sample=source.sample)
    wrong = unwritable(found.text, BLOCK)
    if wrong:
        settings.todo.append(f"{name}: its value {wrong}")
        return
    from_env = any(item in source.env for item in found.names)
    hidden = shows_secret(name, found.text) or any(is_secret(item) for item in found.names if item != name)
    if found.missing:
        settings.secret(name, "" if hidden else f"no value for {found.missing[0]} in the repository")
    elif hidden and found.text == "" and not (source.sample and from_env and _NEEDED.fullmatch(name)):
        settings.value(name, "", "optional; remove it here, and add it to `secrets`, to give it a value")
    elif hidden:
        settings.secret(name)
    elif _ADDRESS.fullmatch(name) and _PLACEHOLDER.search(found.text):
        settings.value(name, f"https://{SITE}")
    elif _PLACEHOLDER.search(found.text):
        settings.secret(name, f"its value is a placeholder{' in ' + source.file if source.file else ''}")
    elif source.private and from_env and not _PLAIN.fullmatch(found.text):
        settings.secret(name, f"its value is in {source.file}, which git ignores")
    else:
        settings.value(name, found.text)


def usable(raw: dict[str, Any]) -> dict[str, str]:
    """The variables with a valid name and a value in one line."""
    found: dict[str, str] = {}
    for name, value in raw.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, str | int | float) and re.search(VARIABLE_PATTERN, name) and "\n" not in text:
            found[name] = text
    return found
