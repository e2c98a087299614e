"""Hosts for tests: two Docker Engines with SSH servers in namespaces of this machine, reached as a person reaches hosts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("nodes.sh")
GUEST = "guest"  # may log in on every node, but not use its engine
CLOSED = "closed"  # may log in, but gets no connections from there
SERVER = """\
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
Match User {closed}
  AllowTcpForwarding no
"""
CLIENT = """\
Host *
  User root
  IdentityFile {folder}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile none
"""


class Nodes:
    """node1, node2 …: `ssh://node1` is a host's name in a plan while PATH begins with `bin`.

    Nodes share their host key, and let root, GUEST and CLOSED in by one key.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.names = [f"node{number}" for number in range(1, count + 1)]
        self.bin = folder / "bin"
        self.known_hosts = folder / "known_hosts"
        self._write_server_side()
        self._keeper = subprocess.Popen(
            [*_as_root(), "bash", SCRIPT, folder, str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        said = self._hear()
        if not said.startswith("up "):
            rest = self._keeper.communicate()[0]
            raise AssertionError(f"the nodes did not start; they need root (or sudo) and namespaces:\n{said}\n{rest}")
        prefix = said.removeprefix("up ")
        self.addresses = {name: f"{prefix}.1{number}" for number, name in enumerate(self.names, 1)}
        self.controller = f"{prefix}.1"  # where the nodes reach this machine
        self._write_client_side()

    def address(self, name: str) -> str:
        """Where the other nodes and this machine reach it."""
        return self.addresses[name]

    def ask(self, name: str, url: str) -> str:
        """What a visitor of a site gets from this very host."""
        host = urllib.parse.urlsplit(url)
        request = urllib.request.Request(
            f"http://{self.address(name)}:{host.port}/", headers={"Host": host.hostname or ""}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return f"HTTP status {error.code}"
        except OSError as error:
            return str(error)

    def ssh(self, name: str, command: str) -> str:
        """Run a shell command on a node, not by Shipway."""
        done = subprocess.run([self.bin / "ssh", name, command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, name: str, *images: str) -> None:
        """Give a node images that this machine's engine has; what it has already is not sent again."""
        there = self.ssh(name, "docker images --format '{{.Repository}}:{{.Tag}}'").split()
        missing = [image for image in images if image not in there]
        if missing:
            self._tell("load", name, *missing)

    @contextmanager
    def visitors(self, url: str, *names: str) -> Iterator[dict[str, list[str]]]:
        """Ask these hosts (all) for a site again and again meanwhile, each request on a connection of its own."""
        heard: dict[str, list[str]] = {name: [] for name in names or self.names}
        over = threading.Event()

        def visit(name: str) -> None:
            while not over.wait(0.03):
                heard[name].append(self.ask(name, url))

        threads = [threading.Thread(target=visit, args=(name,)) for name in heard]
        for thread in threads:
            thread.start()
        try:
            yield heard
        finally:
            over.set()
            for thread in threads:
                thread.join()

    @contextmanager
    def killed(self, name: str) -> Iterator[None]:
        """Meanwhile it is as if its power were cut: engine, SSH server and containers are gone at once. It comes back with
        the disk that it had."""
        with self._between(("kill", name), ("start", name)):
            yield

    def installed_again(self, name: str) -> None:
        """Its disk was lost: it has no image, no container and no volume, and the same key."""
        self._tell("new", name)

    @contextmanager
    def silenced(self, name: str) -> Iterator[None]:
        """Meanwhile it is as if its cable were pulled: nothing answers, nothing is refused."""
        with self._between(("silence", name), ("speak", name)):
            yield

    @contextmanager
    def without_engine(self, name: str, number: signal.Signals = signal.SIGTERM) -> Iterator[None]:
        """Meanwhile its Docker Engine alone is ended, in good order or by SIGKILL."""
        with self._between(("stop-engine", name, number.name.removeprefix("SIG")), ("start-engine", name)):
            yield

    @contextmanager
    def _between(self, down: tuple[str, ...], up: tuple[str, ...]) -> Iterator[None]:
        """Whatever fails meanwhile, the next test finds it up."""
        self._tell(*down)
        try:
            yield
        finally:
            self._tell(*up)

    def sessions(self) -> list[int]:
        """Process ids of all `ssh` that were started with `bin` in front of PATH."""
        config = os.fsencode(self.folder / "ssh_config")
        found = [path for path in Path("/proc").glob("[0-9]*/cmdline") if config in _read(path).split(b"\0")]
        return sorted(int(path.parent.name) for path in found)

    @contextmanager
    def knowing(self, key: str | None) -> Iterator[None]:
        """Meanwhile this public key is the nodes' known one; None: none is known."""
        before = self.known_hosts.read_text()
        self._know(key)
        try:
            yield
        finally:
            self.known_hosts.write_text(before)

    @contextmanager
    def configured(self, text: str) -> Iterator[None]:
        """Meanwhile the person's configuration of ssh begins with this."""
        config = self.folder / "ssh_config"
        before = config.read_text()
        config.write_text(text + before)
        try:
            yield
        finally:
            config.write_text(before)

    def close(self) -> None:
        """Take all of it away."""
        self._keeper.communicate()
        assert not self.folder.exists(), "the nodes left something"

    def _tell(self, command: str, name: str, *args: str) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(" ".join([command, name.removeprefix("node"), *args]) + "\n")
        self._keeper.stdin.flush()
        said = self._hear()
        assert said == "ok", f"{command} {name}: {said}; {(self.folder / 'log').read_text()[-500:]}"

    def _hear(self) -> str:
        assert self._keeper.stdout is not None
        return self._keeper.stdout.readline().strip()

    def _write_server_side(self) -> None:
        folder = self.folder
        folder.chmod(0o755)  # the guest's login reads its keys there
        for name in ("key", "host_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", folder / name]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        (folder / "sshd_config").write_text(SERVER.format(folder=folder, closed=CLOSED))
        # Without homes: what a login runs there is a person's business, and takes its time.
        users = {"root": 0, CLOSED: 0, GUEST: 65533}
        homeless = "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in users.items())
        others = [line for line in Path("/etc/passwd").read_text().splitlines(True) if not line.startswith("root:")]
        (folder / "passwd").write_text(homeless + "".join(others))
        # No password, but not locked either.
        (folder / "shadow").write_text("".join(f"{name}:*:::::::\n" for name in users))

    def _write_client_side(self) -> None:
        hosts = "".join(f"Host {name}\n  HostName {address}\n" for name, address in self.addresses.items())
        (self.folder / "ssh_config").write_text(hosts + CLIENT.format(folder=self.folder))
        self._know((self.folder / "host_key.pub").read_text())
        self.bin.mkdir()
        # OpenSSH finds ~/.ssh by the user's entry in passwd, not by HOME: a test can't give it another one.
        (self.bin / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.folder}/ssh_config "$@"\n')
        (self.bin / "ssh").chmod(0o755)

    def _know(self, key: str | None) -> None:
        self.known_hosts.write_text(f"{','.join(self.addresses.values())} {key}" if key else "")


@contextmanager
def running_nodes(count: int = 2) -> Iterator[Nodes]:
    """Nodes that answer, in a few seconds; PATH leads to an `ssh` that knows them. Nothing is left afterwards."""
    nodes = Nodes(Path(tempfile.mkdtemp(prefix="shipway-nodes-")), count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(nodes.bin), prepend=os.pathsep)
        try:
            yield nodes
        finally:
            nodes.close()


def _as_root() -> list[str]:
    kept = [f"{name}={value}" for name in ("DOCKER_HOST", "PATH") if (value := os.environ.get(name))]
    return [] if os.geteuid() == 0 else ["sudo", "-n", "env", *kept]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
