"""Secrets in an age-encrypted file of the repository, written by `shipway secret edit`.

The encrypted text begins with the environment that it is for, and with those who can read it. So a commit can neither give
one environment's file to another environment, nor add a reader for the next edit: it would have to decrypt the file.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from types import ModuleType
from typing import Any

from shipway.domain import dotenv
from shipway.domain.errors import SecretError
from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.domain.value import dataclass
from shipway.drivers.secret_provider.operator import Operator
from shipway.system.installation import age_library

VARIABLE = "SHIPWAY_AGE_IDENTITY"  # a file with identities, or an identity itself
IDENTITY = "age-identity"  # the file in the home folder without it
_FIRST = re.compile(r"# secrets of (\S+)\n# recipients: ([^\n]*)\n")


@dataclass(frozen=True)
class AgeFile:
    """The decrypted file."""

    scope: str  # app/environment
    recipients: tuple[str, ...]  # public keys: age1… or of SSH
    text: str = field(repr=False)  # lines NAME=value

    @property
    def whole(self) -> str:
        """What is encrypted."""
        return f"# secrets of {self.scope}\n# recipients: {', '.join(self.recipients)}\n{self.text}"


class Age:
    """Implements ports.SecretProvider. Keys are the names in the file; their version is a digest of the encrypted file."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._path, self._operator = source.place, operator

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """Decrypts in memory."""
        content = self._operator.content
        if content is None:
            raise SecretError(f"the release has no file {self._path}", hint="commit it, and build a release with it")
        found = decrypt(content, self._path, self._operator)
        values = {item.name: item.value for item in dotenv.parse(found.text).found}
        version = hashlib.sha256(content).hexdigest()[:12]
        return {key: ProvidedSecret(values[key], version) for key in keys if key in values}


def decrypt(content: bytes, path: str, operator: Operator) -> AgeFile:
    """SecretError if no identity of this machine fits, or if the file is another environment's."""
    pyrage = age_library(SecretError)
    try:
        text = pyrage.decrypt(content, identities(operator)).decode("utf-8")
    except pyrage.DecryptError as error:
        raise SecretError(
            f"{path} can't be decrypted: {error}", hint=f"it needs an identity of one of its recipients, see {VARIABLE}"
        ) from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text") from None
    begin = _FIRST.match(text)
    if begin is None:
        raise SecretError(
            f"{path} was not written by Shipway: it does not say which environment it is for",
            hint=f"write it with: shipway secret edit {operator.scope.rpartition('/')[2]}",
        )
    if begin[1] != operator.scope:
        raise SecretError(
            f"{path} has the secrets of {begin[1]}, not of {operator.scope}: it was copied or renamed",
            hint="each environment has a file of its own",
        )
    return AgeFile(begin[1], tuple(item for item in begin[2].split(", ") if item), text[begin.end() :])


def encrypt(file: AgeFile) -> bytes:
    """In ASCII, so that git shows it as text. SecretError for an invalid recipient."""
    pyrage = age_library(SecretError)
    return bytes(
        pyrage.encrypt(file.whole.encode(), [_recipient(pyrage, text) for text in file.recipients], armored=True)
    )


def check_recipient(text: str) -> None:
    """SecretError if it is none."""
    _recipient(age_library(SecretError), text)


def own_recipients(operator: Operator) -> list[str]:
    """The public keys of this machine's age identities; of SSH identities, none are derived."""
    return [str(item.to_public()) for item in identities(operator) if hasattr(item, "to_public")]


def create_identity(operator: Operator) -> Path:
    """Create one in the home folder, readable only by its owner; its path."""
    from shipway.system.private_file import write_private

    path = operator.home / IDENTITY
    identity = age_library(SecretError).x25519.Identity.generate()
    write_private(path, f"# public key: {identity.to_public()}\n{identity}\n")
    return path


def has_identity(operator: Operator) -> bool:
    """Whether this machine has an identity."""
    return bool(operator.environ.get(VARIABLE)) or (operator.home / IDENTITY).exists()


def identities(operator: Operator) -> list[Any]:
    """This machine's. SecretError if there is none, or if others can read their file."""
    given = operator.environ.get(VARIABLE, "").strip()
    pyrage = age_library(SecretError)
    if given.startswith("AGE-SECRET-KEY-"):
        return _parsed(pyrage, given, VARIABLE)
    path = Path(given).expanduser() if given else operator.home / IDENTITY
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SecretError(f"{path} can be read by other users of this machine", hint=f"chmod 600 {path}")
        return _parsed(pyrage, path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        hint = f"set {VARIABLE} to the file of an identity; `shipway secret edit` creates one for a new file"
        raise SecretError(f"this machine has no age identity: there is no {path}", hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path} can't be read: {getattr(error, 'strerror', '') or 'it is not text'}") from None


def _parsed(pyrage: ModuleType, text: str, where: str) -> list[Any]:
    try:
        if "-----BEGIN" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        found = []
    if not found:
        raise SecretError(
            f"{where} has no valid age identity", hint="a line AGE-SECRET-KEY-1…, or a private key of SSH"
        )
    return found


def _recipient(pyrage: ModuleType, text: str) -> Any:
    try:
        return (pyrage.ssh if text.startswith("ssh-") else pyrage.x25519).Recipient.from_str(text)
    except pyrage.RecipientError:
        raise SecretError(f"{text[:80]!r} is not a recipient", hint="age1…, or a public key of SSH") from None


def write_file(path: Path, content: bytes) -> None:
    """Replace the file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SecretError(f"{path} can't be written: {error.strerror}") from None
