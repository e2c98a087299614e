"""The reference application on two bare hosts: launched from nothing to open, killed at every step and resumed; then the host
with the data is lost for good, and comes back from the backup, by the commands of docs/backups.md."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.project import ADA, APPLICATION, Done, Project, copy_tracked
from shipway.domain.errors import EngineError
from shipway.domain.launch import SUCCEEDED
from tests.bare_hosts import BareHosts, running_bare_hosts
from tests.own_names import resolving
from tests.system.launched import STEPS, documented, killed_at_every_step, records
from tests.system.tiny import remove_images

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(2400)]

PORT = 8824
NAME = "catalogue.example"
VERSION = "v1.0.0"
IMAGES = ("caddy:2", "traefik:v3", "postgres:15", "redis:7")  # the hosts of the tests have no way out
LAUNCH = ("launch", "production", VERSION, "--generate")
KEPT = "Kept over the loss of a host"


class Shop(Project):
    """The catalogue with an environment on two hosts. `private`: the network that only the hosts have, for the accessories."""

    def __init__(self, folder: Path, hosts: BareHosts) -> None:
        super().__init__(folder, app=f"catalogue-{uuid.uuid4().hex[:8]}", port=PORT)
        self.hosts = hosts
        self.private = {name: f"10.77.7.{number}" for number, name in enumerate(hosts.names, 1)}
        self.identity, self.store = folder / "identity", folder / "backups"
        self.env["PATH"] = f"{hosts.bin}:{self.env['PATH']}"
        addresses = {name: [address] for name, address in hosts.addresses.items()}
        self.own_names = resolving(folder / "names", {**addresses, NAME: list(hosts.addresses.values())})

    def create(self, *, hook: bool = False) -> None:
        """One commit on main, with a tag."""
        copy_tracked(APPLICATION, self.clone)
        self.store.mkdir()
        recipient = self.shipway("backup", "--new-key", str(self.identity)).output.splitlines()[0]
        file = self.clone / "shipway.yaml"
        file.write_text(json.dumps(self._plan(yaml.safe_load(file.read_text()), recipient), indent=2) + "\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "The catalogue")
        self.git("tag", VERSION)

    def _plan(self, plan: dict[str, Any], recipient: str) -> dict[str, Any]:
        first, *others = self.hosts.names
        for service in plan["services"].values():
            if "health" in service:
                service["health"]["timeout"] = "90s"  # a busy machine
        plan["services"]["backend"]["replicas"] = 1
        # Its tests are other tests' business.
        plan["pipeline"] = {"assets": plan["pipeline"]["assets"], "images": {"build": "all", "needs": ["assets"]}}
        production = {
            "on": {"tag": "v*", "branch": "main"},
            "url": f"http://{NAME}:{PORT}",
            "hosts": [
                {"host": f"ssh://{first}", "address": self.private[first]},
                *(f"ssh://{name}" for name in others),
            ],
            "seed": plan["environments"]["production"]["seed"],
            "checks": ["smoke"],
            "standby": "0s",
            "backups": {"to": str(self.store), "recipients": [recipient]},
            "launch": {"scenarios": ["add-item", "index-item"], "load": {"rate": 10, "duration": "2s", "errors": "5%"}},
        }
        return {**plan, "app": self.app, "environments": {"production": production}}

    def cabled(self, name: str) -> None:
        """What a provider's private network gives a host."""
        self.hosts.run(name, f"ip addr add {self.private[name]}/24 dev eth0")

    def _completed(self, args: Sequence[str], *, merged: bool) -> subprocess.CompletedProcess[str]:
        return super()._completed([*self.own_names, *args] if args[0] == "shipway" else args, merged=merged)

    def destroy(self) -> None:
        """Once the hosts are as they are at the end."""
        done = self.shipway("--quiet", "destroy", "production", "--force", "--volumes", check=False)
        remove_images(self.app)
        assert done.code == 0, done.output

    def prepare(self) -> Done:
        """With the fingerprints that a provider shows."""
        return self.shipway("host", "prepare", "production", "--yes", *self.accepted())

    def accepted(self) -> list[str]:
        """The options that accept the hosts' keys."""
        command = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        keys = [self.hosts.run(name, command).split()[1] for name in self.hosts.names]
        return [word for key in keys for word in ("--accept-key", key)]

    def ask(self, name: str, path: str = "/api/categories") -> tuple[int, str]:
        """What a visitor gets from this very host. Status 0: no answer."""
        request = urllib.request.Request(
            f"http://{self.hosts.addresses[name]}:{PORT}{path}", headers={"Host": f"{NAME}:{PORT}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as found:
                return int(found.status), found.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")
        except OSError as error:
            return 0, str(error)

    def listed(self, *, without: str = "", seconds: float = 120.0) -> None:
        """Wait until every host lists what is to be kept: the application keeps its lists for a while."""
        deadline = time.monotonic() + seconds
        while any(KEPT not in self.ask(name)[1] for name in self.hosts.names if name != without):
            assert time.monotonic() < deadline, [self.ask(name) for name in self.hosts.names]
            time.sleep(0.5)

    def write(self) -> None:
        """As an administrator does, through the API."""
        body = {"name": KEPT, "description": "Written before."}
        code = f"from catalogue.exercise import call; print(call('POST', '/api/categories', {body!r}))"
        done = self.shipway("exec", "production", "backend", "--", "python", "-c", code)
        assert "(201, " in done.output, done.output

    def containers(self, name: str) -> list[str]:
        """Ids and names of the app's containers on a host."""
        command = (
            f"docker ps --no-trunc --filter label=shipway.app={self.app} --format '{{{{.ID}}}} {{{{.Names}}}}' | sort"
        )
        return self.hosts.run(name, command).splitlines()


@pytest.fixture(scope="module")
def hosts() -> Iterator[BareHosts]:
    with running_bare_hosts(2) as found:
        yield found


@pytest.fixture(scope="module")
def shop(hosts: BareHosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    project = Shop(tmp_path_factory.mktemp("shop"), hosts)
    project.create()
    for name in hosts.names:
        project.cabled(name)
    yield project
    project.destroy()


def equip(shop: Shop, *names: str) -> None:
    for name in names:
        for image in IMAGES:
            shop.hosts.load(name, image)


def test_bare_hosts_are_named_before_anything_is_done(shop: Shop) -> None:
    seen = shop.shipway("launch", "production", VERSION, "--dry-run").output
    assert seen.count("needs an engine and") == 2, seen
    refused = shop.shipway(*LAUNCH, check=False)
    assert refused.code == EngineError.exit_code, refused.output
    assert "release" not in {item.step for item in records(shop, "production")}
    done = shop.prepare().output
    assert done.count("is prepared") == 2, done
    equip(shop, *shop.hosts.names)


def test_killed_at_every_step_it_goes_on_and_opens_at_the_end(shop: Shop) -> None:
    def look(step: str, opening: bool) -> None:
        seen = {name: shop.ask(name, "/") for name in shop.hosts.names}
        for name, (status, page) in seen.items():
            assert status in (0, 404, 503) or opening, f"{name} lets visitors in, killed in {step}: {page}"
        if step in ("system test", "backup"):
            assert [status for status, _ in seen.values()] == [503, 503], seen
            assert all("Opening soon" in page for _, page in seen.values()), seen

    died = killed_at_every_step(shop, "production", [*shop.own_names, "shipway", *LAUNCH], look, growth=2)
    assert set(died) >= STEPS, died
    assert records(shop, "production")[-1].outcome == SUCCEEDED

    again = shop.shipway(*LAUNCH)
    assert "nothing to do" in again.output
    assert [shop.ask(name, "/")[0] for name in shop.hosts.names] == [200, 200]
    tested = shop.json("system-test", "production", "--last")
    outcomes = {item["name"]: item["outcome"] for item in tested["results"]}
    expected = ["check smoke", "write add-item", "job index-item", "service backend", "service frontend", "service worker",
                *(f"closed ports of ssh://{name}" for name in shop.hosts.names)]  # fmt: skip
    assert {name: outcomes.get(name) for name in expected} == dict.fromkeys(expected, "passed"), outcomes
    assert "no drift" in shop.shipway("doctor", "production").output


def commands(shop: Shop, lost: str) -> list[list[str]]:
    """The documented ones, with this test's names."""
    address = shop.hosts.addresses[lost]
    return documented({"web1.catalogue.example": address, "backup.key": str(shop.identity), "v1.4.0": VERSION})


def lose(shop: Shop, name: str) -> None:
    """Its disk is gone, and a bare machine has its place."""
    shop.hosts.installed_again(name)
    shop.cabled(name)
    assert "docker" not in shop.hosts.run(name, "ls /usr/bin")
    assert shop.ask(name)[0] == 0


def come_back(shop: Shop, name: str, count: int) -> None:
    """The first commands of the documented ones."""
    for forget, *command in commands(shop, name)[:count]:
        if forget == "ssh-keygen":
            shop.command(forget, *command, "-f", str(shop.hosts.known_hosts), check=True)
        elif command[:2] == ["host", "prepare"]:
            refused = shop.shipway(*command, "--dry-run", check=False)
            assert refused.code == EngineError.exit_code, "a new key is not taken without a question"
            shop.shipway(*command, "--yes", *shop.accepted())
            equip(shop, name)
        else:
            shop.shipway(*command)


def test_the_host_with_the_data_is_lost_and_comes_back_from_the_backup(shop: Shop) -> None:
    first, second = shop.hosts.names
    shop.write()
    shop.listed()
    assert "verified" in shop.shipway("backup", "production").output
    stayed = shop.containers(second)

    lose(shop, first)
    lost = shop.shipway("status", check=False).output
    assert "ssh://host1" in lost, lost
    come_back(shop, first, 3)
    assert KEPT not in shop.ask(first)[1], "the data was on the lost host only"
    program, *restore = commands(shop, first)[3]
    assert (program, restore[0]) == ("shipway", "restore")
    shop.shipway(*restore)

    shop.listed()
    assert shop.containers(second) == stayed, "the other host was left as it was"
    assert "no drift" in shop.shipway("doctor", "production").output
    assert "passed" in shop.shipway("system-test", "production").output
    assert "nothing to do" in shop.shipway(*LAUNCH).output
    assert "verified" in shop.shipway("backup", "production").output


def test_a_host_without_data_is_lost_and_is_complete_after_a_deployment(shop: Shop) -> None:
    first, second = shop.hosts.names
    stayed = shop.containers(first)
    lose(shop, second)
    shop.listed(without=second)
    come_back(shop, second, 3)
    shop.listed()
    assert shop.containers(first) == stayed, "the other host was left as it was"
    assert "no drift" in shop.shipway("doctor", "production").output
