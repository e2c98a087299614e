"""The page of a system test."""

from __future__ import annotations

from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Result, SystemTest
from shipway.proving.report.system_test_page import system_test_page


def test_every_result_is_there_and_escaped() -> None:
    results = (
        Result("service web", PASSED, "200", seconds=1.5),
        Result("check <front>", FAILED, "exited with 1", "see <logs>"),
        Result("load", NOT_TESTED, "the plan asks for none"),
    )
    page = system_test_page(SystemTest("shop", "staging", "http://x", 3, "v1", 0.0, 2.0, results))
    assert "check &lt;front&gt;" in page
    assert "see &lt;logs&gt;" in page
    assert "<front>" not in page
    assert "System test failed: 1 passed, 1 failed, 1 not tested" in page
    assert page.index("Failed</h2>") < page.index("Passed</h2>") < page.index("Not tested</h2>")
    assert "<script" not in page
    assert "default-src &#x27;none&#x27;" in page
