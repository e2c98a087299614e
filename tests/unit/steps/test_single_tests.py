"""Single tests of reports: what real programs write, and what hostile ones do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.single_test import FAILED, FLAKY, PASSED, SKIPPED, SingleTest
from shipway.steps import tests as module
from shipway.steps.junit import TAIL, RawTest, Unreadable, counts
from shipway.steps.tests import MOST, MOST_BAD, Kept
from shipway.system.redact import Redactor

SECRET = "hunter2-Kx9vQz41"
# As jest-junit 16 writes it: no attribute `message`, the text is within the element.
JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="0.42">
  <testsuite name="cart" errors="0" failures="1" skipped="0" timestamp="2024-05-01T10:00:00" time="0.3" tests="2">
    <testcase classname="cart adds" name="cart adds" time="0.002" file="src/cart.test.js">
    </testcase>
    <testcase classname="cart sums" name="cart sums" time="0.005" file="src/cart.test.js">
      <failure>Error: expect(received).toBe(expected)

Expected: 3
    at Object.toBe (src/cart.test.js:8:15)</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
# As Maven Surefire writes it with rerunFailingTestsCount.
SUREFIRE = """<testsuite name="org.acme.ShopTest" time="1,234.5" tests="1" errors="0" skipped="0" failures="0">
  <testcase name="buys" classname="org.acme.ShopTest" time="1,234.5">
    <flakyFailure message="expected 1" type="AssertionError"><stackTrace>at ShopTest.java:9</stackTrace></flakyFailure>
  </testcase></testsuite>
"""


def read(text: str | bytes, before: set[tuple[str, str, str]] | None = None) -> list[SingleTest]:
    kept = Kept(Redactor({"KEY": SECRET}), before or ())
    counts(iter([text.encode() if isinstance(text, str) else text]), kept.add)
    return kept.tests()


def test_what_jest_writes() -> None:
    bad, good = read(JEST)
    assert good == SingleTest("cart adds", "cart adds", "src/cart.test.js", PASSED, 0.002)
    assert (bad.name, bad.outcome, bad.seconds) == ("cart sums", FAILED, 0.005)
    assert bad.message == "Error: expect(received).toBe(expected)"
    assert bad.output.endswith("at Object.toBe (src/cart.test.js:8:15)")


def test_what_surefire_writes_of_a_test_that_was_repeated() -> None:
    (found,) = read(SUREFIRE)
    assert (found.name, found.outcome, found.seconds, found.message) == ("buys", FLAKY, 1234.5, "expected 1")


@pytest.mark.counterpart
def test_what_pytest_writes(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad():\n    print('seen before')\n    assert 1 == 2, '<b> & \\x1b[31mred'\n"
        "class TestCart:\n    @pytest.mark.skip(reason='later')\n    def test_skipped(self): pass\n"
        "@pytest.fixture\ndef broken(): raise OSError('away')\n"
        "def test_error(broken): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=junit.xml", "test_shop.py"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 1
    found = {item.name: item for item in read((tmp_path / "junit.xml").read_bytes())}
    assert {name: item.outcome for name, item in found.items()} == {
        "test_good": PASSED, "test_bad": FAILED, "test_skipped": SKIPPED, "test_error": FAILED,
    }  # fmt: skip
    bad = found["test_bad"]
    assert bad.suite == "test_shop"
    assert "<b> & " in bad.message
    assert "\x1b" not in bad.message + bad.output
    assert "assert 1 == 2" in bad.output
    assert "seen before" in bad.output
    assert found["test_skipped"].suite == "test_shop.TestCart"
    assert found["test_skipped"].message == "later"
    assert "away" in found["test_error"].message


@pytest.mark.counterpart
def test_what_node_writes(tmp_path: Path) -> None:
    (tmp_path / "shop.test.mjs").write_text(
        "import { test, describe } from 'node:test'; import assert from 'node:assert';\n"
        "test('good', () => {}); test('later', { skip: 'not now' }, () => {});\n"
        "describe('cart', () => { test('sums', () => { assert.strictEqual(1, 2); }); });\n"
    )
    command = ["node", "--test", "--test-reporter=junit", "shop.test.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 1
    found = {item.name: item for item in read(done.stdout)}
    assert {name: item.outcome for name, item in found.items()} == {"good": PASSED, "later": SKIPPED, "sums": FAILED}
    assert found["sums"].suite == "cart"
    assert "1 !== 2" in found["sums"].message + found["sums"].output
    assert found["good"].seconds > 0


def test_names_are_text_and_nothing_else() -> None:
    name = "&lt;script&gt;alert(1)&lt;/script&gt;&#x9b;31m&#x202e;&#10;second"
    text = f'<testsuite><testcase name="{name}" classname="../../etc/passwd" file="/etc/shadow" time="x"/></testsuite>'
    (found,) = read(text)
    assert found == SingleTest("<script>alert(1)</script> second", "../../etc/passwd", "/etc/shadow", PASSED, 0.0)
    assert read("<testsuite><testcase/></testsuite>")[0].name == "(without a name)"


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1e300", ""])
def test_a_duration_that_is_none(seconds: str) -> None:
    assert read(f'<testsuite><testcase name="a" time="{seconds}"/></testsuite>')[0].seconds == 0.0


@pytest.mark.parametrize(
    "data",
    [
        b'<testsuite><testcase name="\xff\xfe"/></testsuite>',
        b'<?xml version="1.0" encoding="no-such"?><testsuite/>',
        b'<?xml version="1.0" encoding="utf-7"?><testsuite/>',
        b'<?xml version="1.0" encoding="idna"?><testsuite/>',
        b'<testsuite><testcase name="&#0;"/></testsuite>',
        b'<testsuite><testcase name="&bomb;"/></testsuite>',
        b'<!DOCTYPE t [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><testsuite/>',
        b'<testsuite><testcase name="a"',
    ],
)
def test_what_can_not_be_read_is_said(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read(data)


def test_texts_are_masked_before_they_are_cut() -> None:
    long = "x" * (module.MESSAGE - 6) + SECRET + "y" * 100
    trace = "z" * TAIL + SECRET[5:] + "\n" + f"{SECRET} & more\n" * 3000
    text = f'<testsuite><testcase name="{"n" * 295}{SECRET}"><failure message="{long}">{trace.replace("&", "&amp;")}</failure></testcase></testsuite>'
    (found,) = read(text)
    whole = found.name + found.message + found.output
    assert not any(SECRET[at : at + 5] in whole for at in range(len(SECRET) - 5))
    assert len(found.name) == module.NAME
    assert len(found.message) <= module.MESSAGE
    assert len(found.output) <= 2 * module.OUTPUT + 2
    assert found.output.endswith("«KEY» & more")


def test_a_part_of_a_secret_at_the_cut_is_not_kept_where_marks_are_short() -> None:
    secret = "s3cr-" + "0123456789abcdefghij" * 100
    kept = Kept(Redactor({"K": secret}), ())
    text = f"{secret}\n" * 9
    kept.add(RawTest("a", "", "", FAILED, 0.0, "", text[-TAIL:], ""))
    (found,) = kept.tests()
    assert "0123456789abcdefghij" not in found.output


def test_the_end_of_an_output_is_kept() -> None:
    lines = "".join(f"line {number}\n" for number in range(100_000))
    text = f'<testsuite><testcase name="a"><failure message="m"/><system-out>{lines}</system-out></testcase><testcase name="b"><system-out>fine</system-out></testcase></testsuite>'
    bad, good = read(text)
    assert bad.output.endswith("line 99999")
    assert bad.output.startswith("…")
    assert good.output == ""


def test_of_many_tests_the_failures_and_the_slowest_are_kept() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<testsuite>"
        for number in range(30_000):
            bad = b"<failure/>" if number % 30 == 0 else b""
            yield b'<testcase name="t%d" time="%d">%s</testcase>' % (number, number, bad)
        yield b"</testsuite>"

    kept = Kept(Redactor({}), {("", "", "t1")})
    assert counts(chunks(), kept.add).tests == 30_000
    found = kept.tests()
    assert len(found) == MOST
    assert [item.name for item in found[:2]] == ["t0", "t30"]
    assert sum(item.outcome == FAILED for item in found) == MOST_BAD
    assert {"t29999", "t1"} <= {item.name for item in found}, "the slowest, and what failed before with the same files"
    assert "t2" not in {item.name for item in found}


def test_a_test_that_is_listed_twice_failed_if_one_of_them_did() -> None:
    case = '<testcase name="a" time="2"/>'
    bad = '<testcase name="a" time="1"><error message="gone"/></testcase>'
    (found,) = read(f"<testsuites><testsuite>{case}</testsuite><testsuite>{bad}</testsuite></testsuites>")
    assert (found.outcome, found.message) == (FAILED, "gone")
