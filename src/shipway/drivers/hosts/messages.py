"""Error messages of connections to hosts."""

from __future__ import annotations

import re

from shipway.domain.errors import EngineError

NO_SOCKET, NO_ACCESS = 3, 4  # exit codes of `access_check`


class HostKeyUnknown(EngineError):
    """No known host has this name."""


def access_check(socket: str) -> str:
    """A shell script whose exit code tells whether the user may access the engine's socket."""
    return f"test -e {socket} || exit {NO_SOCKET}; test -w {socket} || exit {NO_ACCESS}"


def login_failed(name: str, output: str) -> EngineError:
    """Why the login by `ssh` failed. name: ssh://[user@]name[:port]; output: its last lines."""
    command = _ssh_command(name)
    for pattern, what, hint in (
        (
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
            "its host key differs from the known one",
            f"someone may intercept the connection. If the host was reinstalled: ssh-keygen -R NAME, then {command}",
        ),
        (
            "Host key verification failed",
            "its host key is unknown",
            f"log in once manually and compare the displayed fingerprint: {command}",
        ),
        (
            "Permission denied",
            "it denies the login",
            f"`{command}` must work without a prompt: use ssh-copy-id, ssh-add, or IdentityFile in ~/.ssh/config",
        ),
        ("Could not resolve hostname", "its name can't be resolved", "check `hosts` in the plan, or ~/.ssh/config"),
        ("Connection refused", "its SSH port refuses connections", "check that an SSH server listens on that port"),
        (
            r"timed out|No route to host|Network is unreachable",
            "it does not answer",
            "check that it is running and that no firewall blocks this machine",
        ),
    ):
        if re.search(pattern, output):
            kind = HostKeyUnknown if what == "its host key is unknown" else EngineError
            return kind(f"can't reach host {name}: {what}\n{output}", hint=hint)
    return EngineError(f"can't reach host {name}: {output or 'ssh exited without output'}", hint=f"try: {command}")


def no_engine(name: str, socket: str, found: int) -> EngineError:
    """Why the engine's socket doesn't answer after a successful login. found: exit code of `access_check`."""
    if found == NO_SOCKET:
        return EngineError(
            f"Docker isn't running on {name}: there is no {socket}",
            hint="install it there, or start it: sudo systemctl start docker",
        )
    if found == NO_ACCESS:
        return EngineError(
            f"Docker on {name} denies access to the user of the login",
            hint="add that user to the docker group there: sudo usermod -aG docker USER",
        )
    return EngineError(
        f"Docker isn't running on {name}: nothing answers at {socket}",
        hint="start it there: sudo systemctl start docker. If it is running, the host's sshd_config must allow "
        "AllowTcpForwarding and AllowStreamLocalForwarding",
    )


def _ssh_command(name: str) -> str:
    target, _, port = name.removeprefix("ssh://").partition(":")
    return f"ssh -p {port} {target}" if port else f"ssh {target}"
