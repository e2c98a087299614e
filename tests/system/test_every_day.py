"""Every day: logs, commands in containers, consoles, the database's client, restarts and numbers of replicas."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest

from shipway.domain.errors import DriftFound
from shipway.drivers.runtime.engine import Engine
from tests import prepared
from tests.system.conftest import Make
from tests.system.tiny import Running, Tiny, soon, visitors

pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.timeout(200)]

SECRET = "correct-horse-battery"
SAY = 'sh -c "echo I am one, key $KEY; exec caddy run --config Caddyfile --adapter caddyfile"'
REPL = 'FROM node:22-bookworm-slim\nWORKDIR /app\nRUN echo "{}" > package.json\nCMD ["sleep", "infinity"]\n'


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Two replicas of a web service with a secret, a worker of a framework, and a database."""
    project = make(database=True)
    project.plan["services"]["web"] |= {"replicas": 2, "secrets": ["KEY"], "command": SAY}
    project.plan["services"]["repl"] = {"build": "repl", "stop": "1s"}
    project.change("one", files={"repl/Dockerfile": REPL})
    given(project, "secret", "set", "staging", "KEY", typed=SECRET)
    project.shipway("run", "staging")
    return project


def given(project: Tiny, *args: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """A command with this input; its output apart from its messages."""
    return prepared.run(args, project.clone, project.env, merged=False, text=typed)


class Terminal:
    """A command on a terminal of 40 rows and 100 columns."""

    def __init__(self, project: Tiny, *args: str) -> None:
        self.output = ""
        self._own, side = pty.openpty()
        self.size(40, 100)
        self._process = subprocess.Popen(
            ["shipway", *args], cwd=project.clone, env={**project.env, "TERM": "vt100"}, stdin=side, stdout=side, stderr=side,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(side)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._own)

    def size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def ask(self, command: str) -> str:
        """What a shell answers to a command, in one line. What was typed is shown too, with a `$` in it."""
        self.type(f'echo "<$({command})>"\r')
        return self.until(r"<([^<>$]*)>")[1]

    def until(self, pattern: str, *, seconds: float = 60.0) -> re.Match[str]:
        """Wait for the pattern in what was shown since the last time."""
        deadline = time.monotonic() + seconds
        while (found := re.search(pattern, self.output)) is None:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.output}"
            assert self._more(), f"it ended without {pattern!r}:\n{self.output}"
        self.output = self.output[found.end() :]
        return found

    def end(self) -> int:
        """Its exit code."""
        while self._more():
            pass
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.output}") from None

    def _more(self) -> bool:
        try:
            ready, _, _ = select.select([self._own], [], [], 60.0)
            data = os.read(self._own, 65536) if ready else b""
        except OSError:  # the other side is closed
            return False
        self.output += data.decode(errors="replace")
        return bool(data)


def sessions(project: Tiny) -> dict[str, str]:
    return project.containers(role="session")


def test_logs_of_all_replicas_without_secrets_and_colours(shop: Tiny) -> None:
    done = given(shop, "logs", "staging", "web", "--grep", "I am")
    assert sorted(done.stdout.splitlines()) == [
        "web.1 r1 │ I am one, key «KEY»",
        "web.2 r1 │ I am one, key «KEY»",
    ]
    assert SECRET not in given(shop, "logs", "staging", "--lines", "all").stdout
    assert "database system is ready" in given(shop, "logs", "staging", "db", "--since", "1h").stdout
    assert given(shop, "logs", "staging", "--since", "2099-01-01").stdout == ""
    shop.env["FORCE_COLOR"] = "1"
    try:
        coloured = given(shop, "logs", "staging", "--grep", "I am").stdout
    finally:
        del shop.env["FORCE_COLOR"]
    assert len(set(re.findall(r"\x1b\[(\d+)mweb", coloured))) == 2


def test_logs_for_programs(shop: Tiny) -> None:
    lines = [
        json.loads(line) for line in given(shop, "logs", "staging", "--json", "--grep", "I am").stdout.splitlines()
    ]
    assert sorted((item["service"], item["replica"], item["release"], item["host"]) for item in lines) == [
        ("web", 1, 1, "local"), ("web", 2, 1, "local"),
    ]  # fmt: skip
    assert [item["time"] for item in lines] == sorted(item["time"] for item in lines)
    assert lines[0]["line"] == "I am one, key «KEY»"


def test_logs_are_followed_into_new_containers(shop: Tiny) -> None:
    following = Running(shop, "logs", "staging", "web", "--follow")
    following.until("web.2 r1 │ I am one")
    given(shop, "exec", "staging", "web", "--into", "--", "sh", "-c", "echo written just now >/proc/1/fd/1")
    following.until("written just now")
    following.press_ctrl_c()
    done = following.end()
    assert done.code == 130
    assert "rolled back" not in done.output


def test_a_command_gets_all_that_the_service_has(shop: Tiny) -> None:
    script = "cat; echo $KEY; echo ${DATABASE_URL%%:*}; wget -qO- http://web:8000; echo; echo bad >&2; exit 7"
    done = given(shop, "exec", "staging", "web", "--", "sh", "-c", script, typed="typed\n")
    assert done.stdout.splitlines() == ["typed", SECRET, "postgresql", "one"]
    assert done.stderr.splitlines() == ["bad"]
    assert done.returncode == 7
    soon(lambda: not sessions(shop))
    missing = given(shop, "exec", "staging", "web", "--", "nosuchcommand")
    assert missing.returncode == 127
    assert "nosuchcommand" in missing.stderr
    soon(lambda: not sessions(shop))


def test_a_command_is_ended_with_the_one_who_runs_it(shop: Tiny) -> None:
    running = Running(shop, "exec", "staging", "web", "--", "sh", "-c", "echo begun; sleep 300")
    running.until("begun")
    running.press_ctrl_c()
    assert running.end().code == 130
    soon(lambda: not sessions(shop))
    killed = Running(shop, "exec", "staging", "web", "--", "sh", "-c", "echo begun; cat")
    killed.until("begun")
    killed.kill()
    soon(lambda: not sessions(shop))  # its input has ended, and the engine removes it


def test_a_shell_whose_terminal_was_lost_is_cleaned_up(shop: Tiny) -> None:
    with Terminal(shop, "exec", "staging", "web", "--", "sh") as shell:
        shell.until("# ")
    (left,) = sessions(shop)  # the shell doesn't notice that `shipway` was killed
    found = shop.shipway("doctor", "staging", check=False)
    assert f"{left}" in found.output
    assert found.code == DriftFound.exit_code
    shop.shipway("doctor", "staging", "--fix")
    assert not sessions(shop)


@pytest.mark.parametrize("into", [False, True])
def test_a_shell_on_a_terminal(shop: Tiny, into: bool) -> None:
    with Terminal(shop, "exec", "staging", "web", *(["--into"] if into else []), "--", "sh") as shell:
        shell.until("# ")
        assert shell.ask("tty").startswith("/dev/")
        assert shell.ask("echo $TERM") == "vt100"
        soon(lambda: shell.ask("stty size") == "40 100")
        shell.size(50, 132)
        soon(lambda: shell.ask("stty size") == "50 132")
        shell.type("sh -c 'echo begun $((40 + 1)); sleep 300'\r")
        shell.until("begun 41")
        shell.type("\x03")  # Ctrl-C is the command's
        soon(lambda: shell.ask("echo still $((40 + 2))") == "still 42")
        shell.type("exit 9\r")
        assert shell.end() == 9
    soon(lambda: not sessions(shop))


def test_the_database_with_its_client(shop: Tiny) -> None:
    assert given(shop, "db", "staging", "--", "-Atc", "INSERT INTO pets VALUES ('cat') RETURNING name").stdout == (
        "cat\nINSERT 0 1\n"
    )
    refused = given(shop, "db", "staging", "--read-only", typed="DELETE FROM pets;\nSELECT count(*) FROM pets;\n")
    assert "cannot execute DELETE in a read-only transaction" in refused.stderr
    assert re.search(r"^ +1$", refused.stdout, re.M)
    with Terminal(shop, "db", "staging") as client:
        client.until("=# ")
        client.type("SELECT 40 + 2 AS answer;\r")
        client.until(r"answer \r\n-+\r\n +42\r\n")
        client.type("\\q\r")
        assert client.end() == 0


def test_a_console_of_the_framework(shop: Tiny) -> None:
    with Terminal(shop, "console", "staging") as console:
        console.until("Node.js of repl: node")
        console.until("> ")
        console.type("[6 * 7, process.env.SHIPWAY_ENVIRONMENT].join()\r")
        console.until("'42,staging'")
        console.type(".exit\r")
        assert console.end() == 0
    missing = given(shop, "console", "staging", "web")
    assert missing.returncode == 2
    assert "shipway exec staging web -- COMMAND" in missing.stderr


def test_who_ran_what(shop: Tiny) -> None:
    given(shop, "--as", "eve@example.org", "exec", "staging", "web", "--", "sh", "-c", f": {SECRET}; exit 3")
    found = json.loads(given(shop, "history", "staging", "--commands", "--json").stdout)[0]
    assert (found["actor"], found["kind"], found["service"], found["code"]) == ("eve@example.org", "exec", "web", 3)
    assert found["detail"] == "sh -c ': «KEY»; exit 3'"
    assert "«KEY»" in given(shop, "history", "staging", "--commands").stdout


def test_what_each_container_uses(shop: Tiny) -> None:
    found = {
        (item["service"], item["replica"]): item for item in json.loads(given(shop, "ps", "staging", "--json").stdout)
    }
    assert set(found) == {("web", 1), ("web", 2), ("repl", 1), ("db", None)}
    assert all(item["state"] == "running" and item["memory"] > 0 and item["cpu"] >= 0 for item in found.values())
    watching = Running(shop, "ps", "staging", "--watch", "--json")
    watching.until("\n")
    watching.press_ctrl_c()
    assert watching.end().code == 130
    assert all(len(json.loads(line)) == 4 for line in watching.output.splitlines())
    name = found["web", 2]["container"]
    Engine().call("POST", f"/containers/{name}/kill")
    soon(lambda: shop.containers()[name] == "exited")
    shown = next(line for line in given(shop, "ps", "staging").stdout.splitlines() if line.startswith("web.2"))
    assert re.search(r"exited .*137 (just now|\d+ s ago)", shown)
    assert "web.2 r1 │ I am one" in given(shop, "logs", "staging").stdout, "of the container that died"
    Engine().call("POST", f"/containers/{name}/start")
    soon(lambda: shop.containers()[name] == "running" and all(shop.answer("staging") == "one" for _ in range(20)))


def test_a_restart_loses_no_request(shop: Tiny) -> None:
    before = set(shop.containers(role="service", name="web"))
    with visitors(shop) as answers:
        shop.shipway("restart", "staging", "web", "--reason", "a leak")
    assert set(answers) == {"one"}
    assert len(set(shop.containers(role="service", name="web")) - before) == 2
    newest = shop.deployments("staging")[0]
    assert (newest["kind"], newest["reason"], newest["outcome"]) == ("restart", "restart of web: a leak", "succeeded")


def test_what_a_deployment_prints_is_followed_from_elsewhere(shop: Tiny) -> None:
    before = shop.deployments("staging")[0]["id"]
    restarting = Running(shop, "restart", "staging", "web")
    soon(lambda: shop.deployments("staging")[0]["id"] != before)
    followed = given(shop, "show", "staging", "--follow").stdout
    assert restarting.end().code == 0
    assert re.match(r"deployment \d+: restart of release 1 to staging by ", followed)
    assert re.search(r"^✓ switch +", followed, re.M)
    assert re.search(r"^deployment \d+ succeeded$", followed, re.M)
    assert given(shop, "show", "staging").stdout == followed
    first = given(shop, "show", "1").stdout
    assert "run 1" in first
    assert SECRET not in first + followed


def test_a_number_of_replicas_holds_until_the_plan_has_another(shop: Tiny) -> None:
    with visitors(shop) as answers:
        shop.shipway("scale", "staging", "web=3")
    assert set(answers) == {"one"}
    assert shop.status("staging")["services"]["web"] == [3, 3]
    assert shop.status("staging")["scaled"] == {"web": [3, 2]}
    assert "scaled to 3, the plan has 2" in shop.shipway("status").output
    drift = shop.shipway("doctor", "staging", check=False)
    assert drift.code == DriftFound.exit_code
    assert "web was scaled to 3 replicas, the plan has 2" in drift.output.replace("web:", "web")


def test_the_address(shop: Tiny) -> None:
    assert given(shop, "open", "staging").stdout == f"{shop.staging}\n"
