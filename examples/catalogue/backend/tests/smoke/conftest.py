from collections.abc import Iterator

import httpx2
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--base-url", required=True, help="the address of a running catalogue")


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=request.config.getoption("--base-url"), timeout=10) as client:
        yield client
