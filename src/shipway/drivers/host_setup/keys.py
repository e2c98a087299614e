"""Keys of hosts and of users, as this machine's OpenSSH knows them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shipway.domain.errors import EngineError
from shipway.domain.host_setup import HostKey, HostLogin
from shipway.drivers.hosts.messages import login_failed
from shipway.drivers.hosts.tunnel import CONNECT_TIMEOUT, LOGIN_TIMEOUT


def offered(name: str) -> tuple[HostKey, str]:
    """The key that a host offers, and its line for known hosts. name: ssh://[user@]name[:port]."""
    with tempfile.TemporaryDirectory(prefix="shipway-key-") as folder:
        file = Path(folder) / "known_hosts"
        # The usual configuration with its jump hosts, but without known hosts, and no login.
        options = {
            "BatchMode": "yes", "StrictHostKeyChecking": "accept-new", "UserKnownHostsFile": file, "GlobalKnownHostsFile": "none",
            "UpdateHostKeys": "no", "HashKnownHosts": "no", "CheckHostIP": "no", "PreferredAuthentications": "none",
            "ControlMaster": "no", "ControlPath": "none", "ConnectTimeout": CONNECT_TIMEOUT, "LogLevel": "INFO",
            "PermitLocalCommand": "no", "RemoteCommand": "none", "ClearAllForwardings": "yes",
        }  # fmt: skip
        done = _run(["ssh", *(f"-o{key}={value}" for key, value in options.items()), "--", name, "true"])
        line = file.read_text(encoding="utf-8").strip() if file.exists() else ""
        if not line:
            raise login_failed(name, done.stderr.strip())
        shown = _run(["ssh-keygen", "-lf", str(file)]).stdout.split()
    return HostKey(shown[1], shown[-1].strip("()")), line.splitlines()[-1]


def trust(name: str, line: str) -> None:
    """Append a line to the user's known hosts."""
    file = Path(_configured(name, "userknownhostsfile")[0].split()[0]).expanduser()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as known:
            known.seek(0)
            before = known.read()
            known.write((b"\n" if before and not before.endswith(b"\n") else b"") + f"{line}\n".encode())
    except OSError as error:
        raise EngineError(
            f"{file} can't be written: {error.strerror}", hint="add the host's key there manually"
        ) from error


def login(name: str) -> HostLogin:
    """The user of logins at a host, and the public keys that they may use."""
    keys = []
    for path in _configured(name, "identityfile"):
        file = Path(path).expanduser()
        file = file if file.suffix == ".pub" else file.with_name(f"{file.name}.pub")
        if file.is_file():
            keys.append(file.read_text(encoding="utf-8").strip())
    if not keys:
        agent = _run(["ssh-add", "-L"])
        keys = [line for line in agent.stdout.splitlines() if line.startswith(("ssh-", "ecdsa-", "sk-"))]
    return HostLogin(_configured(name, "user")[0], tuple(keys))


def _configured(name: str, option: str) -> list[str]:
    done = _run(["ssh", "-G", "--", name])
    found = [line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith(f"{option} ")]
    if done.returncode or not found:
        raise EngineError(
            f"ssh can't read its configuration for {name}: {done.stderr.strip()}", hint="check ~/.ssh/config"
        )
    return found


def _run(args: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            args, capture_output=True, text=True, errors="replace", timeout=LOGIN_TIMEOUT, check=False,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise EngineError(
            f"{args[0]} is not installed on this machine", hint="sudo apt install openssh-client"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{args[0]} did not end in {LOGIN_TIMEOUT:g} s") from error
