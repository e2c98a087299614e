"""Uploads: the volume of a service survives deployments, rollbacks, restores and a destroy, on a real engine."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from examples.project import get
from shipway.domain.errors import UsageError
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from tests.system.conftest import Make
from tests.system.tiny import DOCKERFILE, IMAGE, Tiny, effects, visitors

pytestmark = pytest.mark.engine

SITE = """\
{{
	admin off
}}
:8000 {{
	respond /healthz 200
	handle_path /files/* {{
		root * /uploads
		file_server
	}}
	respond "{name}"
}}
"""


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves; its web service runs as a user whom its image gives no folder, and a worker shares the files."""
    project = make(database=True)
    project.plan["services"]["web"]["volumes"] = {"uploads": "/uploads"}
    project.plan["services"]["worker"] = {
        "image": IMAGE, "command": "sleep 100000", "volumes": {"uploads": "/in", "cache": {"path": "/c", "snapshot": False}},
    }  # fmt: skip
    project.plan["database"]["snapshot"] = "never"
    project.plan["environments"]["staging"]["seed"] = {"service": "web", "run": "echo seeded > /uploads/seed.txt"}
    project.write({"web/Dockerfile": DOCKERFILE.replace("CMD", "USER 1234\nCMD")})
    version(project, "one")
    project.shipway("run", "staging")
    return project


def version(project: Tiny, name: str) -> None:
    project.change(name, files={"web/Caddyfile": SITE.format(name=name)})


def serving(project: Tiny, service: str) -> str:
    found = [
        name
        for name, state in project.containers(environment="staging", name=service, role="service").items()
        if state == "running"
    ]
    return max(found, key=lambda name: int(name.rsplit("_", 2)[1].split("-")[0]))


def upload(project: Tiny, file: str, content: str, service: str = "web", folder: str = "/uploads") -> None:
    """As the application writes it: by the user of its own container."""
    command = ["sh", "-c", f"echo {content} > '{folder}/{file}'"]
    assert DockerRuntime(Engine()).execute(serving(project, service), command) == (0, "")


def download(project: Tiny, file: str) -> str:
    status, body = get(f"{project.staging}/files/{file}")
    return body.strip() if status == 200 else str(status)


def stored(project: Tiny) -> list[str]:
    """The entries of the volume."""
    return DockerRuntime(Engine()).execute(serving(project, "worker"), ["ls", "-A", "/in"])[1].split()


def test_an_upload_survives_deployment_and_rollback_and_services_share_it(shop: Tiny) -> None:
    assert download(shop, "seed.txt") == "seeded"
    upload(shop, "cat.txt", "cat")
    with visitors(shop) as answers:
        version(shop, "two")
        shop.shipway("run", "staging")
    assert set(answers) == {"one", "two"}
    assert download(shop, "cat.txt") == "cat"
    assert set(stored(shop)) == {"seed.txt", "cat.txt"}
    upload(shop, "dog.txt", "dog")
    shop.shipway("rollback", "staging")
    assert shop.answer() == "one"
    assert (download(shop, "cat.txt"), download(shop, "dog.txt")) == ("cat", "dog")


def test_a_snapshot_restores_files_and_rows_together(shop: Tiny) -> None:
    shop.drained()  # the background clean-up of the rollback has ended
    shop.psql("INSERT INTO pets VALUES ('Cat')")
    upload(shop, "cat.txt", "tabby")
    upload(shop, "with blank.txt", "x")
    upload(shop, "big", "cached", "worker", "/c")
    taken = shop.shipway("snapshot", "staging")
    assert "volume uploads: 4 files" in taken.output
    assert "cache" not in taken.output
    number = re.search(r"snapshot (\d+) of", taken.output)
    assert number
    shop.psql("DELETE FROM pets")
    upload(shop, "cat.txt", "overwritten")
    upload(shop, "later.txt", "later")
    shown = shop.shipway("restore", "staging", number[1], check=False)
    assert shown.code == UsageError.exit_code
    assert "uploads: all files are replaced by the 4 of the snapshot" in shown.output
    assert download(shop, "cat.txt") == "overwritten"
    with visitors(shop) as answers:
        shop.shipway("restore", "staging", number[1], "--yes")
    assert set(answers) == {"one"}
    assert shop.psql("SELECT name FROM pets") == "Cat"
    assert (download(shop, "cat.txt"), download(shop, "later.txt")) == ("tabby", "404")
    assert set(stored(shop)) == {"cat.txt", "dog.txt", "seed.txt", "with", "blank.txt"}  # nothing is left beside them
    upload(shop, "cat.txt", "written")  # the files are still its user's


# Effects before the end: the files are unpacked beside the others; the database is renamed; the files are too.
POINTS = [18, 10, 8]


@pytest.mark.full
def test_a_restore_that_dies_is_completed_or_rolled_back(shop: Tiny) -> None:
    upload(shop, "cat.txt", "before")
    number = re.search(r"snapshot (\d+) of", shop.shipway("snapshot", "staging").output)
    assert number
    ends: set[str] = set()
    shop.env["SHIPWAY_TEST_DIE"] = "0"
    every = effects(shop.shipway("restore", "staging", number[1], "--yes").output)
    for from_end in POINTS:
        upload(shop, "cat.txt", "now")
        shop.env["SHIPWAY_TEST_DIE"] = f"{every - from_end},after"
        died = shop.shipway("restore", "staging", number[1], "--yes", check=False)
        del shop.env["SHIPWAY_TEST_DIE"]
        assert died.code == -signal.SIGKILL, died.output
        shop.shipway("retire", "staging", "--wait", "20")
        outcome = shop.deployments("staging")[0]["outcome"]
        assert download(shop, "cat.txt") == {"succeeded": "before", "failed": "now"}[outcome]
        assert not [name for name in stored(shop) if name.startswith(".")]
        ends.add(outcome)
    assert ends == {"succeeded", "failed"}


@pytest.mark.full
def test_destroy_keeps_the_files_until_it_is_asked(shop: Tiny) -> None:
    upload(shop, "cat.txt", "kept")
    done = shop.shipway("destroy", "staging", "--force")
    volume = f"{shop.app}_staging_uploads.volume"
    assert f"kept in {shop.app}_staging_cache.volume, {volume}" in done.output
    assert set(shop.volumes()) == {volume, f"{shop.app}_staging_cache.volume"}
    shop.shipway("deploy", "staging")
    assert download(shop, "cat.txt") == "kept"
    shop.shipway("destroy", "staging", "--force", "--volumes")
    assert shop.volumes() == []


@pytest.mark.full
def test_a_first_deployment_that_fails_leaves_no_volume(make: Make) -> None:
    project = make()
    project.plan["services"]["web"]["volumes"] = {"uploads": "/uploads"}
    project.change("broken", health=500)
    assert project.shipway("run", "staging", check=False).code
    assert project.volumes() == []


def test_a_folder_of_the_host_must_be_listed_by_its_operator(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    folder.mkdir(mode=0o777)
    (folder / "cat.txt").write_text("cat")
    project = make()
    project.plan["services"]["web"]["volumes"] = {"media": {"path": "/uploads", "folder": str(folder)}}
    project.protect()
    version(project, "one")
    refused = project.shipway("run", "staging", check=False)
    assert refused.code
    assert f"mounts the folder {folder} of the host, which is not listed" in refused.output
    assert f"SHIPWAY_FOLDERS={folder}" in refused.output
    assert project.containers(role="service") == {}
    project.env["SHIPWAY_FOLDERS"] = str(folder)
    project.shipway("run", "staging")
    assert download(project, "cat.txt") == "cat"
    assert project.volumes() == []
