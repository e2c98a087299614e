"""A release that waits is approved on the page, and the server dies by SIGKILL before or after each write that this brings, together
with the process that writes, or alone. The next server completes it: approved once, deployed once, nothing lost."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.release import SUCCEEDED
from tests.system.conftest import Make
from tests.system.test_serve import GRACE, Browser, Place
from tests.system.tiny import Running, soon

pytestmark = [pytest.mark.engine, pytest.mark.share(0.25), pytest.mark.timeout(600)]

# Loaded by each Python process of the server. The file `next` says at which call to die: it counts once.
DYING = """
import functools, os, signal
folder = os.path.dirname(__file__)
after = []

def wanted(call, when):
    try:
        found = open(f"{folder}/next").read().split()
        if found[:2] == [call, when]:
            os.rename(f"{folder}/next", f"{folder}/done")
            return found[2]
    except OSError:
        pass

def die(who):
    if who:
        os.kill(int(open(f"{folder}/server").read()), signal.SIGKILL)
    if who == "both":
        os.kill(os.getpid(), signal.SIGKILL)

def dying(owner, name):
    whole = getattr(owner, name)
    @functools.wraps(whole)
    def method(self, *args, **more):
        die(wanted(name, "before"))
        found = whole(self, *args, **more)
        die(wanted(name, "within"))
        after.append(wanted(name, "after"))
        return found
    setattr(owner, name, method)

def committing(owner):
    whole = owner.write
    @functools.wraps(whole)
    def write(self, work):
        found = whole(self, work)
        while after and not getattr(self._local, "open", False):
            die(after.pop())
        return found
    owner.write = write

try:
    from shipway.store.decisions import SqlDecisions
    from shipway.store.deployments import SqlDeployments
    from shipway.store.sqlite import SqliteDatabase
    from shipway.store.waiting import SqlWaiting
except ImportError:  # a Python of another program
    pass
else:
    dying(SqlDecisions, "add_approval")
    dying(SqlWaiting, "begin_waiting")
    dying(SqlWaiting, "end_waiting")
    dying(SqlDeployments, "begin_deployment")
    dying(SqlDeployments, "end_deployment")
    committing(SqliteDatabase)
"""
CALLS = [
    ("add_approval", "both"), ("add_approval", "server"), ("begin_waiting", "both"), ("begin_deployment", "both"),
    ("begin_deployment", "server"), ("end_deployment", "both"), ("end_waiting", "both"),
]  # fmt: skip
# before: not written yet. within: written, and not committed. after: committed, and nobody was told.
MOMENTS = [f"{call} {when} {who}" for call, who in CALLS for when in ("before", "within", "after")]


class Dying(Place):
    """A server whose death can be arranged."""

    folder: Path

    def serve(self) -> Running:
        self.folder = self.project.folder / "dying"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "sitecustomize.py").write_text(DYING)
        path = self.project.env.get("PYTHONPATH", "")
        self.project.env["PYTHONPATH"] = f"{self.folder}{os.pathsep}{path}"
        try:
            server = super().serve()
        finally:
            self.project.env["PYTHONPATH"] = path
        (self.folder / "server").write_text(str(server.pid))
        return server


@pytest.fixture(scope="module")
def place(make: Make) -> Iterator[Dying]:
    found = Dying(make())
    project = found.project
    project.protect()
    project.git("remote", "add", "origin", found.address(found.token))
    project.git("push", "origin", "main", "staging")
    yield found
    found.server.press_ctrl_c()
    found.server.end()


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_is_approved_and_deployed_once(place: Dying, moment: str) -> None:
    project, number = place.project, MOMENTS.index(moment) + 1
    name = f"version-{number}"
    project.change(name)
    project.git("push", "origin", "staging")
    project.promote(f"v{number}")
    pushed = project.git("push", "origin", "main", f"v{number}").output
    assert "the deployment waits for that" in pushed, pushed
    board, release = f"/apps/{project.app}", project.status("production")["waiting"]["release"]
    grace = place.browser(GRACE)
    soon(lambda: f"Approve r{release}" in grace.get(board)[1], 90)
    (place.folder / "next").write_text(moment)
    approve(grace, board)
    soon(lambda: not place.server.running(), 120)
    assert not (place.folder / "next").exists()
    place.server = place.serve()
    grace = place.browser(GRACE)
    if not approvals(place, release):  # the answer never came: she looks, and does it again
        assert moment in ("add_approval before both", "add_approval within both")
        soon(lambda: f"Approve r{release}" in grace.get(board)[1], 90)
        approve(grace, board)
    soon(lambda: project.answer("production") == name, 120)
    soon(lambda: project.status("production")["waiting"] is None, 120)
    assert approvals(place, release) == [GRACE]
    ledger = project.ledger()
    made = [item.outcome for item in ledger.deployments_of(project.app, "production", release)]
    assert made.count(SUCCEEDED) == 1
    assert ledger.pending(project.app, "production") == []
    ledger.close()


def approve(browser: Browser, board: str) -> None:
    """Whatever becomes of the answer."""
    try:
        browser.send(board, f"{board}/environments/production/approve", note="fine")
    except (OSError, http.client.HTTPException):
        pass


def approvals(place: Dying, release: int) -> list[str]:
    ledger = place.project.ledger()
    found = [item.actor for item in ledger.approvals(place.project.app, "production", release)]
    ledger.close()
    return found
