"""Credentials in the URL of a repository: git gets them from variables, which only this user can read, since all users of a
machine can read arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from shipway.domain.errors import RepositoryError
from shipway.domain.value import dataclass
from shipway.system.redact import of_process

Settings = Sequence[tuple[str, str]]
USER, PASSWORD = "SHIPWAY_GIT_USER", "SHIPWAY_GIT_PASSWORD"
# Git runs it as `sh -c`. A program of its own and not a header: git sends a header to wherever a server redirects to.
HELPER = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${USER}" "${PASSWORD}"; }}; f"""
_TOKEN = re.compile(r"(?=[^\d]*\d)[\w.~+=-]{20,}")  # in the place of a user, as several forges accept it
_URL = re.compile(r"(https?)://([^/?#]*)@([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_USER = re.compile(r"(?<=://)[^/\s]*@")  # to the last one: a password may have some


@dataclass(frozen=True)
class Login:
    """By which git sends credentials: settings, and the variables that they read."""

    settings: Settings = ()
    variables: Mapping[str, str] | None = None


def without_credentials(url: str) -> tuple[str, Login]:
    """The URL as it may stand among arguments, and the credentials that it had. RepositoryError if git can't send them."""
    parts = _URL.fullmatch(url)
    if parts is None:  # it has no login that git sends
        return url, Login()
    scheme, login, host, rest = parts.groups()
    scheme = scheme.lower()
    name, colon, password = login.partition(":")
    user, bare, server = unquote(name), f"{scheme}://{host}{rest}", f"credential.{scheme}://{host}"
    if _TOKEN.fullmatch(user):
        of_process().add({"repository token": user})
    if not colon:  # helpers of the user know it
        return bare, Login([(f"{server}.username", user)] if user else ())
    password = unquote(password)
    of_process().add({"repository password": password})
    if not (user + password).isprintable():
        raise RepositoryError(
            f"the login in the address {bare} has control characters", hint="git remote set-url origin URL"
        )
    # An empty helper drops those that were configured before.
    return bare, Login([(f"{server}.helper", ""), (f"{server}.helper", HELPER)], {USER: user, PASSWORD: password})


def for_remote(url: str) -> Login:
    """The same for a command that takes the URL from the configuration of a clone."""
    bare, login = without_credentials(url)
    return login if bare == url else Login([*login.settings, (f"url.{bare}.insteadOf", url)], login.variables)


def masked(text: str) -> str:
    """Without the login of any URL."""
    return _USER.sub("", text)


def as_variables(login: Login, environment: Mapping[str, str], before: Settings = ()) -> dict[str, str]:
    """Variables for git with this login, after the settings `before` and those that the environment has."""
    settings = [*before, *login.settings]
    first = environment.get("GIT_CONFIG_COUNT", "")
    begin = int(first) if first.isdigit() else 0
    entries = {"GIT_CONFIG_COUNT": str(begin + len(settings))} if settings else {}
    for index, (key, value) in enumerate(settings, begin):
        entries |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return {**environment, **entries, **(login.variables or {})}
