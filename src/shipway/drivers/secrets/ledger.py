"""Secrets in the ledger, encrypted: all machines that share it have the same versions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shipway.domain.errors import KeyMissing, SecretError
from shipway.domain.secret_source import Origin
from shipway.drivers.secrets.file import OldFiles
from shipway.drivers.secrets.key import Key, Keys, missing
from shipway.ports import SecretLedger

KEY = "secrets key"  # property of a ledger: the id of its key
REMOVED = ""  # fingerprint and sealed value of the version that removes a name: the table is append-only


class LedgerSecrets:
    """Implements ports.Secrets. old: folder of the files of older versions, which are moved to the ledger on first use,
    verified there, and removed."""

    def __init__(
        self, ledger: SecretLedger, keys: Keys, old: Path | None = None, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self._ledger, self._keys, self._note = ledger, keys, note
        self._old = OldFiles(old) if old is not None else None
        self._guard = threading.RLock()
        self._key: Key | None = None

    def names(self, scope: str, *, removed: bool = False) -> Mapping[str, int]:
        """Newest version of each; needs no key."""
        self._migrate()
        known = sorted(self._ledger.secrets(scope).items())
        return {name: len(found) for name, found in known if removed or found[-1] != REMOVED}

    def fingerprints(self, scope: str, name: str) -> Sequence[str]:
        """Fingerprints of all versions, from the ledger; needs no key."""
        self._migrate()
        return self._ledger.secrets(scope).get(name, ())

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        """Decrypt a version. KeyMissing if this machine lacks the key."""
        self._migrate()
        number = len(self._ledger.secrets(scope).get(name, ())) if version is None else version
        sealed = self._ledger.sealed_secret(scope, name, number)
        return None if sealed in (None, REMOVED) else self._known_key().open(sealed, _where(scope, name, number))

    def set(self, scope: str, name: str, value: str, *, source: str = "", source_version: str = "") -> int:
        """Encrypt and append; the newest value again keeps its version."""
        version = self._set(scope, name, value)
        known = [item for item in self._ledger.secret_origins(scope).get(name, ()) if item.version == version]
        if not known or (known[-1].source, known[-1].source_version) != (source, source_version):
            self._ledger.add_secret_origin(scope, name, version, source, source_version)
        return version

    def origins(self, scope: str) -> Mapping[str, Sequence[Origin]]:
        """From the ledger; needs no key."""
        return self._ledger.secret_origins(scope)

    def _set(self, scope: str, name: str, value: str) -> int:
        if not value.strip():
            environment = scope.rpartition("/")[2]
            hint = f"type a value, or pipe one in: printf %s VALUE | shipway secret set {environment} {name}"
            raise SecretError(f"the value of {name} is blank", hint=hint)
        self._migrate()
        while True:
            known = self._ledger.secrets(scope).get(name, ())
            if known and known[-1] == self._made_key().fingerprint(value, f"{scope} {name}"):
                return len(known)
            if self._append(scope, name, len(known) + 1, value):
                return len(known) + 1

    def remove(self, scope: str, name: str) -> bool:
        """Append a version without a value; needs no key."""
        self._migrate()
        while True:
            known = self._ledger.secrets(scope).get(name, ())
            if not known or known[-1] == REMOVED:
                return False
            if self._ledger.add_secret(scope, name, len(known) + 1, REMOVED, REMOVED):
                return True

    def key(self) -> Key:
        """The ledger's key, created if there is none yet. KeyMissing if this machine lacks it."""
        return self._made_key()

    def take_key(self, key: Key) -> None:
        """Store a key on this machine. SecretError if it isn't this ledger's."""
        wanted = self._ledger.property(KEY)
        if wanted is not None and wanted != key.id:
            raise SecretError(f"the key {key.id[:8]} belongs to another ledger; this ledger's key is {wanted[:8]}")
        if key.id not in {item.id for item in self._keys.all()}:
            self._keys.add(key)

    def _append(self, scope: str, name: str, version: int, value: str) -> bool:
        """False if the version exists already."""
        key = self._made_key()
        sealed = key.seal(value, _where(scope, name, version))
        return self._ledger.add_secret(scope, name, version, key.fingerprint(value, f"{scope} {name}"), sealed)

    def _known_key(self) -> Key:
        with self._guard:
            if self._key is None:
                wanted = self._ledger.property(KEY) or ""
                self._key = next((item for item in self._keys.all() if item.id == wanted), None)
            if self._key is None:
                raise missing(wanted)
            return self._key

    def _made_key(self) -> Key:
        with self._guard:
            if self._key is None and self._ledger.property(KEY) is None:
                have = self._keys.all()
                made = have[0] if have else Key.new()
                if not have:
                    self._keys.add(made)  # first: encrypted values must never exist without their key
                self._ledger.set_once(KEY, made.id)  # another machine may have been faster
            return self._known_key()

    # files of older versions

    def _migrate(self) -> None:
        with self._guard:
            if self._old is None or not self._old.scopes():
                return
            try:
                self._made_key()
            except KeyMissing:
                return  # the files are kept; reading a value raises the error
            with self._old.alone():
                for scope in self._old.scopes():
                    self._take(scope, self._old)

    def _take(self, scope: str, old: OldFiles) -> None:
        """Safe to be killed in: the file is removed last, and values already in the ledger are recognized by
        fingerprint."""
        key, values = self._made_key(), old.read(scope)
        for name, versions in values.items():
            for number, value in enumerate(versions, 1):
                self._append(scope, name, number, value)
        known = self._ledger.secrets(scope)
        differ = [
            name for name, versions in values.items()
            if list(known.get(name, ()))[: len(versions)] != [key.fingerprint(value, f"{scope} {name}") for value in versions]
        ]  # fmt: skip
        if differ:
            path = old.set_aside(scope)
            text = (
                f"{', '.join(differ)} of {scope}: the values on this machine differ from the ledger's, which are used"
            )
            self._note(
                f"{text}; the old ones are in {path}. Correct wrong values with `shipway secret set`, then remove that file"
            )
            return
        for name, versions in values.items():
            for number, value in enumerate(versions, 1):
                sealed = self._ledger.sealed_secret(scope, name, number)
                if sealed is None or key.open(sealed, _where(scope, name, number)) != value:
                    raise SecretError(f"{name} of {scope} can't be read back from the ledger; its file is kept")
        old.remove(scope)


def _where(scope: str, name: str, version: int) -> str:
    return f"{scope} {name} version {version}"
