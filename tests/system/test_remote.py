"""SHIPWAY_URL with real parts: a server, and the command line in a folder that has nothing, as on somebody's laptop."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.domain.errors import GateRefused, Interrupted, NotAllowed, ServerError, UsageError
from shipway.domain.release import CANCELLED, SUCCEEDED
from tests.system.conftest import Make
from tests.system.tiny import Running, Tiny, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
ADA, GRACE, EVE = "ada@example.com", "grace@example.com", "eve@example.com"
ALL = ("see", "logs", "run", "deploy", "deploy.protected", "rollback", "operate", "exec", "secrets", "approve", "audit")
SRC = Path(__file__).parents[2] / "src"


class Laptop:
    """Somebody's machine: without a ledger, a key, an engine or a checkout."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self.folder = folder
        (folder / "home").mkdir(parents=True)
        (folder / "work").mkdir()
        self.env = {
            "HOME": str(folder / "home"), "PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "SHIPWAY_URL": url,
            "SHIPWAY_TOKEN": token, "DOCKER_HOST": "unix:///nowhere", "LANG": "C.UTF-8",
        }  # fmt: skip

    def __call__(self, *words: str, text: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "shipway", *words], cwd=self.folder / "work", env={**self.env, **variables},
            input=text or "", capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        left = [path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("output")]
        assert not left, "a command at a server leaves nothing here"
        return done

    def start(self, *words: str, **variables: str) -> Going:
        return Going(self, words, variables)


class Going(Running):
    """A command under way."""

    def __init__(self, laptop: Laptop, words: Sequence[str], variables: dict[str, str]) -> None:
        self._file = laptop.folder / f"output-{len(list(laptop.folder.iterdir()))}"
        with self._file.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shipway", *words], cwd=laptop.folder / "work", env={**laptop.env, **variables},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip


class Breaking:
    """A way to the server that breaks."""

    def __init__(self, url: str) -> None:
        self._to = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self.cuts = 0
        self._refusing = 0  # connections that are dropped at once
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, refuse: int) -> None:
        """Break all connections, and the next ones."""
        self._refusing, self.cuts = refuse, self.cuts + 1
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                if self._refusing:
                    self._refusing -= 1
                    one.close()
                    continue
                other = socket.create_connection(self._to)
                self._open += [one, other]
                for source, target in ((one, other), (other, one)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


class Place:
    """A project with a server, and people with laptops."""

    def __init__(self, project: Tiny, folder: Path) -> None:
        self.project, self._folder = project, folder
        project.shipway("run", "staging")
        for name, role in ((ADA, "admin"), (GRACE, "releaser"), (EVE, "viewer")):
            project.shipway("user", "add", name, "--role", role)
        self.url = ""
        self.serve()

    def serve(self) -> None:
        """Start the server; again at the same address."""
        self.server = self.project.start("serve", "--listen", f"127.0.0.1:{self.url.rpartition(':')[2] or 0}")
        self.server.until("serves http://")
        found = re.search(r"serves (http://\S+)", self.server.output)
        assert found
        self.url = found[1]

    def token(self, name: str, *permissions: str, limits: Sequence[str] = ()) -> str:
        words = [*limits, *(word for permission in permissions or ALL for word in ("--allow", permission))]
        made = self.project.shipway("token", "create", "laptop", "--of", name, *words)
        return re.findall(r"swt_\S+", made.output)[0]

    def laptop(self, name: str = ADA, *permissions: str) -> Laptop:
        number = len(list(self._folder.iterdir()))
        return Laptop(self._folder / f"laptop-{number}", self.url, self.token(name, *permissions))

    def here(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same on the machine of the server, by whoever has its home folder."""
        folder = self._folder / "nothing"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "shipway", *words], cwd=folder, env=self.project.env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def place(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(make(), tmp_path_factory.mktemp("laptops"))
    yield found
    found.server.press_ctrl_c()
    found.server.end()


@pytest.fixture(scope="module")
def ada(place: Place) -> Laptop:
    return place.laptop()


def test_what_is_read_is_what_the_server_prints(place: Place, ada: Laptop) -> None:
    app = ("--app", place.project.app)
    for words in (
        ["apps"], ["apps", "--json"], ["history", *app], ["history", *app, "--json"], ["rules", *app], ["config", "staging", *app],
        ["history", "nowhere", *app], ["status", "--app", "nothing"], ["diff", "staging", "r1", *app], ["wait", "1", *app],
        ["show", "1", *app], ["show", "99", *app], ["logs", "staging", "web", *app], ["rollback", "staging", "--dry-run", *app],
        ["deploy", "production", "r1", *app], ["deploy", "staging", "r1", "--dry-run", "--json", *app], ["open", "staging", *app],
        ["logs", "staging", "--lines", "x", *app], ["status", "--nonsense"], ["nonsense"],
    ):  # fmt: skip
        here, there = place.here(*words), ada(*words)
        assert (there.returncode, there.stdout, there.stderr) == (here.returncode, here.stdout, here.stderr), words
    here, there = place.here("status", "--json", *app), ada("status", "--json", *app)
    assert [item["services"] for item in json.loads(there.stdout).values()] == [
        item["services"] for item in json.loads(here.stdout).values()
    ]


def test_the_plan_of_a_folder_only_says_which_app_is_meant(place: Place, tmp_path: Path) -> None:
    laptop = place.laptop()
    laptop.env["HOME"] = str(tmp_path)
    plan = {**place.project.plan, "environments": {"staging": {"url": "http://evil.example", "hosts": ["ssh://evil"]}}}
    (tmp_path / "shipway.yaml").write_text(json.dumps(plan), encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "shipway", *words], cwd=tmp_path, env=laptop.env, capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    done = run("config", "staging", "--json")
    assert done.returncode == 0, done.stderr
    assert "evil" not in done.stdout
    assert done.stdout == place.here("config", "staging", "--json", "--app", place.project.app).stdout
    checked = run("check")
    assert checked.returncode != 0  # it runs here
    assert "shipway.yaml" in checked.stdout + checked.stderr


def test_a_release_goes_to_production_and_back(place: Place, ada: Laptop) -> None:
    project, grace, app = place.project, place.laptop(GRACE), ("--app", place.project.app)
    project.protect()
    project.change("two")
    done = ada("run", "staging", *app)
    assert (done.returncode, project.answer()) == (0, "two"), done.stdout + done.stderr
    assert project.staging in done.stdout
    [newest, *_] = project.deployments("staging")
    assert (newest["actor"], newest["outcome"]) == (ADA, SUCCEEDED)
    number = newest["release"]
    project.promote("v2")
    refused = ada("deploy", "production", "v2", *app)
    assert refused.returncode == GateRefused.exit_code, refused.stderr
    assert refused.stderr == place.here("deploy", "production", "v2", *app).stderr
    approved = grace("approve", "production", f"r{number}", "--reason", "two words; $(id)", *app)
    assert (approved.returncode, f"{GRACE} approved release {number}" in approved.stdout) == (0, True), approved.stderr
    deployed = ada("deploy", "production", "v2", *app)
    assert (deployed.returncode, project.answer("production")) == (0, "two"), deployed.stderr
    back = ada("rollback", "staging", "--reason", "it is wrong", *app)
    assert (back.returncode, project.answer()) == (0, "one"), back.stderr
    assert project.deployments("staging")[0]["reason"] == "it is wrong"
    assert ada("resume", "staging", *app).returncode == 0
    [entry] = [
        item for item in json.loads(ada("audit", "--json", "--actor", GRACE).stdout or "[]")
        if item["kind"] == "command" and item["what"].startswith("approve production")
    ]  # fmt: skip
    assert entry["proof"].startswith("request ")


def test_stdin_goes_along_and_exit_codes_come_back(place: Place, ada: Laptop) -> None:
    app = ("--app", place.project.app)
    done = ada("secret", "set", "staging", "UNUSED_KEY", *app, text="a value that nobody sees\n")
    assert done.returncode == 0, done.stderr
    assert "UNUSED_KEY" in ada("secret", "list", "staging", *app).stdout
    found = ada("exec", "staging", "web", *app, "--", "sh", "-c", "cat; echo oops >&2; exit 7", text="through\n")
    assert (found.returncode, found.stdout.strip(), "oops" in found.stderr) == (7, "through", True), found
    for file in (place.project.home / "server" / "commands").rglob("*"):
        assert not file.is_file() or b"a value that nobody sees" not in file.read_bytes()


def test_a_connection_that_breaks_loses_nothing(place: Place, ada: Laptop) -> None:
    project = place.project
    lines = "; ".join(f"echo line {number}; sleep 0.1" for number in range(40))
    project.pipeline(slow={"run": lines})
    way = Breaking(place.url)
    running = ada.start("run", "staging", "--app", project.app, SHIPWAY_URL=way.url)
    running.until("line 3")
    way.cut(refuse=3)
    running.until("line 20")
    way.cut(refuse=0)
    done = running.end(seconds=120)
    way.close()
    assert done.code == 0, done.output
    assert re.findall(r"│ line (\d+)$", done.output, re.MULTILINE) == [str(number) for number in range(40)]
    assert "is lost; trying again" in done.output
    assert project.deployments("staging")[0]["outcome"] == SUCCEEDED


def test_a_server_that_is_replaced_goes_on_with_it(place: Place, ada: Laptop) -> None:
    project = place.project
    project.pipeline(slow={"run": "; ".join(f"echo part {number}; sleep 0.2" for number in range(30))})
    running = ada.start("run", "staging", "--app", project.app)
    running.until("part 3")
    place.server.kill()
    place.serve()
    done = running.end(seconds=120)
    assert done.code == 0, done.output
    assert re.findall(r"│ part (\d+)$", done.output, re.MULTILINE) == [str(number) for number in range(30)]


def test_who_goes_away_stops_no_deployment(place: Place, ada: Laptop) -> None:
    project = place.project
    project.pipeline(slow={"run": "sleep 3; echo gone"})
    before = len(project.deployments("staging"))
    running = ada.start("run", "staging", "--app", project.app)
    running.until("slow")
    running.kill()
    soon(lambda: len(project.deployments("staging")) > before, 90)
    soon(lambda: project.deployments("staging")[0]["outcome"] == SUCCEEDED, 90)


def test_ctrl_c_cancels_at_the_server(place: Place, ada: Laptop) -> None:
    project = place.project
    project.pipeline(slow={"run": "sleep 60"})
    running = ada.start("run", "staging", "--app", project.app)
    running.until("slow")
    running.press_ctrl_c()
    done = running.end()
    assert done.code == Interrupted.exit_code, done.output
    assert "the server was asked to stop it" in done.output
    ledger = project.ledger()
    [last] = ledger.runs(project.app, 1)
    ledger.close()
    assert last.outcome == CANCELLED


def test_ctrl_c_ends_what_only_reads(place: Place, ada: Laptop) -> None:
    words = ["logs", "staging", "--follow", "--app", place.project.app]
    here = place.project.start(*words)
    there = ada.start(*words)
    for running in (here, there):
        running.until("I am")
        os.killpg(running._process.pid, signal.SIGINT)
    assert there.end().code == here.end().code
    soon(lambda: not _followers(place.project))


def _followers(project: Tiny) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in listed if "logs staging --follow" in line and str(project.home) in line]


def test_what_a_token_may_not_do_is_refused(place: Place) -> None:
    app, before = ("--app", place.project.app), place.project.deployments()
    eve, few = place.laptop(EVE), place.laptop(ADA, "see")
    for laptop in (eve, few):
        for words in (
            ["deploy", "staging", "r1"], ["rollback", "staging"], ["run", "staging"], ["destroy", "staging", "--force"],
            ["exec", "staging", "web", "--", "env"], ["secret", "set", "staging", "KEY"], ["restore", "staging", "1", "--yes"],
            ["prune"], ["approve", "production", "r1"], ["cancel", "staging"], ["restart", "staging"], ["scale", "staging", "web=0"],
        ):  # fmt: skip
            at = 2 if words[0] == "secret" else 1
            done = laptop(*words[:at], *app, *words[at:])
            assert (done.returncode, done.stdout) == (NotAllowed.exit_code, ""), (words, done)
        assert laptop("status", *app).returncode == 0
    assert few("logs", "staging", *app).returncode == NotAllowed.exit_code
    done = few("status", *app, SHIPWAY_TOKEN="swt_" + "x" * 43)
    assert done.returncode == NotAllowed.exit_code
    assert place.project.deployments() == before


def test_what_is_shown_is_what_may_be_seen(place: Place) -> None:
    """By a token for one environment, after both have had deployments."""
    app = place.project.app
    one = place.laptop()
    one.env["SHIPWAY_TOKEN"] = place.token(ADA, "see", limits=("--app", app, "--environment", "staging"))
    assert {item["environment"] for item in place.project.deployments()} == {"staging", "production"}
    assert list(json.loads(one("status", "--app", app, "--json").stdout)) == ["staging"]
    assert {item["environment"] for item in json.loads(one("history", "--app", app, "--json").stdout)} == {"staging"}
    [found] = json.loads(one("apps", "--json").stdout)
    assert (found["name"], list(found["running"])) == (app, ["staging"])
    assert one("ps", "staging", "--app", app).returncode == 0
    for words in (
        ["ps", "production"],
        ["history", "production"],
        ["rules"],
        ["diff", "staging", "production"],
        ["config", "production"],
    ):
        assert one(*words, "--app", app).returncode == NotAllowed.exit_code, words


def test_what_belongs_to_one_machine_is_refused(place: Place, ada: Laptop) -> None:
    app = ("--app", place.project.app)
    (ada.folder / "work").mkdir(exist_ok=True)
    for words in (
        ["serve"], ["worker"], ["release", *app], ["user", "list"], ["token", "list"], ["key", "export"], ["secret", "export", "staging"],
        ["approve", "production", "r1", "--sign"], ["prove", "--html", "/tmp/x", *app], ["run", "--dirty", *app], ["host", "check", "x"],
        ["maintenance", "on", "staging", "--page", "/etc/passwd", *app], ["notify", "add", "x", "--command", "/bin/sh"],
        ["backup", "staging", "--to", "/tmp", *app], ["secret", "import", "staging", "-"],
    ):  # fmt: skip
        done = ada(*words)
        assert done.returncode == UsageError.exit_code, (words, done)
        assert "server" in done.stderr
    done = ada("--home", str(ada.folder), "status", *app)
    assert (done.returncode, "--home" in done.stderr) == (UsageError.exit_code, True)


def test_a_server_that_is_away_is_said(ada: Laptop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = ada("apps", SHIPWAY_URL=f"http://127.0.0.1:{port}")
    assert (done.returncode, "does not answer" in done.stderr, "nothing was begun" in done.stderr) == (
        ServerError.exit_code, True, True,
    ), done  # fmt: skip
    done = ada("apps", SHIPWAY_URL="http://ship.example.org")
    assert (done.returncode, "must begin with https://" in done.stderr) == (UsageError.exit_code, True)
