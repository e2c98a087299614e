"""What every unit test begins with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shipway.system.redact import of_process


@pytest.fixture(autouse=True)
def _no_known_secrets() -> Iterator[None]:
    """Each test is a process of its own: what one has for a secret may be a word of the next."""
    of_process.cache_clear()
    yield
    of_process.cache_clear()
