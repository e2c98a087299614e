"""A small team's repository in the shape of one of the usual flows: no image is built, so that each step takes a second."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from examples.project import ADA, Done
from tests.system.tiny import Tiny

EVIL = "mallory@example.org"


class Team(Tiny):
    """`clone` is Ada's; `remote` a bare repository that is reached as a server's is, by an address and not by a path."""

    def __init__(self, folder: Path, **environments: dict[str, Any]) -> None:
        super().__init__(folder)
        self.plan = {
            "app": self.app,
            "services": {"web": {"image": "caddy:2", "command": "caddy respond --listen :8000 hello", "port": 8000, "route": "/", "health": {"path": "/", "timeout": "60s"}, "drain": "0s"}},
            "environments": {
                name: {"url": self.staging if name == "staging" else self.production, **given} for name, given in environments.items()
            },
        }  # fmt: skip

    @property
    def address(self) -> str:
        """Of the remote."""
        return f"file://{self.remote}"

    def create(self, *, hook: bool = False, branch: str = "main", remote: bool = True) -> None:
        """One commit with the plan on the branch, pushed."""
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", f"--initial-branch={branch}")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        self.commit("one")
        if remote:
            self.git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(self.remote))
            self.git("remote", "add", "origin", str(self.remote) if hook else self.address)
            self.git("push", "--quiet", "origin", branch)

    def commit(self, name: str, **production: Any) -> str:
        """The plan as it stands, with another production perhaps. Returns the revision."""
        plan = json.loads(json.dumps(self.plan))
        for key, value in production.items():
            plan["environments"]["production"].pop(key, None)
            if value is not None:
                plan["environments"]["production"][key] = value
        self.write({"shipway.yaml": json.dumps(plan, indent=2) + "\n", "name": name})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"Version {name}")
        return self.git("rev-parse", "HEAD").output.strip()

    def branch(self, name: str, start: str = "HEAD") -> None:
        """A new branch, checked out."""
        self.git("switch", "--quiet", "--create", name, start)

    def push(self, *refs: str) -> Done:
        """To the remote."""
        return self.git("push", "--quiet", "origin", *refs)

    def run(self, ref: str, code: int = 0, *says: str) -> str:
        """What a job does with a pushed ref; its output has these words."""
        return self.does(("run", ref), code, *says)

    def does(self, args: tuple[str, ...], code: int = 0, *says: str) -> str:
        """A command, how it ends and what it says."""
        done = self.shipway(*args, check=False)
        assert done.code == code, done.output
        for words in says:
            assert words in done.output, f"no {words!r} in:\n{done.output}"
        return done.output

    def releases(self) -> int:
        """How many the ledger knows."""
        ledger = self.ledger()
        found = len(ledger.releases(self.app))
        ledger.close()
        return found

    def live(self, environment: str) -> int | None:
        """The release that runs there, by the ledger."""
        good = [item["release"] for item in self.deployments(environment) if item["outcome"] == "succeeded"]
        return good[0] if good else None

    def destroy(self) -> None:
        """All that runs, and the folder."""
        if not self.folder.exists():
            return
        self.git("reset", "--quiet", "--hard", check=False)
        for environment in self.plan["environments"]:
            done = self.shipway("--quiet", "destroy", environment, "--force", check=False)
            print(done.output if done.code else "")
        shutil.rmtree(self.folder, ignore_errors=True)
