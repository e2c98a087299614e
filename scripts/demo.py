"""Run the whole plan on the reference application: `make demo`; `make demo-down` removes everything.

Each part runs the real `shipway` and `git` commands, printed as they are, so that a reader can repeat them.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from examples.project import APPLICATION, Done, Project, get  # noqa: E402

COLOUR = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
RULE = "━" * 100
ADMIN, PORT = "you@example.com", 8470


class Demo(Project):
    """The demo, which prints every command that it runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.times: list[tuple[str, float]] = []
        self.page = self.link = ""
        if COLOUR:
            self.env["FORCE_COLOR"] = "1"

    def run(self) -> None:
        """All chapters in order."""
        with self.chapter("0. A repository with a bare remote, secrets, and the hook"):
            self.destroy()
            self.folder.mkdir(parents=True)
            self.create()
            self.adopt_leftovers()
            self.shipway("check")
        with self.chapter("1. A feature branch is pushed: checks run, nothing is deployed"):
            self.feature("feature/welcome", "cosmetic.patch", "Welcome the visitor")
            self.expect(not self.deployments(), "nothing is deployed from a feature branch")
        with self.chapter("2. Merge to staging: build, push, migrate, deploy, smoke checks"):
            self.merge("staging", "feature/welcome")
            self.expect(get(self.staging)[0] == 200, f"{self.staging} answers")
        with self.chapter("3. Approve, merge to main, tag v1.0.0: production gets the same digests"):
            self.promote("v1.0.0")
            releases = {self.deployments(name)[0]["release"] for name in ("staging", "production")}
            self.expect(len(releases) == 1, "production runs exactly the release that was validated on staging")
        with self.chapter("4. A release with a schema migration is promoted to v1.1.0 after its rollback was tested"):
            self.feature("feature/schema", "reversible.patch", "A new column")
            self.merge("staging", "feature/schema")
            self.promote("v1.1.0")
        with self.chapter("5. Roll production back: previous images, on the schema that they were tested with"):
            before = self.deployments("production")[0]["schema"]
            self.shipway("rollback", "production", "--reason", "customers see wrong prices", hold=True)
            after = self.deployments("production")[0]
            self.expect(after["kind"] == "rollback" and after["schema"] == before, f"the schema stays at {before}")
            self.expect(get(self.production + "/api/healthz")[0] == 200, f"{self.production} answers")
        with self.chapter("6. A broken release fails on staging; the previous one never stops serving"):
            self.git("switch", "--quiet", "staging")
            self.git("apply", "--index", str(APPLICATION / "changes" / "broken-frontend.patch"))
            self.git("commit", "--quiet", "--message", "A health check that never passes")
            self.git("push", "--quiet", "origin", "staging")
            self.expect(
                self.deployments("staging")[0]["outcome"] == "failed", "the deployment failed and was rolled back"
            )
            self.expect(get(self.staging + "/api/healthz")[0] == 200, f"{self.staging} still answers")
        with self.chapter("7. The running releases, and their history"):
            self.shipway("status")
            self.shipway("history", "production")
        with self.chapter("8. The release server, with a page of what runs where"):
            self.serve()
        self.summary()

    def adopt_leftovers(self) -> None:
        """Remove the leftovers of an earlier demo whose folder, with its ledger, was deleted."""
        if super().command("shipway", "adopt", check=False).code == 0:
            return
        self.shipway("adopt", "--force")
        for environment in ("staging", "production"):
            self.shipway("destroy", environment, "--force")

    def serve(self) -> None:
        """Start the server, which goes on, and make a link by which its first person signs in once."""
        self.shipway("user", "add", ADMIN, "--role", "admin")
        words = ["shipway", "serve", "--listen", f"127.0.0.1:{PORT if free(PORT) else 0}"]
        print(bold(f"$ {shlex.join(words)} &"), flush=True)
        log = self.folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                words, cwd=self.where, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        (self.folder / "server.pid").write_text(str(server.pid))
        deadline = time.monotonic() + 60
        while "serves http" not in log.read_text():
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"demo: failed: the server does not start: {log.read_text()}")
            time.sleep(0.1)
        self.page = log.read_text().split("serves ")[1].split()[0]
        made = self._completed(["shipway", "user", "login-link", ADMIN, "--url", self.page], merged=False)
        self.link = made.stdout.strip()
        self.expect(get(f"{self.page}/healthz")[0] == 200, f"{self.page} answers")

    def destroy(self) -> None:
        """Also the server."""
        try:
            pid = int((self.folder / "server.pid").read_text())
            if str(self.folder) in Path(f"/proc/{pid}/environ").read_text(errors="replace"):
                os.kill(pid, signal.SIGTERM)
        except (OSError, ValueError):  # it doesn't run
            pass
        super().destroy()

    def command(self, *args: str, check: bool) -> Done:
        """Print and run it, with its output; the demo ends if it fails unexpectedly."""
        print(bold(f"$ {shlex.join(args)}"), flush=True)
        code = subprocess.run(args, cwd=self.where, env=self.env, stdin=subprocess.DEVNULL, check=False).returncode
        if check and code:
            sys.exit(f"demo: `{shlex.join(args)}` exited with {code}")
        return Done(code, "")

    def expect(self, holds: bool, what: str) -> None:
        """Print the result; the demo fails if it is not as expected."""
        if not holds:
            sys.exit(f"demo: failed: {what}")
        print(f"  ✓ {what}", flush=True)

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """A part of the demo, with its duration."""
        print(f"\n{bold(RULE)}\n{bold(title)}\n", flush=True)
        started = time.monotonic()
        yield
        self.times.append((title, time.monotonic() - started))

    def summary(self) -> None:
        """Print the duration of each part, and the addresses."""
        print(f"\n{bold(RULE)}")
        for title, seconds in self.times:
            print(f"  {seconds:6.1f} s  {title}")
        print(f"  {sum(seconds for _, seconds in self.times):6.1f} s  in all")
        print(
            f"\n  staging     {self.staging}\n  production  {self.production}\n  the page    {self.link}\n              signs in {ADMIN}, once, within ten minutes\n  (all run until `make demo-down`)"
        )


def free(port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) != 0


def bold(text: str) -> str:
    """For terminals."""
    return f"\033[1m{text}\033[0m" if COLOUR else text


if __name__ == "__main__":
    demo = Demo(Path(os.environ.get("SHIPWAY_DEMO") or ROOT / ".demo"))
    if "--down" in sys.argv[1:]:
        demo.destroy()
    else:
        demo.run()
