"""The checkouts that run on this machine: what is remembered of each, their local names, and who runs one now."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shipway.domain.development import PORT, SECURE_PORT, Checkout, environment_of, host_of
from shipway.domain.errors import LeaseHeld, StoreError
from shipway.domain.record import from_data, to_data
from shipway.domain.value import dataclass
from shipway.system.locks import exclusive

STATE, LOCK, REQUEST = "checkout.json", "running.lock", "request"


@dataclass(frozen=True)
class State:
    """What is remembered of a checkout between two calls."""

    checkout: Checkout
    migrated: str = ""  # digest over migrations and database, once they were applied
    seeded: str = ""  # the same of the seed


def folder_of(home: Path, root: Path, plan: str) -> Path:
    """The folder of a checkout: its ledger of runs, its development secrets and its state."""
    return home / "dev" / environment_of(str(root), plan)


def enter(
    home: Path, app: str, root: Path, plan: str, port: int | None = None, secure: bool | None = None
) -> tuple[Path, State]:
    """The folder and the state of a checkout, which gets a local name at its first call. port, secure: None: as before,
    else the defaults."""
    folder = folder_of(home, root, plan)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"{folder} can't be created: {error.strerror}", hint="pass --home FOLDER") from error
    with exclusive(home / "dev" / "names.lock", "the list of checkouts"):
        before = read(folder)
        known = before.checkout if before and before.checkout.app == app else None
        if secure is None:
            secure = known.secure if known else False
        if port is None:
            same = known is not None and known.secure == secure
            port = known.port if known and same else SECURE_PORT if secure else PORT
        host = known.host if known else host_of(app, str(root), _taken(home, folder))
        state = replace(
            before or State(Checkout("", "", "", "", 0)), checkout=Checkout(app, str(root), plan, host, port, secure)
        )
        save(folder, state)
    return folder, state


def known(home: Path) -> list[tuple[Path, State]]:
    """All checkouts of this machine, by their names on the engine."""
    found = [(path.parent, read(path.parent)) for path in sorted((home / "dev").glob(f"*/{STATE}"))]
    return [(folder, state) for folder, state in found if state is not None]


def _taken(home: Path, own: Path) -> list[str]:
    """Local names of other checkouts that still exist."""
    return [
        state.checkout.host for folder, state in known(home) if folder != own and Path(state.checkout.root).is_dir()
    ]


def read(folder: Path) -> State | None:
    """None if nothing is remembered, or it can't be read."""
    try:
        return from_data(State, json.loads((folder / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(folder: Path, state: State) -> None:
    """Replace it in one step."""
    part = folder / f"{STATE}.part"
    part.write_text(json.dumps(to_data(state), indent=2), encoding="utf-8")
    part.replace(folder / STATE)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Only one process runs a checkout. LeaseHeld with the id of the one that does; a process that died holds nothing."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = os.pread(handle, 20, 0).decode(errors="replace").strip()
            raise LeaseHeld(
                f"this checkout is in use by process {process or 'unknown'}",
                hint="`shipway dev status` shows it; Ctrl-C there, or `shipway dev down`, ends it",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def running(folder: Path) -> int | None:
    """The id of the process that runs the checkout; None if none does."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(handle, 20, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(handle)
    return None
