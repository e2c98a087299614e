"""The page in a real browser: on a desktop and a phone, dark and light, with a keyboard and for a screen reader; and live."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from shipway.domain.preview import OPEN, Preview
from shipway.domain.provenance import ImageSbom
from shipway.domain.single_test import FAILED, PASSED, SKIPPED, SingleTest
from shipway.testing.memory_sbom import MemorySbom
from tests import programs
from tests.system.conftest import Make
from tests.system.test_serve import ADA, GRACE, Place
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.engine, pytest.mark.counterpart, pytest.mark.timeout(900)]
SIZES = {"desktop": 1280, "phone": 420}
PATIENCE = 60_000.0  # milliseconds for what a busy machine does


@pytest.fixture(scope="module")
def place(make: Make) -> Iterator[Place]:
    """staging runs the second of two releases, and production waits for an approval."""
    project = make()
    project.write({"slow.sh": "echo fine\n"})
    project.pipeline(checks={"run": "if [ -e slow.sh ]; then sh slow.sh; fi"})
    project.protect()
    found = Place(project)
    project.git("remote", "add", "origin", found.address(found.token))
    project.git("push", "--quiet", "origin", "main", "staging")
    project.shipway("signing", "create")
    project.change("two")
    project.git("push", "--quiet", "origin", "staging")
    assert project.answer() == "two"
    project.promote("v1")
    project.git("push", "--quiet", "origin", "main", "v1")
    with closing(project.ledger()) as ledger:
        for release in ledger.releases(project.app):
            packages = {"openssl": f"3.0.{release.number}", f"only-{release.number}": "1"}
            tool = MemorySbom({"": packages})
            image = release.images["web"]
            ledger.add_image_sbom(ImageSbom(project.app, image, tool.tool(), tool.scan(image), 1.0))
    with_tests(project)
    with_previews(project)
    yield found
    found.server.press_ctrl_c()
    found.server.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=programs.program("chromium"), args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser: Browser, place: Place, *, who: str = GRACE, **options: Any) -> tuple[Page, list[str]]:
    """A page of somebody who has signed in, and what its console complains about."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    link = place.project.shipway("user", "login-link", who, "--url", place.url).output.splitlines()[0]
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{place.url}/apps/{place.project.app}")
    return page, complaints


def with_tests(project: Tiny) -> None:
    """Run 2 as if its steps had written reports: with a failure, a flaky test, long names, and many others."""
    ledger = project.ledger()
    long = "a_very_long_name_of_a_test_" * 8
    bad = SingleTest(
        long, "tests.cart." + "Deep" * 20, "tests/cart.py", FAILED, 1.25, "expected 1, got 2", f"trace\n{long}\n" * 9
    )
    good = [SingleTest(f"test_{number}", "tests.cart", "", PASSED, number / 100) for number in range(150)]
    flaky = SingleTest("test_sometimes", "tests.cart", "", FAILED, 0.5, "timed out", "waited")
    ledger.add_tests(2, "unit", 0, [bad, flaky])
    later = SingleTest("test_later", "tests.cart", "", SKIPPED, 0.0, "not on this machine")
    ledger.add_tests(2, "unit", 1, [bad, replace(flaky, outcome=PASSED), *good, later])
    ledger.close()


def with_previews(project: Tiny) -> None:
    """Two, as if they had been dealt with: one that failed, with long names, and one that is ready."""
    with closing(project.ledger()) as ledger:
        later = ledger.now() + 2 * 86400
        for number, branch, problem in (
            (7, "a-branch-with-a-long-name/" * 4, "the step unit failed: expected 1, got 2 " * 4),
            (8, "fix", ""),
        ):
            made = ledger.want_preview(Preview(project.app, number, branch, "a" * 40, OPEN, ADA, 0.0))
            ledger.record_preview(replace(made, done=made.head, problem=problem, ends=later))


def paths(project: Tiny) -> list[str]:
    """Every page."""
    app = f"/apps/{project.app}"
    made = project.deployments("staging")[0]["id"]
    return [
        app, f"{app}/runs", f"{app}/runs/2", f"{app}/runs/2?tests=all", f"{app}/runs?pull=7&commit={'a' * 40}", f"{app}/deployments/staging/{made}", "/queue", "/queue/1", "/api",
        f"{app}/environments/staging/rollback", "/nosuch", "/account/codes", "/account/password",
        f"{app}/releases", f"{app}/releases/1", f"{app}/releases/2?to=production", f"{app}/releases/2?to=staging",
        f"{app}/runs/2/steps/checks", f"{app}/runs/2/steps/checks?search=nothing",
        f"{app}/environments/staging/deploy?release=1", f"{app}/environments/staging/logs", f"{app}/environments/staging/logs?service=web&follow=1",
        f"{app}/releases/2/packages",
        f"{app}/insights", f"{app}/database", f"{app}/jobs", f"{app}/secrets", "/audit", "/audit?kind=nothing",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_and_can_be_used(browser: Browser, place: Place, size: str, scheme: str) -> None:
    view = {"width": SIZES[size], "height": 900}
    page, complaints = opened(browser, place, who=ADA, viewport=view, color_scheme=scheme)
    axe = (programs.published("axe") / "package" / "axe.min.js").read_text()
    for path in paths(place.project):
        page.goto(place.url + path, wait_until="domcontentloaded")
        page.get_by_role("heading", level=1).wait_for()
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        page.evaluate(axe)
        found = page.evaluate("axe.run()")["violations"]
        assert not found, (path, [(item["id"], [node["html"] for node in item["nodes"]]) for item in found])
        if folder := os.environ.get("SCREENSHOTS"):
            name = path.strip("/").replace("/", "-").replace("?", "-").replace(place.project.app, "app")
            page.screenshot(path=Path(folder) / f"{name}-{size}-{scheme}.png")
    assert [text for text in complaints if "404" not in text] == []  # of /nosuch
    page.context.close()


def test_where_images_come_from_and_which_packages_differ(browser: Browser, place: Place) -> None:
    [key] = place.project.json("signing", "list", "--json")
    page, complaints = opened(browser, place)
    deployed = place.project.deployments("staging")[0]
    page.goto(f"{place.url}/apps/{place.project.app}/deployments/staging/{deployed['id']}")
    page.get_by_role("link", name="Where its images come from").click()
    page.get_by_role("heading", level=1, name="Release 2").wait_for()
    table = page.get_by_role("table").first.inner_text()
    assert f"signed by {key['id']}" in table
    assert f"from {place.project.git('rev-parse', 'staging').output[:12]}" in table
    changed = page.get_by_role("region", name="Packages of web").inner_text()
    assert [line.split("\t") for line in changed.splitlines()[1:]] == [
        ["openssl", "3.0.1", "3.0.2", "deb, changed"],
        ["only-2", "—", "1", "deb, added"],
        ["only-1", "1", "—", "deb, removed"],
    ]
    page.get_by_role("link", name="run 3").click()
    page.get_by_role("heading", level=1).wait_for()
    assert complaints == []
    page.context.close()


def test_the_sign_in_without_javascript_and_with_a_keyboard(browser: Browser, place: Place) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(place.url)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.get_by_label("E-mail address").fill(GRACE)
    page.get_by_label("Password").fill("a wrong password")
    page.keyboard.press("Enter")
    assert "is wrong" in page.get_by_role("alert").inner_text()
    page.context.close()


def test_a_board_and_a_log_go_on_by_themselves(browser: Browser, place: Place) -> None:
    project = place.project
    page, complaints = opened(browser, place)
    page.locator(".env").first.get_by_text("Version two").wait_for()
    project.change("three", files={"slow.sh": "for i in 1 2 3; do echo line $i; sleep 1; done\n"})
    pushing = subprocess.Popen(
        ["git", "push", "--quiet", "origin", "staging"], cwd=project.clone, env=project.env, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE)
    newest = other.locator("tbody tr").first
    other.goto(f"{place.url}/queue")
    while "in progress" not in newest.inner_text() and pushing.poll() is None:
        other.goto(f"{place.url}/queue", wait_until="domcontentloaded")
    newest.get_by_role("link").first.click()
    other.get_by_text("line 3").wait_for()  # the page is not loaded again
    other.get_by_role("heading", name="succeeded").wait_for()
    page.locator(".env").first.get_by_text("Version three").wait_for()
    assert pushing.wait(60) == 0
    assert complaints == []
    page.context.close()


def test_approve_and_deploy_by_clicks(browser: Browser, place: Place) -> None:
    page, complaints = opened(browser, place, viewport={"width": SIZES["phone"], "height": 900})
    place.project.git("push", "--quiet", "origin", "staging")
    page.goto(f"{place.url}/apps/{place.project.app}")
    page.get_by_label("Note for r").first.fill("I looked at staging")  # the other one is of the release that waits
    page.get_by_role("button", name="Approve r").first.click()
    page.get_by_role("heading", name="Approved").wait_for()
    assert f"{GRACE} approved release" in page.locator("pre").inner_text()
    assert complaints == []
    page.context.close()
