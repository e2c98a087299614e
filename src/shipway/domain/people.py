"""People who use the server, and how they prove who they are: by a password, a one-time link, or a token."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from shipway.domain.permissions import ALL, PERMISSIONS, Grant, allowed, covers
from shipway.domain.value import dataclass

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
IDLE = 12 * HOUR  # a session that is not used for so long has expired
LONGEST_SESSION = 7 * DAY
LINK = 10 * MINUTE  # a sign-in link is valid for so long
SEEN = MINUTE  # the least time between two records that a session or a token was used
AHEAD = (
    5 * MINUTE
)  # what was made later than that from now was made before the clock was set back: it doesn't count yet
KNOWN = 30 * DAY  # an address from which a person signed in is known for so long

PASSWORD, CODE, LINKED, PROVIDER = "password", "password and code", "link", "provider"  # how a session was begun
SESSION, TOKEN = "session", "token"  # by what an identity is proven
TOKEN_PREFIX, SESSION_PREFIX, LINK_PREFIX = "swt_", "sws_", "swl_"

LONGEST_ADDRESS = 64  # characters
LEAST, MOST = 12, 1024  # characters of a password

# Pauses after wrong sign-ins. An address may be that of a whole office.
FREE_BY_PERSON, FREE_BY_ADDRESS = 5, 20  # attempts before the first pause
LONGEST_PAUSE = 5 * MINUTE
FORGOTTEN = DAY  # attempts older than that don't count


@dataclass(frozen=True)
class Person:
    """Someone who was added. Their password's hash is never part of a record."""

    name: str  # e-mail address
    active: bool  # false: removed
    password: bool  # whether one is set
    totp: bool  # whether signing in needs a code
    added: float


@dataclass(frozen=True)
class Token:
    """An API token. Of itself, only a digest is kept."""

    id: int
    person: str
    name: str  # what it is for
    permissions: tuple[str, ...]  # none but these, as far as the person has them
    app: str  # or all
    environment: str  # or all
    created: float
    expires: float
    used: float | None = None  # last
    revoked: float | None = None


@dataclass(frozen=True)
class SessionRecord:
    """A session in a browser, without what proves it."""

    id: int
    person: str
    address: str
    how: str  # see above
    created: float
    seen: float  # last
    ended: float | None = None


@dataclass(frozen=True)
class Identity:
    """Someone who has proven who they are, and what they may do."""

    person: str
    grants: tuple[Grant, ...]
    via: str  # session or token
    number: int  # of the session or the token
    how: str = ""  # of a session: how it was begun
    token: Token | None = None  # its limits

    def may(self, permission: str, app: str = ALL, environment: str = ALL) -> bool:
        """Whether the person may do that there, and the token too if it is one. KeyError for an unknown permission."""
        if self.token is not None:
            within = covers(PERMISSIONS[permission], self.token.app, self.token.environment, app, environment)
            if permission not in self.token.permissions or not within:
                return False
        return allowed(self.grants, permission, app, environment)


def is_valid(created: float, expires: float, now: float) -> bool:
    """Whether something that was made for a time counts now, also on a clock that was set back."""
    return created - AHEAD <= now < expires


def session_is_valid(session: SessionRecord, now: float) -> bool:
    """Whether it was neither idle nor open for too long."""
    ends = min(session.created + LONGEST_SESSION, session.seen + IDLE)
    return session.ended is None and is_valid(session.seen, ends, now)


def pause(failures: int, free: int) -> float:
    """Seconds to wait after so many wrong sign-ins, of which some are free."""
    return 0.0 if failures < free else min(2.0 ** min(failures - free, 20), LONGEST_PAUSE)


def network(address: str) -> str:
    """What counts as one address: of IPv6, the network that one customer gets. Other text is only made printable."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "".join(character for character in address[:LONGEST_ADDRESS] if character.isprintable())
    if found.version == 4:
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped) if mapped else str(ipaddress.ip_network(f"{found}/64", strict=False))


def password_problem(password: str, name: str) -> str:
    """Why this can't be a person's password; empty if it can."""
    if len(password) < LEAST:
        return f"the password has {len(password)} characters, fewer than {LEAST}"
    if len(password) > MOST:
        return f"the password has {len(password)} characters, more than {MOST}"
    given = password.casefold()
    if given in (name, name.partition("@")[0]):
        return "the password is the person's name"
    if len(set(given)) < 3:
        return "the password is one or two characters repeated"
    return ""


def unknown_permissions(names: Sequence[str]) -> list[str]:
    """Those that are not in the table."""
    return [name for name in names if name not in PERMISSIONS]
