"""Walk the whole plan on the reference application: `make demo`; `make demo-down` takes everything away again.

Each part is done by the real `shipway` and `git` commands, printed as they are, so that a reader can repeat them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("SHIPWAY_DEMO") or ROOT / ".demo")
APPLICATION = ROOT / "examples" / "catalogue"
SHIPWAY = Path(sys.executable).with_name("shipway")
ADA, GRACE = "ada@example.org", "grace@example.org"
STAGING, PRODUCTION = "http://staging.catalogue.localhost:8080", "http://catalogue.localhost:8080"
COLOUR = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


class Demo:
    """The story, in a scratch folder: a bare remote, a working clone, and a home for the ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone, self.remote = folder, folder / "catalogue", folder / "catalogue.git"
        self.home = folder / "home"
        self.env = {
            **os.environ, "SHIPWAY_HOME": str(self.home), "PATH": f"{SHIPWAY.parent}:{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        if COLOUR:
            self.env["FORCE_COLOR"] = "1"
        self.times: list[tuple[str, float]] = []

    def run(self) -> None:
        """All chapters in order."""
        with self.chapter("0. A repository with a bare remote, secrets, and the hook"):
            self.prepare()
        with self.chapter("1. A feature branch is pushed: checks run, nothing is deployed"):
            self.feature("feature/welcome", "cosmetic.patch", "Welcome the visitor")
            self.expect(self.deployments(None) == [], "nothing is deployed from a feature branch")
        with self.chapter("2. Merge to staging: build, push, migrate, deploy, smoke checks"):
            self.merge("staging", "feature/welcome")
        with self.chapter("3. Approve, merge to main, tag v1.0.0: production gets the same digests"):
            self.promote("v1.0.0")
            one, two = self.deployments("staging")[0]["release"], self.deployments("production")[0]["release"]
            self.expect(one == two, "production runs the release that was validated on staging")
        with self.chapter("4. A release with a schema migration goes the same way to v1.1.0"):
            self.feature("feature/schema", "reversible.patch", "A new column")
            self.merge("staging", "feature/schema")
            self.promote("v1.1.0")
        with self.chapter("5. Roll production back: previous images, migration reverted"):
            before = self.deployments("production")[0]["schema"]
            self.shipway("rollback", "production")
            after = self.deployments("production")[0]
            self.expect(after["kind"] == "rollback" and after["schema"] != before, f"schema {before} → {after['schema']}")
            self.expect(self.get(PRODUCTION + "/api/healthz") == 200, "production answers")
        with self.chapter("6. A broken release is refused on staging; the old one never stopped serving"):
            self.feature("feature/broken", "broken-health.patch", "A health check that never passes")
            self.merge("staging", "feature/broken")
            code = self.shipway("run", "staging", check=False)
            self.expect(code == 13, f"exit code {code}")
            self.expect(self.get(STAGING + "/api/healthz") == 200, "staging still answers with the old release")
        with self.chapter("7. What runs, and how it came to be"):
            self.shipway("status")
            self.shipway("history", "production")
        self.summary()

    def prepare(self) -> None:
        """Fresh folder, repository, remote, hook and secrets."""
        self.down(quiet=True)
        self.folder.mkdir(parents=True)
        copy_tracked(APPLICATION, self.clone)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "The catalogue")
        self.git("branch", "staging")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("remote", "add", "origin", str(self.remote))
        self.git("push", "--quiet", "origin", "main", "staging")
        self.shipway("check")
        self.shipway("init", "--hook", str(self.remote))
        for environment in ("staging", "production"):
            self.shipway("secret", "set", environment, "SECRET_KEY", "--generate")
            self.shipway("secret", "set", environment, "ADMIN_PASSWORD", "--generate")

    def feature(self, branch: str, patch: str, message: str) -> None:
        """A branch with one change, pushed."""
        self.git("switch", "--quiet", "--create", branch, "staging")
        self.git("apply", "--index", str(APPLICATION / "changes" / patch))
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", branch)

    def merge(self, into: str, branch: str) -> None:
        """Merge a branch and push: what the team's pull request does."""
        self.git("switch", "--quiet", into)
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        self.git("push", "--quiet", "origin", into)

    def promote(self, version: str) -> None:
        """Approval by another person, main, tag."""
        self.shipway("--as", GRACE, "approve", "production", "--reason", "looked at it on staging")
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "staging")
        self.git("push", "--quiet", "origin", "main")
        self.git("tag", version)
        self.git("push", "--quiet", "origin", version)

    def down(self, *, quiet: bool = False) -> None:
        """Take both environments and the folder away."""
        if (self.clone / "shipway.yaml").exists():
            self.git("switch", "--quiet", "main", check=False)
            for environment in ("staging", "production"):
                self.shipway("--quiet", "destroy", environment, "--force", check=not quiet)
        shutil.rmtree(self.folder, ignore_errors=True)

    def shipway(self, *args: str, check: bool = True) -> int:
        """Print and run a command of the real program."""
        return self.command("shipway", *args, check=check)

    def git(self, *args: str, check: bool = True) -> int:
        """Likewise git."""
        return self.command("git", *args, check=check)

    def command(self, *args: str, check: bool) -> int:
        """Run in the clone; a failure ends the demo where it is not expected."""
        print(bold(f"$ {shlex.join(args)}"), flush=True)
        folder = self.clone if self.clone.exists() else self.folder
        code = subprocess.run(args, cwd=folder, env=self.env, stdin=subprocess.DEVNULL, check=False).returncode
        if check and code:
            sys.exit(f"demo: `{shlex.join(args)}` exited with {code}")
        return code

    def deployments(self, environment: str | None) -> list[dict[str, object]]:
        """From the ledger, newest first."""
        args = [SHIPWAY, "history", *([environment] if environment else []), "--json"]
        output = subprocess.run(args, cwd=self.clone, env=self.env, check=True, capture_output=True, text=True).stdout
        found: list[dict[str, object]] = json.loads(output)
        return found

    def get(self, url: str) -> int:
        """Status of a GET; the name needs no DNS."""
        scheme, _, rest = url.partition("//")
        host, _, path = rest.partition("/")
        request = urllib.request.Request(f"{scheme}//127.0.0.1:{host.partition(':')[2]}/{path}", headers={"Host": host})  # noqa: S310
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.status)

    def expect(self, holds: bool, what: str) -> None:
        """Say what was seen; the demo fails where it isn't so."""
        if not holds:
            sys.exit(f"demo: not as it should be: {what}")
        print(f"  ✓ {what}", flush=True)

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """A part of the story, with its duration."""
        print(f"\n{bold('━' * 100)}\n{bold(title)}\n", flush=True)
        started = time.monotonic()
        yield
        self.times.append((title, time.monotonic() - started))

    def summary(self) -> None:
        """How long each part took, and where to look."""
        print(f"\n{bold('━' * 100)}")
        for title, seconds in self.times:
            print(f"  {seconds:6.1f} s  {title}")
        print(f"  {sum(seconds for _, seconds in self.times):6.1f} s  in all")
        print(f"\n  staging     {STAGING}\n  production  {PRODUCTION}\n  (both run until `make demo-down`)")


def copy_tracked(source: Path, target: Path) -> None:
    """Copy what git knows of the folder, not what builds left in it."""
    args = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
    listed = subprocess.run(args, cwd=source, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def bold(text: str) -> str:
    """For terminals."""
    return f"\033[1m{text}\033[0m" if COLOUR else text


if __name__ == "__main__":
    demo = Demo(FOLDER)
    if "--down" in sys.argv[1:]:
        demo.down()
    else:
        demo.run()
