"""What this machine's ssh would do for a host: `ssh -G` reads its configuration, and connects to nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from shipway.domain.errors import EngineError
from shipway.domain.host_location import SSH, HostLocation
from shipway.drivers.hosts.tunnel import LOGIN_TIMEOUT


def location(name: str) -> HostLocation:
    """Where ssh://[user@]name[:port] is. EngineError if ssh can't read its configuration."""
    options = configuration(name)
    jump, command = (options.get(key, ["none"])[0] for key in ("proxyjump", "proxycommand"))
    through = f"the jump host {jump}" if jump != "none" else "a ProxyCommand" if command != "none" else ""
    return HostLocation(options["hostname"][0], int(options.get("port", [str(SSH)])[0]), through)


def configuration(name: str) -> dict[str, list[str]]:
    """The values of each option, by its name in lower case. EngineError if ssh can't read its configuration."""
    done = run(["ssh", "-G", "--", name])
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        option, _, value = line.partition(" ")
        found.setdefault(option, []).append(value)
    if done.returncode or "hostname" not in found:
        raise EngineError(
            f"ssh can't read its configuration for {name}: {done.stderr.strip()}", hint="check ~/.ssh/config"
        )
    return found


def run(args: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run one of OpenSSH's programs. EngineError if it isn't installed or doesn't end."""
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
