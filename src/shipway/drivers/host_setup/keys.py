"""Keys of hosts and of users, as this machine's OpenSSH knows them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from shipway.domain.errors import EngineError
from shipway.domain.host_setup import HostKey, HostLogin
from shipway.drivers.hosts.config import configuration, run
from shipway.drivers.hosts.messages import login_failed
from shipway.drivers.hosts.tunnel import CONNECT_TIMEOUT


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
        done = run(["ssh", *(f"-o{key}={value}" for key, value in options.items()), "--", name, "true"])
        line = file.read_text(encoding="utf-8").strip() if file.exists() else ""
        if not line:
            raise login_failed(name, done.stderr.strip())
        shown = run(["ssh-keygen", "-lf", str(file)]).stdout.split()
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
        agent = run(["ssh-add", "-L"])
        keys = [line for line in agent.stdout.splitlines() if line.startswith(("ssh-", "ecdsa-", "sk-"))]
    return HostLogin(_configured(name, "user")[0], tuple(keys))


def _configured(name: str, option: str) -> list[str]:
    found = configuration(name).get(option, [])
    if not found:
        raise EngineError(f"ssh's configuration for {name} has no {option}", hint="check ~/.ssh/config")
    return found
