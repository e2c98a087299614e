"""A running `ssh` to a host. It ends with this process in any case."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from shipway.domain.errors import EngineError
from shipway.drivers.hosts.messages import login_failed
from shipway.system.process import kill_group
from shipway.system.variables import for_others

SOCKET = "/var/run/docker.sock"  # on the host
CONNECT_TIMEOUT = 10  # seconds until the host's SSH server answers
LOGIN_TIMEOUT = 30.0  # seconds for the login
ANSWER = 10.0  # seconds for immediate commands
ENDING = 5.0  # seconds for ssh to end
LONGEST = 60  # characters of the folder of socket folders: a socket's whole path has at most 107
OPTIONS = {
    "BatchMode": "yes",  # no one can answer a prompt
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": CONNECT_TIMEOUT,
    "ServerAliveInterval": 5,
    "ServerAliveCountMax": 3,
    # Options that a user may have configured for interactive logins. Their forwards may be in use by such a login.
    "ExitOnForwardFailure": "no",
    "ControlMaster": "yes",
    "ControlPersist": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "LogLevel": "INFO",  # the reasons of a failure
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
}
# Its input ends when this process does: it then ends ssh and its process group, and removes the folder ($0). Only ssh
# has the standard error, so its end indicates ssh's end.
KEEPER = """trap : TERM; exec 3<&0; "$@" <&3 3<&- & exec 2>/dev/null; cat <&3; kill 0; wait; rm -rf "$0" """
# Runs on the host until its input ends. It makes a session, unlike `ssh -N`: without one, OpenSSH's server doesn't set
# TCP_NODELAY, and each connection takes 40 ms longer.
REMOTE = "cat"


class Tunnel:
    """Opened on creation; EngineError with a reason on failure. name: ssh://[user@]name[:port]."""

    def __init__(self, name: str) -> None:
        ssh = shutil.which("ssh")
        if ssh is None:
            raise EngineError(
                f"can't reach host {name}: ssh is not installed on this machine", hint="sudo apt install openssh-client"
            )
        self._ssh = ssh
        self.folder = Path(tempfile.mkdtemp(prefix="shipway-ssh-", dir=_short()))
        self.master, self.engine, self.proxy = (self.folder / name for name in ("master", "docker.sock", "proxy"))
        self._lines: deque[str] = deque(maxlen=20)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._forwards: dict[int, int] = {}  # number of users by port
        options = [f"-o{key}={value}" for key, value in {**OPTIONS, "ControlPath": self.master}.items()]
        # Sockets in a private folder instead of ports, through which other users and programs of this machine would
        # reach the host's engine and private networks.
        forwards = ["-L", f"{self.engine}:{SOCKET}", "-D", str(self.proxy)]
        self._process = subprocess.Popen(
            ["sh", "-c", KEEPER, str(self.folder), ssh, *options, *forwards, "--", name, REMOTE],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", env=for_others(),
            start_new_session=True,  # Ctrl-C is for this process: the rollback needs ssh
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._await_login(name)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether ssh still runs."""
        return not self._over.is_set()

    @property
    def output(self) -> str:
        """The last lines of ssh's output."""
        return "\n".join(self._lines)

    def test(self, script: str) -> int:
        """Run a shell script on the host; returns its exit code."""
        return self._more("-T", "host", f"exec sh -c '{script}'")

    def run(self, command: str, data: str, timeout: float) -> tuple[int, str, str]:
        """Run a command of the login's shell with this input; returns exit code (124 after `timeout` seconds), output and
        standard error."""
        args = [self._ssh, "-F", "none", "-S", str(self.master), "-T", "host", command]
        try:
            done = subprocess.run(
                args, input=data, capture_output=True, text=True, errors="replace", timeout=timeout, check=False, env=for_others(),
                start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 124, "", f"no answer in {timeout:g} s"
        return done.returncode, done.stdout, done.stderr

    def forward(self, port: int) -> bool:
        """Forward the host's loopback port to the same port of this machine, until everyone who requested it has
        released it. False if another program has it there."""
        with self._lock:
            if port not in self._forwards and self._more("-O", "forward", "-R", _same(port), "host") != 0:
                return False
            self._forwards[port] = self._forwards.get(port, 0) + 1
            return True

    def cancel_forward(self, port: int) -> None:
        """Reverse `forward`. Open connections are kept."""
        with self._lock:
            self._forwards[port] -= 1
            if self._forwards[port] == 0:
                del self._forwards[port]
                self._more("-O", "cancel", "-R", _same(port), "host")

    def _more(self, *args: str) -> int:
        """Run another `ssh` through the running one; returns its exit code."""
        command = [self._ssh, "-F", "none", "-S", str(self.master), *args]
        nothing = subprocess.DEVNULL
        try:
            done = subprocess.run(
                command, stdin=nothing, stdout=nothing, stderr=nothing, timeout=ANSWER, check=False, env=for_others()
            )
        except subprocess.TimeoutExpired:
            return 124
        return done.returncode

    def close(self) -> None:
        """End ssh and remove the folder. Idempotent."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            kill_group(self._process)
            self._process.wait()
        self._over.wait(ENDING)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._lines.append(line.rstrip())
        self._over.set()

    def _await_login(self, name: str) -> None:
        deadline = time.monotonic() + LOGIN_TIMEOUT
        while not self.master.exists():
            if self._over.wait(0.01):
                raise login_failed(name, self.output)
            if time.monotonic() > deadline:
                raise login_failed(name, f"the login timed out after {LOGIN_TIMEOUT:g} s")
        if not (self.engine.exists() and self.proxy.exists()):  # they are created before the master's
            raise login_failed(name, self.output)


def _same(port: int) -> str:
    return f"127.0.0.1:{port}:127.0.0.1:{port}"


def _short() -> str:
    """The folder for temporary files, if its path is short enough for sockets."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= LONGEST else "/tmp"
