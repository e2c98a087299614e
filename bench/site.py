"""The measured application as a project: its releases are built and pulled before the measurement."""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from bench.tools import docker
from examples.project import ADA, Project, get

APPLICATION = Path(__file__).with_name("app")
REPLICAS = 2
STANDBY = "10m"


@dataclass(frozen=True)
class Switched:
    """A completed deployment or rollback. Times are monotonic; `switch`: seconds from the decision to the last switch, as
    the command reports."""

    version: str
    started: float
    ended: float
    switch: float

    @property
    def took(self) -> float:
        """The whole command."""
        return self.ended - self.started


class Site(Project):
    """Releases 1, 2, … answer with `r1`, `r2`, …; production deploys any of them manually.

    drain: as in a plan, how long open requests may take after a switch.
    """

    def __init__(self, folder: Path, *, releases: int, drain: str = "10s") -> None:
        super().__init__(folder, app=f"bench-{uuid.uuid4().hex[:8]}")
        self.releases, self.drain = releases, drain

    @property
    def host(self) -> str:
        """The public name of production."""
        return f"{self.app}.localhost"

    def create(self, *, hook: bool = False) -> None:
        """Create all releases, and deploy the first one to production."""
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=staging")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        shutil.copytree(APPLICATION, self.clone / "web", ignore=shutil.ignore_patterns("__pycache__"))
        (self.clone / "shipway.yaml").write_text(json.dumps(self._plan(), indent=2) + "\n")
        for number in range(1, self.releases + 1):
            (self.clone / "web" / "version").write_text(f"r{number}\n")
            self.git("add", "--all")
            self.git("commit", "--quiet", "--message", f"Release {number}")
            self.git("tag", f"r{number}")
            self.shipway("run", "staging")
        self.shipway("destroy", "staging", "--force")
        self.deploy(1)

    def deploy(self, number: int) -> Switched:
        """The whole command."""
        return self._switched(number, "deploy", "production", f"r{number}")

    def rollback(self, number: int) -> Switched:
        """Likewise."""
        return self._switched(number, "rollback", "production", "--to", str(number))

    def retire(self) -> None:
        """Stop the releases on standby."""
        self.shipway("retire", "production")

    def destroy(self) -> None:
        """Remove everything, including the names of images."""
        super().destroy()
        listed = docker("images", "--format", "{{.Repository}} {{.ID}}").splitlines()
        mine = {line.split()[1] for line in listed if f"/{self.app}/" in line}
        if mine:
            docker("rmi", "--force", *mine, check=False)

    def image(self, number: int) -> str:
        """A release's image by digest, as used by its containers."""
        listed = docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"label=shipway.app={self.app}").split()
        name = next(name for name in listed if f"_web_{number}-" in name)
        return docker("inspect", "--format", "{{.Config.Image}}", name)

    def _switched(self, number: int, *args: str) -> Switched:
        started = time.monotonic()
        output = self.shipway(*args, hold=True).output
        ended = time.monotonic()
        if args[0] == "rollback":
            self.shipway("resume", args[1])
        status, body = get(self.production)
        if f"version r{number}\n" not in body:
            raise RuntimeError(
                f"{' '.join(args)} succeeded, but {self.production} answers {status}: {body[:100]}\n{output}"
            )
        found = re.search(r"all requests go to release \d+, (\d+) ms after the decision", output)
        if not found:
            raise RuntimeError(f"{' '.join(args)} doesn't report the duration of the switch:\n{output}")
        return Switched(f"r{number}", started, ended, int(found[1]) / 1000)

    def _plan(self) -> dict[str, object]:
        health = {"path": "/healthz", "interval": "20ms", "timeout": "30s"}
        web = {"build": "web", "port": 8000, "route": "/", "health": health, "drain": self.drain}
        production = {
            "url": self.production,
            "replicas": {"web": REPLICAS},
            "standby": STANDBY,
            "retain": self.releases,
        }
        staging = {"on": {"branch": "staging"}, "url": self.staging}
        return {
            "app": self.app,
            "services": {"web": web},
            "environments": {"staging": staging, "production": production},
        }
