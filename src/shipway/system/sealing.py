"""Encrypt streams to public keys with age, and decrypt them with a private key. Nothing is held in memory as a whole.

The library is optional and imported late: only backups need it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shipway.domain.errors import BackupFailed, Damaged, OtherKey, UsageError
from shipway.system.installation import age_library
from shipway.system.tally import Reader, pushed

RECIPIENT, IDENTITY = "age1", "AGE-SECRET-KEY-"


def _age() -> Any:
    return age_library(UsageError)


def new_key() -> tuple[str, str]:
    """A private key, and its public key."""
    identity = _age().x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def public_key(private: str) -> str:
    """The public key of a private one. UsageError if it is none."""
    return str(_identity(private).to_public())


def encrypted(chunks: Iterator[bytes], recipients: Sequence[str]) -> Iterator[bytes]:
    """The stream, readable by whoever has the private key of one of the recipients. UsageError if one is invalid."""
    age = _age()
    keys = [_recipient(text) for text in recipients]
    source = Reader(iter(chunks))

    def work(file: object) -> None:
        try:
            age.encrypt_io(source, file, keys)
        except Exception as error:
            if source.error is not None:
                raise source.error  # noqa: B904 - it may be this very one
            raise BackupFailed(f"the encryption failed: {error}") from error

    return pushed(work)


def decrypted(chunks: Iterator[bytes], private: str) -> Iterator[bytes]:
    """The plain stream. BackupFailed if the key is another one; Damaged if the content was changed or ends early: then what
    came before must not be used."""
    age, source = _age(), Reader(iter(chunks))
    identity = _identity(private)

    def work(file: object) -> None:
        try:
            age.decrypt_io(source, file, [identity])
        except Exception as error:
            if source.error is not None:
                raise source.error  # noqa: B904 - it may be this very one
            if "No matching keys" in str(error):
                raise OtherKey(
                    "the backup can't be decrypted with this key",
                    hint="pass the private key of one of the recipients it was made for: --identity FILE",
                ) from error
            raise Damaged(f"the backup is damaged: it can't be decrypted ({error})") from error

    return pushed(work)


def check_recipients(recipients: Sequence[str]) -> None:
    """UsageError if one is no public key."""
    for text in recipients:
        _recipient(text)


def read_identity(text: str) -> str:
    """The private key in the text of a file, as `age-keygen` writes it. UsageError without one."""
    for line in text.splitlines():
        if line.strip().startswith(IDENTITY):
            _identity(line.strip())
            return line.strip()
    raise UsageError(
        "that is not a private key", hint=f"it begins with {IDENTITY}; `shipway backup --new-key FILE` makes one"
    )


def _identity(text: str) -> Any:
    try:
        return _age().x25519.Identity.from_str(text.strip())
    except ValueError as error:
        raise UsageError("that is not a private key", hint=f"it begins with {IDENTITY}") from error
    except Exception as error:
        if type(error).__name__ != "IdentityError":
            raise
        raise UsageError("that is not a private key", hint=f"it begins with {IDENTITY}") from error


def _recipient(text: str) -> object:
    try:
        return _age().x25519.Recipient.from_str(text)
    except Exception as error:
        if type(error).__name__ != "RecipientError":
            raise
        raise UsageError(f"{text[:70]!r} is not a public key", hint=f"it begins with {RECIPIENT}") from error
