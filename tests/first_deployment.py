"""From a repository to the first deployment, by the stop-watch: `init`, the edits of a person, and the commands that it prints.

A file of `tests/deployable` has a description, the section `-- deployment --`, and the repository's files. The section has
lines of these kinds:

    options --dockerfile        of `shipway init`
    prepare IMAGE: COMMAND      what the developers ran: a lock file, a folder that a tool makes
    base NAME = RECIPE          a base image that not every machine has, and its stand-in, see BASES
    edit PATTERN => TEXT        what a person changes in the draft; a line each
    value NAME = TEXT           of a secret that no file has
    registry ADDRESS            a registry of this machine that the repository names
    answer PATH = TEXT          of the deployed site
    query SQL = TEXT            of the deployed database

`@APP@` in a file is the app's name, unique for each deployment. `python -m tests.first_deployment [NAME…]` prints a table.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from examples.project import ADA, get
from tests.applications import _GOLANG, _NODE_WITH_YARN, _RUBY
from tests.conformance.database_lab import docker
from tests.system.tiny import Tiny

FOLDER = Path(__file__).with_name("deployable")
PLAN = "shipway.yaml"
LIMIT = 600  # seconds, the goal
_SECTION = re.compile(r"^-- (.+) --\n", re.MULTILINE)
_CLIENT = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
# As Bun's own image has them: `node` is Bun.
_BUN = """\
FROM node:22-bookworm-slim
RUN npm install --silent --global bun@1.2.2 && bun --version \\
 && rm -f /usr/local/bin/node /usr/local/bin/npm /usr/local/bin/npx && ln -s "$(command -v bun)" /usr/local/bin/node
"""
# `require "bundler/setup"` finds Debian's gems too.
_RUBY_ITSELF = """\
RUN printf '%s\\n' '#!/bin/sh' 'unset BUNDLE_DEPLOYMENT BUNDLE_PATH' 'exec /usr/bin/ruby "$@"' > /usr/local/bin/ruby \\
 && chmod 755 /usr/local/bin/ruby
"""
_NGINX = """\
FROM caddy:2
EXPOSE 8080
CMD ["caddy", "file-server", "--root", "/usr/share/nginx/html", "--listen", ":8080"]
"""
_PHP = """\
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends php-cli php-pgsql php-xml php-laravel-framework
# Debian's framework in the place of the one that Composer would fetch.
RUN printf '%s\\n' '#!/bin/sh' 'mkdir -p vendor && cat > vendor/autoload.php <<END' '<?php' 'require "/usr/share/php/Illuminate/autoload.php";' \\
    'spl_autoload_register(function (\\$name) { \\$file = __DIR__ . "/../app/" . strtr(substr(\\$name, 4), "\\\\\\\\", "/") . ".php";' \\
    'if (str_starts_with(\\$name, "App\\\\\\\\") && is_file(\\$file)) require \\$file; });' 'END' > /usr/local/bin/composer \\
 && chmod 755 /usr/local/bin/composer
"""
BASES: Mapping[str, str] = {
    "golang": _GOLANG.replace("golang-go", "golang-go gcc libc6-dev"),
    "yarn": _NODE_WITH_YARN,
    "ruby": _RUBY.replace("puma\n", "puma ruby-pg libpq5\n", 1) + _RUBY_ITSELF,
    "bun": _BUN,
    "nginx": _NGINX,
    "php": _PHP,
}


@dataclass(frozen=True)
class Deployable:
    """A repository and how a person deploys it."""

    name: str
    settings: tuple[tuple[str, str], ...]
    files: Mapping[str, str]

    def all(self, kind: str) -> list[str]:
        """The values of the lines of a kind."""
        return [value for name, value in self.settings if name == kind]

    def pairs(self, kind: str, mark: str = " = ") -> list[tuple[str, str]]:
        """The same in two parts."""
        return [(key, value) for key, _, value in (line.partition(mark) for line in self.all(kind))]


@dataclass
class Outcome:
    """A first deployment."""

    name: str
    seconds: float
    edited: list[str]  # lines of the draft that the deployed plan lacks, and the reverse
    told: str  # what `init` printed
    shown: str  # what the commands printed
    answers: dict[str, str] = field(default_factory=dict)  # what was served or queried instead of what was expected

    @property
    def changed(self) -> int:
        """Edited lines: a replaced one counts once."""
        signs = [line[0] for line in self.edited]
        return max(signs.count("+"), signs.count("-"))


def deployables() -> Iterator[Deployable]:
    """All, by name."""
    for path in sorted(FOLDER.glob("*.txt")):
        _, mark, text, *parts = _SECTION.split(path.read_text())
        assert mark == "deployment", path
        lines = [line.partition(" ") for line in text.splitlines() if line]
        files = dict(zip(parts[::2], parts[1::2], strict=True))
        yield Deployable(path.stem, tuple((kind, value) for kind, _, value in lines), files)


class Newcomer(Tiny):
    """A person with a repository, who has just installed Shipway."""

    def __init__(self, folder: Path, sample: Deployable) -> None:
        super().__init__(folder)
        self.app = f"{sample.name}-{uuid.uuid4().hex[:6]}"
        self.clone = folder / "clone"
        self.remote = folder / f"{self.app}.git"  # whose name is the app's
        self.sample = sample
        self.staging = f"http://staging.{self.app}.localhost:{self.port}"
        self._bases = {
            name: f"shipway-test-{recipe}" if recipe in BASES else recipe for name, recipe in sample.pairs("base")
        }

    def create(self, *, hook: bool = False) -> None:
        """The repository as it is before anybody thought of deploying it, with a remote."""
        for name, text in self.sample.files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("@APP@", self.app))
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        for recipe in {recipe for _, recipe in self.sample.pairs("base") if recipe in BASES}:
            _build(BASES[recipe], f"shipway-test-{recipe}")
        for image, command in self.sample.pairs("prepare", ": "):
            own = f"{os.getuid()}:{os.getgid()}"
            docker("run", "--rm", "--volume", f"{self.clone}:/app", "--workdir", "/app", self._local(image), "sh", "-c",
                   f"({command}) >&2 && chown -R {own} .")  # fmt: skip
        for address in self.sample.all("registry"):
            docker("run", "--detach", "--name", self._registry, "--publish", f"{address}:5000", "registry:2")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "The application")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("remote", "add", "origin", str(self.remote))

    def deploy(self) -> Outcome:
        """All steps, up to the answers of the site."""
        started = time.monotonic()
        options = [word for line in self.sample.all("options") for word in line.split()]
        told = self.shipway("init", *options).output
        thought = time.monotonic()  # stand-ins cost a person nothing
        for path in self.clone.rglob("*"):
            if path.name == PLAN or "ockerfile" in path.name:
                path.write_text(self._local(path.read_text()))
        draft = (self.clone / PLAN).read_text()
        (self.clone / PLAN).write_text(self._edited(draft))
        self.git("commit", "--quiet", "--allow-empty", "--all", "--message", "Stand-ins")
        started += time.monotonic() - thought
        block = [line[2:] for line in told.partition("Next, in this order:\n")[2].splitlines()]
        shown = self._paste(block)
        outcome = Outcome(self.sample.name, time.monotonic() - started, [], told, shown)
        deployed = self.git("show", f"staging:{PLAN}").output
        outcome.edited = [line for line in difflib.ndiff(draft.splitlines(), deployed.splitlines()) if line[0] in "+-"]
        for path, text in self.sample.pairs("answer"):
            status, body = get(self.staging + path, timeout=30)
            if text not in body or status != 200:
                outcome.answers[path] = f"{status}: {body[:500]}"
        for query, text in self.sample.pairs("query"):
            command = [
                "docker",
                "exec",
                f"{self.app}_staging_db",
                "sh",
                "-c",
                'psql -U "$POSTGRES_USER" -At -c "$1"',
                "sh",
                query,
            ]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.stdout.strip() != text:
                outcome.answers[query] = answer.stdout + answer.stderr
        return outcome

    def _paste(self, block: list[str]) -> str:
        """Run the lines, stopping where a person has something to do; returns what they print."""
        values, shown, waiting = dict(self.sample.pairs("value")), "", list[str]()
        for line in [*block, ""]:
            if found := re.match(r"# write the values into (\S+),", line):
                shown += self._run(waiting)
                file = self.clone / found[1]
                file.write_text("".join(f"{name}={values[name.strip('=')]!r}\n" for name in file.read_text().split()))
                waiting = []
            elif found := re.match(r"shipway secret set registry (\w+)", line):
                shown += self._run([*waiting]) + self._run([f"printf %s {values[found[1]]!r} | {line}"])
                waiting = []
            else:
                waiting.append(line)
        return shown + self._run(waiting)

    def _run(self, lines: list[str]) -> str:
        """By standard input, as a terminal gets what is pasted: a command that read from it would take the next line."""
        done = subprocess.run(
            ["bash", "-e"], cwd=self.clone, env=self.env, input="\n".join(lines) + "\n", text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{(self.clone / PLAN).read_text()}\n{done.stdout}")
        return done.stdout

    @property
    def _registry(self) -> str:
        return f"shipway-test-{self.app}"

    def destroy(self) -> None:
        """All that runs, and the folder."""
        super().destroy()
        if self.sample.all("registry"):
            subprocess.run(["docker", "rm", "--force", "--volumes", self._registry], capture_output=True, check=False)

    def _local(self, text: str) -> str:
        for name, local in self._bases.items():
            text = re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w.-])", local, text)
        return text

    def _edited(self, draft: str) -> str:
        for pattern, text in self.sample.pairs("edit", " => "):
            draft, count = re.subn(pattern, text, draft, count=1, flags=re.MULTILINE)
            assert count, f"nothing matches {pattern} in:\n{draft}"
        return draft


def _build(dockerfile: str, tag: str) -> None:
    done = subprocess.run(
        [_CLIENT, "build", "--tag", tag, "-"], input=dockerfile, capture_output=True, text=True, check=False,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def main() -> None:
    """Deploy the named ones, or all, and print a table."""
    chosen = sys.argv[1:]
    for sample in deployables():
        if chosen and sample.name not in chosen:
            continue
        with tempfile.TemporaryDirectory() as folder:
            newcomer = Newcomer(Path(folder) / "project", sample)
            try:
                newcomer.create()
                found = newcomer.deploy()
                wrong = "".join(f"\n  {what}: {text}" for what, text in found.answers.items())
                print(f"{sample.name:<20} {found.changed:>3} lines edited {found.seconds:7.1f} s{wrong}", flush=True)
                print("".join(f"  {line}\n" for line in found.edited), end="", flush=True)
            except (AssertionError, RuntimeError) as error:
                print(f"{sample.name:<20} FAILED\n{error}", flush=True)
            finally:
                newcomer.destroy()


if __name__ == "__main__":
    main()
