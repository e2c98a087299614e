"""One running `ssh` to a host. It ends with this process, however that ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from shipway.domain.errors import EngineError
from shipway.drivers.hosts.words import login_failed

SOCKET = "/var/run/docker.sock"  # on the host
CONNECT_TIMEOUT = 10  # seconds until the host's SSH server answers
LOGIN_TIMEOUT = 30.0  # seconds until it has let us in
ANSWER = 10.0  # seconds for what it does at once
ENDING = 5.0  # seconds that ssh may take to end
LONGEST = 60  # characters of a folder in whose folders sockets can be: their whole paths have 107 at most
OPTIONS = {
    "BatchMode": "yes",  # nobody is there to be asked
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": CONNECT_TIMEOUT,
    "ServerAliveInterval": 5,
    "ServerAliveCountMax": 3,
    # What a person's configuration may ask for an interactive login. Its forwards may be taken by just such a login.
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
# Its input ends when this process does: then it ends ssh and all else of its group, and removes the folder ($0). The
# standard error stays with ssh alone, so that its end tells of ssh's end.
KEEPER = """trap : TERM; exec 3<&0; "$@" <&3 3<&- & exec 2>/dev/null; cat <&3; kill 0; wait; rm -rf "$0" """
# Runs on the host and waits for the end of its input. A session, where `ssh -N` has none: in one without, OpenSSH's
# server doesn't set TCP_NODELAY, and each connection costs 40 ms more.
REMOTE = "cat"


class Tunnel:
    """Opened when made; EngineError with a reason where that fails. name: ssh://[user@]name[:port]."""

    def __init__(self, name: str) -> None:
        ssh = shutil.which("ssh")
        if ssh is None:
            raise EngineError(f"{name} can't be reached: there is no ssh here", hint="sudo apt install openssh-client")
        self._ssh = ssh
        self.folder = Path(tempfile.mkdtemp(prefix="shipway-ssh-", dir=_short()))
        self.master, self.engine, self.proxy = (self.folder / name for name in ("master", "docker.sock", "proxy"))
        self._said: deque[str] = deque(maxlen=20)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._lent: dict[int, int] = {}  # port: who uses it now
        options = [f"-o{key}={value}" for key, value in {**OPTIONS, "ControlPath": self.master}.items()]
        # Sockets in a folder of ours, and not ports: other users of this machine, and all of its programs, would get by
        # them to the host's engine and private networks.
        forwards = ["-L", f"{self.engine}:{SOCKET}", "-D", str(self.proxy)]
        self._process = subprocess.Popen(
            ["sh", "-c", KEEPER, str(self.folder), ssh, *options, *forwards, "--", name, REMOTE],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            start_new_session=True,  # Ctrl-C is for us: to take back what was begun we need it
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
    def said(self) -> str:
        """The last lines that ssh wrote."""
        return "\n".join(self._said)

    def test(self, script: str) -> int:
        """Exit code of a shell script on the host."""
        return self._more("-T", "host", f"exec sh -c '{script}'")

    def lend(self, port: int) -> bool:
        """Have the host's loopback port lead to the same one of this machine, until all who asked for that have given it
        back. False where something else has it there."""
        with self._lock:
            if port not in self._lent and self._more("-O", "forward", "-R", _same(port), "host") != 0:
                return False
            self._lent[port] = self._lent.get(port, 0) + 1
            return True

    def give_back(self, port: int) -> None:
        """After `lend`. What goes through it already goes on."""
        with self._lock:
            self._lent[port] -= 1
            if self._lent[port] == 0:
                del self._lent[port]
                self._more("-O", "cancel", "-R", _same(port), "host")

    def _more(self, *args: str) -> int:
        """Exit code of one more `ssh`, which works through the one that runs."""
        command = [self._ssh, "-F", "none", "-S", str(self.master), *args]
        nothing = subprocess.DEVNULL
        try:
            done = subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, timeout=ANSWER, check=False)
        except subprocess.TimeoutExpired:
            return 124
        return done.returncode

    def close(self) -> None:
        """End ssh and remove the folder. May be repeated."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._over.wait(ENDING)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._said.append(line.rstrip())
        self._over.set()

    def _await_login(self, name: str) -> None:
        deadline = time.monotonic() + LOGIN_TIMEOUT
        while not self.master.exists():
            if self._over.wait(0.01):
                raise login_failed(name, self.said)
            if time.monotonic() > deadline:
                raise login_failed(name, f"it did not let us in within {LOGIN_TIMEOUT:g} s")
        if not (self.engine.exists() and self.proxy.exists()):  # they are made before the master's
            raise login_failed(name, self.said)


def _same(port: int) -> str:
    return f"127.0.0.1:{port}:127.0.0.1:{port}"


def _short() -> str:
    """The folder for temporary files, where its path isn't too long for sockets."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= LONGEST else "/tmp"
