"""No job is lost or done twice because of a deployment: jobs come steadily while releases go on and come back."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.system.conftest import Make
from tests.system.tiny import Tiny, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

DOCKERFILE = 'FROM redis:7\nCOPY name work.sh /\nENTRYPOINT []\nCMD ["sh", "/work.sh"]\n'
# A job is its number and the seconds that it takes. It is taken in one step, and done when it is counted as done.
WORKER = """\
ask() { redis-cli -u "$REDIS_URL" "$@"; }
trap 'stop=1' TERM
while [ -z "$stop" ]; do
  job=$(ask BLMOVE jobs taken LEFT RIGHT 1)
  [ -n "$job" ] || continue
  ask HINCRBY begun $job 1
  sleep ${job#*:}
  ask HINCRBY done $job 1
  ask HSET by $job $SHIPWAY_RELEASE
  ask LREM taken 1 $job
done
"""
PRODUCER = "rm -f /tmp/enough; i=0; while [ ! -e /tmp/enough ]; do i=$((i+1)); redis-cli RPUSH jobs $i:0.3; redis-cli SET put $i; sleep 0.2; done"


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """A site with two workers on a queue. Each test leaves it empty, with some release."""
    project = make()
    worker = {"build": "worker", "replicas": 2, "drain": "20s"}
    project.plan["services"] |= {"worker": worker}
    project.plan["accessories"] = {"cache": {"image": "redis:7", "provides": "REDIS_URL"}}
    release(project, "one")
    return project


def release(project: Tiny, name: str) -> None:
    project.change(name, files={"worker/Dockerfile": DOCKERFILE, "worker/work.sh": WORKER, "worker/name": name})
    project.shipway("run", "staging")


def number(project: Tiny) -> str:
    """Of the release that serves."""
    return str(project.deployments("staging")[0]["release"])


def workers(project: Tiny, release: str) -> list[str]:
    """States of a release's."""
    return list(project.containers(name="worker", release=release).values())


def queue(project: Tiny, *args: str) -> list[str]:
    """What Redis answers, line by line."""
    command = ["docker", "exec", f"{project.app}_staging_cache", "redis-cli", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def table(project: Tiny, name: str) -> dict[str, str]:
    found = queue(project, "HGETALL", name)
    return dict(zip(found[::2], found[1::2], strict=True))


def test_each_job_is_done_once(shop: Tiny) -> None:
    cache = f"{shop.app}_staging_cache"
    subprocess.run(["docker", "exec", "--detach", cache, "sh", "-c", PRODUCER], check=True)
    soon(lambda: len(table(shop, "done")) > 3)
    release(shop, "two")
    release(shop, "three")
    soon(lambda: "3" in table(shop, "by").values())
    shop.shipway("rollback", "staging")
    done = len(table(shop, "done"))
    soon(lambda: len(table(shop, "done")) > done + 5)
    subprocess.run(["docker", "exec", cache, "touch", "/tmp/enough"], check=True)
    time.sleep(1)
    (count,) = queue(shop, "GET", "put")
    jobs = {f"{number}:0.3": "1" for number in range(1, int(count) + 1)}
    soon(lambda: queue(shop, "LLEN", "jobs") == ["0"] and queue(shop, "LLEN", "taken") == ["0"])
    assert len(jobs) > 20
    assert table(shop, "begun") == jobs
    assert table(shop, "done") == jobs
    assert set(table(shop, "by").values()) == {"1", "2", "3"}


@pytest.mark.parametrize("leave", [pytest.param("deploy", marks=pytest.mark.full), "rollback"])
def test_a_long_job_is_finished_by_the_worker_that_is_told_to_stop(shop: Tiny, leave: str) -> None:
    queue(shop, "FLUSHALL")
    if leave == "rollback":
        release(shop, "before a rollback")
    left = number(shop)
    queue(shop, "RPUSH", "jobs", "1:5")
    soon(lambda: table(shop, "begun") == {"1:5": "1"})
    if leave == "rollback":
        shop.shipway("rollback", "staging")
        soon(lambda: table(shop, "done") != {})
    else:
        release(shop, "over a long job")
    assert table(shop, "done") == {"1:5": "1"}
    assert table(shop, "by") == {"1:5": left}
    assert table(shop, "begun") == {"1:5": "1"}
    soon(lambda: workers(shop, left) == ["exited", "exited"] and workers(shop, number(shop)) == ["running", "running"])
    queue(shop, "RPUSH", "jobs", "2:0")
    assert number(shop) != left
    soon(lambda: table(shop, "by").get("2:0") == number(shop))
