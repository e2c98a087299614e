"""`shipway dev` on a real engine: started, served, edited, killed, side by side with another checkout, and taken away."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples.project import get
from tests.system.conftest import Make
from tests.system.tiny import IMAGE, Running, Tiny, engine, remove_images

pytestmark = pytest.mark.engine
PORT, OTHER, SECURE = 8765, 8766, 8767
SERVED = """\
{
	admin off
}
:8000 {
	respond /healthz 200
	root * /app
	file_server
}
"""
READY = "Ctrl-C stops the services"


def things(app: str) -> list[str]:
    """Everything of development on the engine."""
    label = json.dumps({"label": [f"shipway.dev={app}"]})
    found = [item["Names"][0].lstrip("/") for item in engine("/containers/json", all=1, filters=label)]
    found += [item["Name"] for item in engine("/networks", filters=label)]
    return found + [item["Name"] for item in engine("/volumes", filters=label)["Volumes"] or ()]


def running(app: str, role: str) -> list[str]:
    label = json.dumps({"label": [f"shipway.dev={app}", f"shipway.role={role}"]})
    return sorted(item["Id"] for item in engine("/containers/json", filters=label))


def footprint(project: Tiny) -> dict[str, object]:
    """All that environments have, of what the engine lists by names."""
    found = project.footprint()
    for kind in ("networks", "volumes"):
        found[kind] = [name for name in found[kind] if "_dev." not in name]  # type: ignore[attr-defined]
    return found


def until(found: Callable[[], object], wanted: object, *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while (seen := found()) != wanted:
        assert time.monotonic() < deadline, f"{seen!r} instead of {wanted!r}"
        time.sleep(0.2)


def answer(project: Tiny, host: str, port: int, path: str = "name") -> Callable[[], str]:
    return lambda: get(f"http://{host}:{port}/{path}")[1].strip()


@pytest.fixture
def project(make: Make) -> Iterator[Tiny]:
    made = make(database=True, port=OTHER)
    made.plan["pipeline"] = {"unit": {"image": {"build": "web"}, "run": "echo tested $(cat name)"}}
    made.plan["environments"]["staging"]["seed"] = {"service": "web", "run": "echo seeded"}
    made.write({"web/Caddyfile": SERVED, "shipway.yaml": json.dumps(made.plan)})
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "served")
    yield made
    for path in sorted(made.folder.glob("*/shipway.yaml")):
        checkout(made, path.parent).shipway("dev", "down", "--volumes", check=False)
    left = things(made.app)
    remove_images(made.app)
    assert not left


def checkout(project: Tiny, folder: Path) -> Tiny:
    """Another working tree of the project."""
    if not folder.exists():
        shutil.copytree(project.clone, folder)
    other = copy.copy(project)
    other.clone = folder
    return other


def test_a_checkout_runs_follows_its_files_and_leaves_only_its_data(project: Tiny) -> None:
    host = f"{project.app}.localhost"
    going = project.start("dev", "--port", str(PORT))
    going.until(READY, seconds=240)
    assert "seeded" in going.output
    assert answer(project, host, PORT)() == "one"

    # a changed file is served without anything else being done
    project.write({"web/name": "two"})
    until(answer(project, host, PORT), "two")

    # a step runs on the files as they are, committed or not
    assert "tested two" in project.shipway("dev", "run", "unit").output
    assert "tested two" in project.shipway("dev", "test").output

    # a second one of the same checkout is refused, with the first one's process
    refused = project.shipway("dev", check=False)
    assert refused.code == 14
    status = json.loads(project._completed(["shipway", "dev", "status", "--json"], merged=False).stdout)
    assert f"process {status['process']}" in refused.output
    assert {item["name"]: item["state"] for item in status["parts"]} == {"web": "running", "db": "running"}

    # the database, a shell, the logs
    project.shipway("dev", "db", "--", "-c", "INSERT INTO pets VALUES ('Rex')")
    assert project.shipway("dev", "shell", "web", "--", "cat", "name").output.strip() == "two"
    assert "I am two" in project.shipway("dev", "logs").output

    # killed: the next one replaces what is left, and the data is there
    before = running(project.app, "accessory")
    going.kill()
    assert answer(project, host, PORT)() == "two"
    going = project.start("dev")
    going.until(READY, seconds=240)
    assert running(project.app, "accessory") == before
    assert len(running(project.app, "service")) == 1
    assert "seeded" not in going.output
    assert "Rex" in project.shipway("dev", "db", "--", "-Atc", "SELECT name FROM pets").output

    # a reset by the running one: new data, the same site
    project.shipway("dev", "reset")
    assert "Rex" not in project.shipway("dev", "db", "--", "-Atc", "SELECT name FROM pets").output
    until(answer(project, host, PORT), "two")

    # Ctrl-C: the services end, the accessories and their data stay
    going.press_ctrl_c()
    done = going.end(seconds=120)
    assert done.code == 0, done.output
    assert not running(project.app, "service")
    assert len(running(project.app, "accessory")) == 1
    assert get(f"http://{host}:{PORT}/name")[0] in (0, 404)
    project.shipway("dev", "down")
    assert [name for name in things(project.app) if not name.endswith("_db")] == []
    project.shipway("dev", "down", "--volumes")
    assert things(project.app) == []


def test_two_checkouts_side_by_side_one_with_mounted_and_one_with_copied_files(project: Tiny) -> None:
    run = "exec caddy run --config Caddyfile --adapter caddyfile"
    others = {}
    for name, how in (("mounted", "mount"), ("copied", "sync")):
        project.plan["services"]["web"]["develop"] = {"run": run, how: {"web": "/app"}}
        others[name] = checkout(project, project.folder / name)
        others[name].write({"shipway.yaml": json.dumps(project.plan), "web/name": name})
    hosts = {"mounted": f"{project.app}.localhost", "copied": f"copied.{project.app}.localhost"}
    going: list[Running] = []
    for other in others.values():
        going.append(other.start("dev", "--port", str(PORT)))
        going[-1].until(READY, seconds=240)
    for name in others:
        until(answer(project, hosts[name], PORT), name)

    containers = running(project.app, "service")
    for name, other in others.items():
        other.write({"web/name": f"{name} again", "web/new": "new"})
        until(answer(project, hosts[name], PORT), f"{name} again")
        until(answer(project, hosts[name], PORT, "new"), "new")
        (other.clone / "web/new").unlink()
        until(lambda name=name: get(f"http://{hosts[name]}:{PORT}/new")[0], 404)  # type: ignore[misc]
    assert running(project.app, "service") == containers, "no container was replaced"

    # what decides about the image builds it again
    others["mounted"].write({"web/Dockerfile": (project.clone / "web/Dockerfile").read_text() + "ENV X=1\n"})
    until(lambda: running(project.app, "service") == containers, False)
    until(answer(project, hosts["mounted"], PORT), "mounted again")

    others["mounted"].shipway("dev", "down", "--volumes")
    assert going[0].end(seconds=120).code == 0
    assert answer(project, hosts["copied"], PORT)() == "copied again"
    going[1].terminate()
    assert going[1].end(seconds=120).code == 0


def test_mistakes_are_said_and_the_next_saved_file_tries_again(project: Tiny) -> None:
    host = f"{project.app}.localhost"
    bad = "web/migrations/0002_toys.up.sql"
    project.write({bad: "CREATE TABLE toys (", "web/migrations/0002_toys.down.sql": "DROP TABLE toys;\n"})
    going = project.start("dev", "--https", "--port", str(SECURE))
    going.until("no service starts", seconds=240)
    assert "syntax error at end of input" in going.output
    assert not running(project.app, "service")
    project.write({bad: "CREATE TABLE toys (name text);\n"})
    going.until(READY, seconds=240)
    assert f"https://{host}:{SECURE}" in going.output
    authority = project.shipway("dev", "local-ca").output
    (project.folder / "ca.pem").write_text(authority[authority.index("-----BEGIN") :])
    asked = subprocess.run(
        ["curl", "--silent", "--cacert", str(project.folder / "ca.pem"), "--resolve", f"{host}:{SECURE}:127.0.0.1", f"https://{host}:{SECURE}/name"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.stdout.strip() == "one", asked.stderr

    # a service that crashes: shown with its output, and started again with the next change
    good = (project.clone / "web/Caddyfile").read_text()
    project.write({"web/Caddyfile": "what is this {"})
    going.until("web exited with 1", seconds=120)
    project.write({"web/Caddyfile": good})
    until(lambda: len(running(project.app, "service")), 1)

    # a build that fails: what runs stays
    dockerfile = (project.clone / "web/Dockerfile").read_text()
    project.write({"web/Dockerfile": f"FROM {IMAGE}\nRUN false\n"})
    going.until("what runs stays as it was", seconds=120)
    assert len(running(project.app, "service")) == 1
    project.write({"web/Dockerfile": dockerfile})

    # an edited plan
    project.plan["services"]["web"]["environment"] = {"X": "1"}
    project.write({"shipway.yaml": json.dumps(project.plan)})
    going.until("the plan changed; restart `shipway dev` for: service web: environment", seconds=60)
    going.press_ctrl_c()
    assert going.end(seconds=120).code == 0

    # a port in use: by whom, and another one
    server = subprocess.Popen(
        ["python3", "-m", "http.server", "--bind", "127.0.0.1", "8768"], stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: get("http://127.0.0.1:8768/")[0], 200)
        taken = project.shipway("dev", "--http", "--port", "8768", check=False)
        assert taken.code == 22
        assert f"port 8768 is used by python3 (process {server.pid})" in taken.output
        assert "shipway dev up --port 8769" in taken.output
    finally:
        server.terminate()
        server.wait()


def test_nothing_of_it_belongs_to_an_environment(project: Tiny) -> None:
    project.shipway("run", "staging")
    before = footprint(project)
    going = project.start("dev", "--port", str(PORT))
    going.until(READY, seconds=240)
    assert get(f"{project.staging}/name") == (200, "one")
    assert footprint(project) == before
    assert project.shipway("doctor").code == 0
    pruned = project.shipway("prune", "--dry-run").output
    assert "shipway-dev" not in pruned
    assert list(json.loads(project._completed(["shipway", "status", "--json"], merged=False).stdout)) == [
        "staging",
        "production",
    ]

    # and nothing of the environment belongs to it
    project.shipway("dev", "down", "--volumes")
    assert going.end(seconds=120).code == 0
    assert footprint(project) == before
    assert len(project.containers(environment="staging")) == 2

    # destroying the environment leaves a checkout that runs
    going = project.start("dev", "--port", str(PORT))
    going.until(READY, seconds=240)
    project.shipway("--quiet", "destroy", "staging", "--force", "--volumes")
    assert answer(project, f"{project.app}.localhost", PORT)() == "one"
    assert len(running(project.app, "service")) == 1
    going.press_ctrl_c()
    assert going.end(seconds=120).code == 0
