"""What several folders of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nodes import Nodes, running_nodes


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """Two hosts by SSH, node1 and node2. A test that kills one starts it again."""
    with running_nodes(2) as found:
        yield found
