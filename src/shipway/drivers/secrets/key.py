"""The key that encrypts a ledger's secrets. It is stored outside of the ledger, which only has its id."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import stat
from pathlib import Path

from shipway.domain.errors import KeyMissing, SecretError

PREFIX = "swk1_"
VARIABLE = "SHIPWAY_KEY"


class Key:
    """AES-256-GCM and HMAC-SHA256, each with a key derived from 32 random bytes."""

    def __init__(self, text: str) -> None:
        try:
            secret = base64.urlsafe_b64decode(text.strip().removeprefix(PREFIX) + "=")
        except (binascii.Error, ValueError):
            secret = b""
        if not text.strip().startswith(PREFIX) or len(secret) != 32:
            raise SecretError(
                f"that is not a key: a key begins with {PREFIX}", hint="`shipway key export` prints the key of a ledger"
            )
        self._secret = secret
        self.id = self._derive("id").hex()[:16]

    @classmethod
    def new(cls) -> Key:
        """A random key."""
        return cls(PREFIX + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("="))

    @property
    def text(self) -> str:
        """The whole key, to transfer it to another machine."""
        return PREFIX + base64.urlsafe_b64encode(self._secret).decode().rstrip("=")

    def seal(self, value: str, where: str) -> str:
        """Encrypt. Decryption needs the same `where`: a sealed value can't replace another one."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # importing it takes longer than a command may

        nonce = os.urandom(12)
        sealed = AESGCM(self._derive("seal")).encrypt(nonce, value.encode("utf-8", "surrogateescape"), where.encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, where: str) -> str:
        """Decrypt. SecretError if it was modified, or sealed for something else."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(sealed, validate=True)
            value = AESGCM(self._derive("seal")).decrypt(data[:12], data[12:], where.encode())
        except (InvalidTag, ValueError) as error:
            hint = "the ledger was changed: restore it from a backup, or set the secret again"
            raise SecretError(f"the ledger's value of {where} can't be decrypted", hint=hint) from error
        return value.decode("utf-8", "surrogateescape")

    def fingerprint(self, value: str, where: str) -> str:
        """Equal for equal values of the same secret, and meaningless without the key."""
        text = f"{where}\0{value}".encode("utf-8", "surrogateescape")
        return hmac.new(self._derive("fingerprint"), text, hashlib.sha256).hexdigest()[:32]

    def _derive(self, use: str) -> bytes:
        return hmac.new(self._secret, f"shipway {use}".encode(), hashlib.sha256).digest()


class Keys:
    """This machine's keys: those of SHIPWAY_KEY, then those of a file, one per line, readable only by its owner."""

    def __init__(self, file: Path, given: str = "") -> None:
        self._file, self._given = file, given

    def all(self) -> list[Key]:
        """SecretError if others can read the file."""
        try:
            mode = stat.S_IMODE(self._file.stat().st_mode)
            lines = self._file.read_text(encoding="ascii", errors="replace").split()
        except FileNotFoundError:
            mode, lines = 0, []
        except OSError as error:
            raise SecretError(f"the key in {self._file} can't be read: {error.strerror}") from error
        if mode & 0o077:
            raise SecretError(
                f"{self._file} can be read by other users of this machine", hint=f"chmod 600 {self._file}"
            )
        return [Key(text) for text in (*self._given.split(), *lines)]

    def add(self, key: Key) -> None:
        """Add a key to the file."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                _append(handle, f"{key.text}\n".encode())
            finally:
                os.close(handle)
            _keep_entry(self._file.parent)
        except OSError as error:
            raise SecretError(
                f"the key can't be stored in {self._file}: {error.strerror}", hint=f"or set {VARIABLE}"
            ) from error


def _append(handle: int, line: bytes) -> None:
    """The whole line or nothing: a full disk may take only its beginning, and fail at the next write. OSError."""
    size = os.fstat(handle).st_size
    begin = b"" if not size or os.pread(handle, 1, size - 1) == b"\n" else b"\n"
    left = begin + line
    try:
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def _keep_entry(folder: Path) -> None:
    """The file's existence must survive a power failure too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def missing(wanted: str) -> KeyMissing:
    """The error, with a hint how to get the key."""
    return KeyMissing(
        f"this machine lacks the key ({wanted[:8]}) that encrypts the ledger's secrets",
        hint=f"on a machine that has it: `shipway key export`; here: `shipway key import`, or set {VARIABLE}",
    )
