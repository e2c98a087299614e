"""What several folders of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.matrix import FULL
from tests.nodes import Nodes, running_nodes


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """Two hosts by SSH, node1 and node2. A test that kills one starts it again."""
    with running_nodes(2) as found:
        yield found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave whole matrices out of the usual run."""
    if FULL:
        return
    full = [item for item in items if "full" in item.keywords]
    if full:
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if "full" not in item.keywords]
