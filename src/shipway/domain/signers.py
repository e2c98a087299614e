"""`allowed_signers`: which keys may sign approvals, and their owners."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping

from shipway.domain.errors import UsageError
from shipway.domain.identity import identity
from shipway.domain.mailmap import EMPTY, Mailmap
from shipway.domain.value import dataclass

LINE = re.compile(
    r'(?P<principals>"[^"]*"|\S+)\s+(?:(?P<options>(?:"[^"]*"|[^\s"])+)\s+)?(?P<type>(?:ssh|ecdsa|sk)-\S+)\s+(?P<key>[A-Za-z0-9+/]+=*)(?:\s.*)?'
)
AUTHORITY = "cert-authority"
LARGEST = 256 * 1024  # characters of the file


class SignersProblem(Exception):
    """The file can't be used; the message gives line and reason."""


@dataclass(frozen=True)
class Signer:
    """A key, and its owner's addresses."""

    key: str  # type and Base64, as in the file
    principals: tuple[str, ...]
    options: str = ""


@dataclass(frozen=True)
class SignersFile:
    """The keys of one rule in force. A key must be in every one of these files."""

    name: str  # path and origin
    signers: tuple[Signer, ...] = ()
    problem: str = ""  # why it has no keys

    @classmethod
    def read(cls, name: str, text: str | None) -> SignersFile:
        """Parse the file's text; None: there is no such file."""
        try:
            return cls(name, tuple(parse(text))) if text is not None else cls(name, problem="there is no such file")
        except SignersProblem as problem:
            return cls(name, problem=str(problem))

    def lines(self, key: str) -> list[str]:
        """The lines of this key for ssh-keygen, with `approver` as their only principal."""
        return [
            " ".join(part for part in ("approver", item.options, item.key) if part)
            for item in self.signers
            if item.key == key
        ]


def fingerprint(key: str) -> str:
    """The fingerprint as ssh-keygen prints it."""
    digest = hashlib.sha256(base64.b64decode(key.partition(" ")[2])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def parse(text: str) -> list[Signer]:
    """Parse all keys of a file. SignersProblem if a line is invalid or has options."""
    if len(text) > LARGEST:
        raise SignersProblem(f"it has more than {LARGEST} characters")
    return [
        _signer(line.strip(), number)
        for number, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")
    ]  # fmt: skip


def people(files: Iterable[Iterable[Signer]], mailmap: Mailmap = EMPTY) -> Mapping[str, frozenset[str]]:
    """All addresses of each key's owner. Keys that share an address, in any file or by the mailmap, have the same
    owner."""
    groups: list[tuple[set[str], set[str]]] = []
    for signer in (signer for file in files for signer in file):
        keys, addresses = (
            {signer.key},
            {address for principal in signer.principals for address in mailmap.person(principal)},
        )
        joined = [group for group in groups if group[0] & keys or group[1] & addresses]
        for group in joined:
            keys |= group[0]
            addresses |= group[1]
            groups.remove(group)
        groups.append((keys, addresses))
    return {key: frozenset(addresses) for keys, addresses in groups for key in keys}


def _signer(line: str, number: int) -> Signer:
    found = LINE.fullmatch(line)
    if found is None:
        raise SignersProblem(f"line {number} is not `ADDRESS[,ADDRESS…] [OPTIONS] KEY-TYPE KEY`")
    options = found["options"] or ""
    if AUTHORITY in (option.strip().lower() for option in options.split(",")):
        raise SignersProblem(
            f"line {number}: `{AUTHORITY}` is not supported, since a CA could add people: list the key of each person"
        )
    try:
        principals = tuple(
            _principal(text, number) for text in found["principals"].strip('"').split(",") if text.strip()
        )
    except UsageError as error:
        raise SignersProblem(f"line {number}: {error.message}") from error
    if not principals:
        raise SignersProblem(f"line {number} has no address")
    return Signer(f"{found['type']} {found['key']}", principals, options)


def _principal(text: str, number: int) -> str:
    if any(sign in text for sign in "*?!"):
        raise SignersProblem(f"line {number}: `{text}` is a pattern: list each person's address")
    return identity(text)
