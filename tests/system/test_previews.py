"""Previews of pull requests on a real engine: made, updated, closed, filled with masked data, asleep and woken."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from examples.project import Done, get
from shipway.domain.errors import PreviewFull, UsageError
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.secrets.key import Keys
from shipway.drivers.secrets.ledger import LedgerSecrets
from tests import prepared
from tests.system.conftest import Make
from tests.system.tiny import NOT_THERE, Tiny, effects, soon

pytestmark = pytest.mark.engine

OWNERS = {
    "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
    "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
}
DATABASES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'shipway%'"


MADE: list[Tiny] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what a failed test has left."""
    yield
    while MADE:
        project = MADE.pop()
        for number in listed(project):
            project.shipway("preview", "close", str(number), check=False)


def begun(make: Make, *, database: bool = False, plan: dict[str, Any] | None = None, **previews: Any) -> Tiny:
    """A project whose protected plan has previews, with a branch `feature` checked out. plan: changes of its web service."""
    project = make(database=database)
    project.plan["previews"] = {"like": "staging", "domain": f"pr-{{number}}.{project.app}.localhost", **previews}
    project.plan["services"]["web"] |= plan or {}
    project.protect()
    project.git("switch", "--quiet", "--create", "feature")
    MADE.append(project)
    return project


def secret(project: Tiny, name: str, value: str) -> None:
    done = prepared.run(["secret", "set", "staging", name], project.where, project.env, merged=True, text=value)
    assert done.returncode == 0, done.stdout


def variables(project: Tiny, environment: str) -> Mapping[str, str]:
    """Those of its service's container."""
    project.drained()
    [name] = [
        name
        for name, state in project.containers(environment=environment, role="service").items()
        if state == "running"
    ]
    return DockerRuntime(Engine()).variables(name)


def address(project: Tiny, number: int) -> str:
    return f"http://pr-{number}.{project.app}.localhost:{project.port}"


def answer(project: Tiny, number: int) -> str:
    status, body = get(address(project, number))
    return body if status == 200 else f"HTTP status {status}: {body}"


def listed(project: Tiny) -> dict[int, dict[str, Any]]:
    return {item["number"]: item for item in project.json("preview", "list")}


def left(project: Tiny, environment: str) -> dict[str, object]:
    """All that is there of a preview."""
    ledger = project.ledger()
    secrets = LedgerSecrets(ledger, Keys(project.home / "key")).names(f"{project.app}/{environment}")
    ledger.close()
    return {
        "containers": project.containers(environment=environment),
        "networks": [name for name in project.networks() if f"_{environment}" in name],
        "volumes": [name for name in project.volumes() if f"_{environment}_" in name],
        "secrets": list(secrets),
        "previews": list(listed(project)),
    }


def gone(project: Tiny, environment: str) -> None:
    found = left(project, environment)
    assert not any(found.values()), found


def test_it_is_made_updated_and_closed_and_leaves_nothing(make: Make) -> None:
    project = begun(make, plan={"secrets": ["KEY", "TOKEN"]}, secrets=["TOKEN"])
    secret(project, "TOKEN", "staging-token")
    secret(project, "KEY", "staging-key")
    first = project.change("first")
    done = project.shipway("preview", "open", "12", "feature")
    assert address(project, 12) in done.output
    assert answer(project, 12) == "first"
    assert project.answer("staging").startswith(NOT_THERE)
    found = listed(project)[12]
    assert (found["state"], found["branch"], found["commit"]) == ("ready", "feature", first)
    assert found["ends"] > 0
    values = variables(project, "pr-12")
    assert values["TOKEN"] == "staging-token"
    assert values["KEY"] not in ("", "staging-key")

    # The other commands know it as any environment.
    assert project.status("pr-12")["services"] == {"web": [1, 1]}
    assert "I am first" in project.shipway("logs", "pr-12").output
    assert "first" in project.shipway("exec", "pr-12", "web", "--", "cat", "name").output

    # A commit's own plan decides neither its name nor what it gets.
    project.plan["previews"] |= {"domain": "pr-{number}.elsewhere.localhost", "secrets": ["KEY", "TOKEN"]}
    project.change("second")
    project.shipway("preview", "open", "12", "feature")
    assert answer(project, 12) == "second"
    assert variables(project, "pr-12")["KEY"] == values["KEY"]
    project.shipway("rollback", "pr-12")
    assert answer(project, 12) == "first"

    project.shipway("preview", "close", "12")
    assert answer(project, 12).startswith(NOT_THERE)
    gone(project, "pr-12")
    assert [item["kind"] for item in project.deployments("pr-12")][:1] == ["destroy"]
    assert "pr-12" not in project.shipway("status").output


def test_no_more_stand_than_the_plan_allows_and_they_end(make: Make) -> None:
    project = begun(make, most=1, sleep="0s")
    project.change("one")
    project.shipway("preview", "open", "1")
    full = project.shipway("preview", "open", "2", check=False)
    assert full.code == PreviewFull.exit_code
    assert "1 preview may stand at a time, and none of these sleeps: pr-1" in full.output
    assert listed(project)[2]["state"] == "creating"
    assert project.shipway("tick", "--only", "previews").output == ""
    project.shipway("preview", "extend", "1", "--for", "1s")
    soon(lambda: "close" in project.shipway("tick", "--only", "previews").output)
    assert answer(project, 1).startswith(NOT_THERE)
    assert answer(project, 2) == "one"
    project.shipway("preview", "close", "2")
    gone(project, "pr-2")
    gone(project, "pr-1")


def test_one_sleeps_and_a_request_wakes_it(make: Make) -> None:
    project = begun(make, database=True, sleep="1s")
    project.change("one")
    project.shipway("preview", "open", "3")
    project.psql("INSERT INTO pets VALUES ('Rex')", "pr-3")
    soon(
        lambda: (
            listed(project)[3]["state"] == "asleep" or "sleep" in project.shipway("tick", "--only", "previews").output
        )
    )
    assert set(project.containers(environment="pr-3").values()) == {"exited"}
    status, body = get(address(project, 3))
    assert status == 503
    assert "Waking up" in body
    soon(lambda: "wake" in project.shipway("tick", "--only", "previews").output)
    assert answer(project, 3) == "one"
    assert project.psql("SELECT name FROM pets", "pr-3") == "Rex"

    # A person wakes one, and so does a newer push.
    soon(lambda: listed(project)[3]["state"] == "asleep" or project.shipway("tick", "--only", "previews") is None)
    project.shipway("preview", "wake", "3")
    assert answer(project, 3) == "one"
    soon(lambda: listed(project)[3]["state"] == "asleep" or project.shipway("tick", "--only", "previews") is None)
    project.change("two")
    project.shipway("preview", "open", "3")
    assert answer(project, 3) == "two"
    project.shipway("preview", "close", "3")
    gone(project, "pr-3")


def test_data_is_cloned_masked_and_migrated(make: Make) -> None:
    project = begun(make, database=True, data="staging", mask=["UPDATE pets SET name = 'pet'"])
    project.git("switch", "--quiet", "staging")
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex'), ('Minka')")
    project.git("switch", "--quiet", "feature")
    project.change("feature", files=OWNERS)
    early = project.shipway("preview", "open", "4", check=False)
    assert early.code == UsageError.exit_code
    assert "staging has no snapshot to clone" in early.output
    project.shipway("snapshot", "staging")
    project.psql("INSERT INTO pets VALUES ('later')")
    project.shipway("preview", "open", "4")
    assert project.psql("SELECT name, count(*) FROM pets GROUP BY name", "pr-4") == "pet|2"
    assert project.psql("SELECT count(*) FROM owners", "pr-4") == "0"
    assert project.psql(DATABASES, "pr-4") == ""
    assert "tiny-" not in "".join(name for name in project.containers() if "proof" in name)
    # The clone is made once: what people wrote in the preview stays with the next push.
    project.psql("INSERT INTO pets VALUES ('mine')", "pr-4")
    project.change("feature 2")
    project.shipway("preview", "open", "4")
    assert project.psql("SELECT count(*) FROM pets", "pr-4") == "3"
    project.shipway("preview", "close", "4")
    gone(project, "pr-4")


def test_killed_at_points_of_a_clone_and_of_its_end(make: Make) -> None:
    """What is made next has the masked data, and the end leaves nothing."""
    project = begun(make, database=True, data="staging", mask=["UPDATE pets SET name = 'pet'"])
    project.git("switch", "--quiet", "staging")
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex'), ('Minka')")
    project.shipway("snapshot", "staging")
    project.git("switch", "--quiet", "feature")
    project.change("feature", files=OWNERS)

    def dies(at: str, *words: str) -> Done:
        project.env["SHIPWAY_TEST_DIE"] = at
        done = project.shipway("preview", *words, check=False)
        del project.env["SHIPWAY_TEST_DIE"]
        return done

    making = effects(dies("0", "open", "5").output)
    closing = effects(dies("0", "close", "5").output)
    gone(project, "pr-5")
    for tenth in (3, 5, 6, 7, 8):
        died = dies(f"{making * tenth // 10},after", "open", "5")
        assert died.code == -signal.SIGKILL, died.output
        project.shipway("preview", "open", "5")
        assert project.psql("SELECT name, count(*) FROM pets GROUP BY name", "pr-5") == "pet|2"
        assert answer(project, 5) == "feature"
        died = dies(f"{closing * tenth // 10},after", "close", "5")
        assert died.code == -signal.SIGKILL, died.output
        if listed(project):
            project.shipway("preview", "close", "5")
        gone(project, "pr-5")
    assert not [name for name in (*project.containers(), *project.volumes()) if "proof" in name]
