"""Bare hosts for tests: Debian as a provider installs it, in namespaces of this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT, RECIPE = (Path(__file__).with_name(name) for name in ("bare_hosts.sh", "bare_root.sh"))
CACHE = Path("/var/tmp/shipway-bare")  # outside of the repository: it is the same for all work trees
CLIENT = """\
Host *
  User deploy
  IdentityFile {folder}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile none
"""
# New connections fail while the file is there; those that go through an open one work.
SSH = """\
#!/bin/sh
if [ -e {folder}/cut ]; then
  case " $* " in *" -S "*) ;; *) echo "ssh: connect to host: Connection timed out" >&2; exit 255 ;; esac
fi
exec {ssh} -F {folder}/ssh_config "$@"
"""


class BareHosts:
    """host1, host2 …: `ssh://host1` is a host's name in a plan while PATH begins with `bin`. root and admin, who may call
    sudo, are let in by one key. Their host keys are unknown."""

    def __init__(self, folder: Path, count: int, root: Path) -> None:
        self.folder = folder
        self.names = [f"host{number}" for number in range(1, count + 1)]
        self.bin = folder / "bin"
        self.known_hosts = folder / "known_hosts"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", folder / "key"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        self._keeper = subprocess.Popen(
            [*_as_root(), "bash", SCRIPT, folder, str(count), root],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        said = self._hear()
        if not said.startswith("up "):
            rest = self._keeper.communicate()[0]
            raise AssertionError(f"the hosts did not start; they need root (or sudo) and namespaces:\n{said}\n{rest}")
        prefix = said.removeprefix("up ")
        self.addresses = {name: f"{prefix}.1{number}" for number, name in enumerate(self.names, 1)}
        hosts = "".join(f"Host {name}\n  HostName {address}\n" for name, address in self.addresses.items())
        (folder / "ssh_config").write_text(hosts + CLIENT.format(folder=folder))
        self.bin.mkdir()
        # OpenSSH finds ~/.ssh by the user's entry in passwd, not by HOME: a test can't give it another one.
        (self.bin / "ssh").write_text(SSH.format(folder=folder, ssh=shutil.which("ssh")))
        (self.bin / "ssh").chmod(0o755)

    def run(self, name: str, command: str, user: str = "root", text: str = "") -> str:
        """Run a shell command on a host with this input, not by Shipway, whatever its key."""
        options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
        args = [str(self.bin / "ssh"), *options, f"{user}@{name}", command]
        done = subprocess.run(args, capture_output=True, text=True, check=False, input=text)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def load(self, name: str, image: str) -> None:
        """Give a host an image of this machine's engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
            options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
            subprocess.run(
                [self.bin / "ssh", *options, f"root@{name}", "docker load"], stdin=saving.stdout, check=True,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Meanwhile no new connection can be opened; those that are open stay."""
        (self.folder / "cut").touch()
        try:
            yield
        finally:
            (self.folder / "cut").unlink()

    def installed_again(self, name: str) -> None:
        """It is bare again, with another key."""
        self._tell("new", name)

    def restarted(self, name: str) -> None:
        """Its power was cut, and is back. Nothing but the SSH server runs."""
        self._tell("kill", name)
        self._tell("start", name)

    def close(self) -> None:
        """Take all of it away."""
        self._keeper.communicate()
        assert not self.folder.exists(), "the hosts left something"

    def _tell(self, command: str, name: str) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(f"{command} {name.removeprefix('host')}\n")
        self._keeper.stdin.flush()
        said = self._hear()
        assert said == "ok", f"{command} {name}: {said}; {(self.folder / 'log').read_text()[-500:]}"

    def _hear(self) -> str:
        assert self._keeper.stdout is not None
        return self._keeper.stdout.readline().strip()


@contextmanager
def running_bare_hosts(count: int = 1) -> Iterator[BareHosts]:
    """Bare hosts that answer; PATH leads to an `ssh` that knows them. The first call on a machine takes two minutes."""
    recipe = hashlib.sha256(RECIPE.read_bytes()).hexdigest()[:12]
    root = CACHE / f"bookworm-{recipe}"
    done = subprocess.run([*_as_root(), "bash", RECIPE, root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"no bare Debian could be made:\n{done.stdout}{done.stderr[-3000:]}"
    hosts = BareHosts(Path(tempfile.mkdtemp(prefix="shipway-bare-", dir="/var/tmp")), count, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(hosts.bin), prepend=os.pathsep)
        try:
            yield hosts
        finally:
            hosts.close()


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n", "env", f"PATH={os.environ['PATH']}"]
