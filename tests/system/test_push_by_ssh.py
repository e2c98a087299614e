"""A push by SSH to a bare repository with the hook, where a worker runs what is pushed."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from shipway.domain.release import SUCCEEDED
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.test_queue import pushes, workers
from tests.system.tiny import soon

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]


def test_a_push_that_is_too_large_is_refused_and_nothing_of_it_stays(make: Make, nodes: Nodes) -> None:
    project = make()
    project.env["PATH"] = f"{nodes.bin}:{project.env['PATH']}"
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", f"ssh://node1{project.remote}")
    project.shipway("init", "--hook", str(project.remote), "--largest-push", "1M")
    (project.clone / "large").write_bytes(os.urandom(3 << 20))
    project.git("add", "large")
    project.git("commit", "--quiet", "--message", "large")
    refused = project.git("push", "origin", "HEAD:refs/heads/large", check=False)
    assert refused.code != 0
    assert "pack exceeds maximum allowed size" in refused.output
    assert project.git("ls-remote", "origin").output.strip() == ""
    assert list((project.remote / "objects").rglob("*tmp*")) == []


def test_its_output_comes_back_and_who_disconnects_stops_nothing(make: Make, nodes: Nodes) -> None:
    """The server with SSH is node1, which sees the files of this machine."""
    project = make()
    project.env["PATH"] = f"{nodes.bin}:{project.env['PATH']}"
    project.write({"slow.sh": "true\n"})
    project.pipeline(checks={"run": "sh slow.sh"})
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", f"ssh://node1{project.remote}")
    project.shipway("init", "--hook", str(project.remote))
    project.protect()
    worker = project.start("worker")
    worker.until("works on the queue")
    try:
        shown = project.git("push", "origin", "main", "staging").output
        assert "remote: push" in shown
        assert "is queued" in shown
        assert "deploy" in shown
        assert project.answer() == "one"

        before = pushes(project)[0].id
        project.change("two", files={"slow.sh": "sleep 3\n"})
        pushing = subprocess.Popen(
            ["git", "push", "--quiet", "origin", "staging"], cwd=project.clone, env=project.env, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        # The last one's process may be about to end.
        soon(lambda: pushes(project)[0].id > before and workers(project), 90)
        os.killpg(pushing.pid, signal.SIGKILL)
        pushing.wait()
        soon(lambda: pushes(project)[0].ended, 90)
        assert pushes(project)[0].outcome == SUCCEEDED
        assert project.answer() == "two"
    finally:
        worker.press_ctrl_c()
        worker.end()
