"""Identities of people: one normal form for each address, so that two spellings are one person."""

from __future__ import annotations

import unicodedata

from shipway.domain.errors import UsageError

LONGEST = 254  # characters, as of an e-mail address
HINT = "set an address such as ada@example.org with --as, SHIPWAY_ACTOR or git's user.email"


def identity(text: str) -> str:
    """Normalize an address or account name, given alone or as `Name <address>`. UsageError if it is not a valid one.

    Case, surrounding blanks and what follows a plus sign are ignored: ada+ci@example.org is ada@example.org.
    """
    given = unicodedata.normalize("NFKC", text)
    if given.rstrip().endswith(">") and "<" in given:
        given = given.rstrip()[:-1].rpartition("<")[2]
    given = given.strip(" ")
    if not given:
        raise UsageError("the identity is blank", hint=HINT)
    if len(given) > LONGEST:
        raise UsageError(
            f"the identity has {len(given)} characters, more than {LONGEST}: {shown(given[:20])}…",
            hint=HINT,
        )
    if any(_is_hidden(character) for character in given):
        raise UsageError(f"the identity contains blanks or control characters: {shown(given)}", hint=HINT)
    return _without_tag(unicodedata.normalize("NFKC", given.casefold()))


def author_identity(text: str) -> str:
    """Normalize an author from a commit, which may be any text: an invalid identity is made printable."""
    try:
        return identity(text)
    except UsageError:
        return shown(unicodedata.normalize("NFKC", text).strip().casefold()[:LONGEST]) or "(no address)"


def shown(text: str) -> str:
    """Escape invisible characters for a message."""
    return "".join(
        f"\\u{ord(character):04x}" if _is_hidden(character) and character != " " else character for character in text
    )


def _is_hidden(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")


def _without_tag(address: str) -> str:
    local, at, domain = address.rpartition("@")
    first, plus, rest = local.partition("+")
    if not (at and plus and first and rest):
        return address
    # A forge's no-reply address starts with a number, followed by the account.
    return _without_tag(f"{rest}@{domain}") if first.isdigit() else f"{first}@{domain}"
