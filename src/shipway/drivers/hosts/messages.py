"""Error messages of connections to hosts."""

from __future__ import annotations

import re

from shipway.domain.errors import EngineError

NO_SOCKET, NO_ACCESS = 3, 4  # exit codes of `look`


def look(socket: str) -> str:
    """A shell script whose exit code tells whether the user may access the engine's socket."""
    return f"test -e {socket} || exit {NO_SOCKET}; test -w {socket} || exit {NO_ACCESS}"


def login_failed(name: str, said: str) -> EngineError:
    """Why the login by `ssh` failed. name: ssh://[user@]name[:port]; said: its last lines."""
    by_hand = _by_hand(name)
    for words, what, hint in (
        (
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
            "it shows another host key than the one that is known",
            f"somebody may be in between. Where the host was made anew: ssh-keygen -R NAME, then {by_hand}",
        ),
        (
            "Host key verification failed",
            "its host key isn't known here",
            f"log in once by hand and compare the fingerprint that is shown: {by_hand}",
        ),
        (
            "Permission denied",
            "it doesn't let us in",
            f"`{by_hand}` must work without a question: ssh-copy-id, ssh-add, or IdentityFile in ~/.ssh/config",
        ),
        ("Could not resolve hostname", "there is no host of that name", "check `hosts` in the plan, or ~/.ssh/config"),
        ("Connection refused", "nothing answers at its SSH port", "does it run, and an SSH server on that port?"),
        (
            r"timed out|No route to host|Network is unreachable",
            "it doesn't answer",
            "does it run, and does a firewall let this machine through?",
        ),
    ):
        if re.search(words, said):
            return EngineError(f"{name} can't be reached: {what}\n{said}", hint=hint)
    return EngineError(f"{name} can't be reached: {said or 'ssh ended without a word'}", hint=f"try: {by_hand}")


def no_engine(name: str, socket: str, found: int) -> EngineError:
    """Why the engine's socket doesn't answer after a successful login. found: exit code of `look`."""
    if found == NO_SOCKET:
        return EngineError(
            f"Docker isn't running on {name}: there is no {socket}",
            hint="install it there, or start it: sudo systemctl start docker",
        )
    if found == NO_ACCESS:
        return EngineError(
            f"Docker on {name} refuses access to the user who logs in",
            hint="add that user to the docker group there: sudo usermod -aG docker USER",
        )
    return EngineError(
        f"Docker isn't running on {name}: nothing answers at {socket}",
        hint="start it there: sudo systemctl start docker. Where it runs, the host's sshd_config says no to "
        "AllowTcpForwarding or AllowStreamLocalForwarding",
    )


def _by_hand(name: str) -> str:
    target, _, port = name.removeprefix("ssh://").partition(":")
    return f"ssh -p {port} {target}" if port else f"ssh {target}"
