"""What every unit test begins with."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shipway import store
from shipway.store import sqlite
from shipway.system.redact import of_process

# On a busy machine, making an example may take any time: that says nothing of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _no_known_secrets() -> Iterator[None]:
    """Each test is a process of its own: what one has for a secret may be a word of the next."""
    of_process.cache_clear()
    yield
    of_process.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _cheap_ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """New ones are copies of one that was made in earnest: to migrate each takes longer than most tests. The conformance tests
    make all of theirs."""
    model = tmp_path_factory.mktemp("ledger") / "ledger.db"
    store.open_ledger(model).close()

    def copied(path: Path, clock: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        shutil.copyfile(model, draft)
        with suppress(FileExistsError):  # another thread was faster
            os.link(draft, path)
        draft.unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_make", copied)
        patch.setattr(sqlite, "RESERVE", 1 << 16)  # 4 MB for each are more than all the rest that is written
        yield
