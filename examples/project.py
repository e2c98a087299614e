"""A team's project with the reference application: a working clone, a bare remote with the hook, and a home.

Used by the demo, the benchmarks and the system tests. It runs the real `shipway` and `git` commands.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

APPLICATION = Path(__file__).resolve().parent / "catalogue"
SHIPWAY = Path(sys.executable).with_name("shipway")
ADA, GRACE = "ada@example.org", "grace@example.org"  # Ada writes, Grace approves
Adjust = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Done:
    """A finished command; output is stdout and stderr together. What a test reads as data comes from `Project.json`: a
    command may say on stderr that it waits."""

    code: int
    output: str


class Project:
    """One application in one folder. app: a different name allows several on the same engine. patience: by which
    the time-outs of health checks are multiplied, to a minute at least, for a busy machine. adjust: changes the plan, as it was read, before it is committed."""

    def __init__(
        self, folder: Path, *, app: str = "catalogue", port: int = 8080, patience: int = 1, adjust: Adjust | None = None
    ) -> None:  # fmt: skip
        self.folder, self.clone, self.remote = folder, folder / "clone", folder / "remote.git"
        self.home, self.app, self.port, self._patience = folder / "home", app, port, patience
        self._adjust = adjust
        self.staging = f"http://staging.{app}.localhost:{port}"
        self.production = f"http://{app}.localhost:{port}"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SHIPWAY_"))}
        self.env |= {
            "SHIPWAY_HOME": str(self.home), "PATH": f"{SHIPWAY.parent}:{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip

    def _patient(self, seconds: int) -> int:
        return seconds if self._patience == 1 else max(60, seconds * self._patience)

    @contextmanager
    def made(self) -> Iterator[Self]:
        """Create it in a new folder, and remove everything at the end."""
        self.folder.mkdir()
        try:
            self.create()
            yield self
        finally:
            self.destroy()

    def create(self, *, hook: bool = True) -> None:
        """Create the repository with pushed branches main and staging, the hook, and the secrets."""
        copy_tracked(APPLICATION, self.clone)
        plan = self.clone / "shipway.yaml"
        text = plan.read_text().replace("app: catalogue", f"app: {self.app}")
        text = re.sub(r"timeout: (\d+)s", lambda found: f"timeout: {self._patient(int(found[1]))}s", text)
        text = text.replace("catalogue.localhost:8080", f"{self.app}.localhost:{self.port}")
        if self._adjust:
            from ruamel.yaml import YAML

            changed = YAML(typ="safe").load(text)
            self._adjust(changed)
            text = json.dumps(changed)  # which is YAML, too
        plan.write_text(text)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "The catalogue")
        self.git("branch", "staging")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("remote", "add", "origin", str(self.remote))
        self.git("push", "--quiet", "origin", "main", "staging")
        if hook:
            self.shipway("init", "--hook", str(self.remote))
        for environment in ("staging", "production"):
            self.shipway("secret", "set", environment, "SECRET_KEY", "--generate")
            self.shipway("secret", "set", environment, "ADMIN_PASSWORD", "--generate")

    def feature(self, branch: str, patch: str, message: str) -> None:
        """Push a branch from staging with one change."""
        self.git("switch", "--quiet", "--create", branch, "staging")
        self.git("apply", "--index", str(APPLICATION / "changes" / patch))
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", branch)

    def merge(self, into: str, branch: str) -> None:
        """Merge and push, like a pull request."""
        self.git("switch", "--quiet", into)
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        self.git("push", "--quiet", "origin", into)

    def promote(self, version: str) -> Done:
        """Approve as another person, merge to main, and tag."""
        self.shipway("--as", GRACE, "approve", "production", "--reason", "looked at it on staging")
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "staging")
        self.git("tag", version)
        return self.git("push", "--quiet", "origin", "main", version)

    def destroy(self) -> None:
        """Destroy both environments and remove the folder."""
        if (self.clone / "shipway.yaml").exists() and self.home.exists():
            self.git("reset", "--quiet", "--hard", "main", check=False)
            with ThreadPoolExecutor() as pool:
                for done in pool.map(self._destroy, ("staging", "production")):
                    if done.code:
                        print(done.output)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _destroy(self, environment: str) -> Done:
        """Again if the engine of a busy machine did not answer, as a person does."""
        for _ in range(3):
            done = self.shipway("--quiet", "destroy", environment, "--force", "--volumes", check=False)
            if "did not answer in time" not in done.output:
                break
        return done

    def shipway(self, *args: str, check: bool = True, hold: bool = False) -> Done:
        """Run a shipway command. hold: whether a rollback holds automatic deployment from then on, as it does for a team; else
        that is ended right away."""
        done = self.command("shipway", *args, check=check)
        if args[0] == "rollback" and done.code == 0 and "--dry-run" not in args and not hold:
            of_app = args[args.index("--app") :][:2] if "--app" in args else ()
            self.command("shipway", "resume", args[1], *of_app, check=False)
        return done

    def git(self, *args: str, check: bool = True) -> Done:
        """Run a git command; a push includes the output of the hook."""
        return self.command("git", *args, check=check)

    def command(self, *args: str, check: bool) -> Done:
        """Run it in the clone. RuntimeError with its output if it fails, with `check`."""
        done = self._completed(args, merged=True)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(args)} exited with {done.returncode}:\n{done.stdout}")
        return Done(done.returncode, done.stdout)

    @property
    def where(self) -> Path:
        """The folder in which commands run."""
        return self.clone if self.clone.exists() else self.folder

    def deployments(self, environment: str | None = None) -> list[dict[str, Any]]:
        """Deployments in the ledger, newest first."""
        return self.json("history", *([environment] if environment else []))  # type: ignore[no-any-return]

    def status(self, environment: str) -> dict[str, Any]:
        """The output of `shipway status` for an environment."""
        return self.json("status")[environment]  # type: ignore[no-any-return]

    def json(self, *args: str, code: int = 0) -> Any:
        """What a shipway command prints with --json. RuntimeError with its messages if it exits with another code."""
        done = self._completed(["shipway", *args, "--json"], merged=False)
        if done.returncode != code:
            raise RuntimeError(f"shipway {' '.join(args)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def _completed(self, args: Sequence[str], *, merged: bool) -> subprocess.CompletedProcess[str]:
        """In the clone, where there is one. merged: stderr is part of stdout."""
        return subprocess.run(
            args, cwd=self.where, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE, text=True, errors="replace", check=False,
        )  # fmt: skip


def get(url: str, *, timeout: float = 5.0, address: str = "127.0.0.1") -> tuple[int, str]:
    """Status and body of a GET at this address, without DNS. Status 0: no answer."""
    scheme, _, rest = url.partition("//")
    host, _, path = rest.partition("/")
    request = urllib.request.Request(f"{scheme}//{address}:{host.partition(':')[2]}/{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return int(answer.status), answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        return 0, str(error)


def copy_tracked(source: Path, target: Path) -> None:
    """Copy the folder's files that git doesn't ignore."""
    args = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
    listed = subprocess.run(args, cwd=source, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
