"""What several folders of tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.matrix import FULL, sample
from tests.nodes import Nodes, running_nodes


def pytest_configure(config: pytest.Config) -> None:
    """A shell starts background processes with SIGINT ignored, and these pass that on: also to commands that tests interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    template = Path(tempfile.mkdtemp(prefix="template-"))  # no repository needs copies of git's examples of hooks
    config.add_cleanup(lambda: shutil.rmtree(template))
    for name in ("hooks", "info"):
        (template / name).mkdir()
    template.chmod(0o755)  # some tests act as somebody else
    os.environ["GIT_TEMPLATE_DIR"] = str(template)
    os.environ["SHIPWAY_SYFT"] = "off"  # a scan of each image takes longer than its build
    os.environ.pop("CI", None)  # the platform that runs the tests is not the one whose jobs they are about


def pytest_collection_finish() -> None:
    """What was collected stays to the end: each search for garbage goes through a million objects less. And there are fewer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """pytest looks for garbage five times at the end: after the first time, there is nothing to go through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """Two hosts by SSH, node1 and node2. A test that kills one starts it again."""
    with running_nodes(2) as found:
        yield found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of the usual run what is marked `full`, and of tests with a `share` all but an even sample."""
    _keep(config, items, [item for item in items if FULL or "full" not in item.keywords])
    groups: dict[tuple[object, float], list[pytest.Item]] = {}
    for item in items:
        mark = item.get_closest_marker("share")
        groups.setdefault((item.parent, mark.args[0] if mark else 1.0), []).append(item)
    kept = {item for (_, share), group in groups.items() for item in sample(group, share)}
    _keep(config, items, [item for item in items if item in kept])


def _keep(config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]) -> None:
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=list(set(items) - set(kept)))
        items[:] = kept
