"""The systemd unit of the release server."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Sequence
from pathlib import Path

from shipway.domain.errors import UsageError

MARK = "# Written by `shipway serve --install`; settings of your own belong in a drop-in: systemctl edit"
VARIABLES = "/etc/shipway/environment"  # such as SHIPWAY_LEDGER
ENGINE = Path("/var/run/docker.sock")

# KillMode: what runs goes on when the server is restarted or updated, and the next one finds it.
LAYOUT = """\
{mark}
[Unit]
Description=Shipway release server
After=network-online.target docker.service
Wants=network-online.target

[Service]
ExecStart={command}
EnvironmentFile=-{variables}
User={user}
{group}Restart=always
RestartSec=2
KillMode=process
KillSignal=SIGINT
TimeoutStopSec=30
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths={home}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def unit(command: Sequence[str], home: Path) -> str:
    """The text of the unit: it runs as the owner of the home folder, and may write there and nowhere else."""
    owner = pwd.getpwuid(home.stat().st_uid).pw_name
    return LAYOUT.format(
        mark=MARK,
        command=" ".join(map(quoted, command)),
        variables=VARIABLES,
        user=owner,
        group=_group(),
        home=quoted(str(home)),
    )


def install(file: Path, text: str) -> None:
    """Write it. UsageError if another unit is there, or the file can't be written."""
    try:
        if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(MARK):
            raise UsageError(f"{file} is not by Shipway", hint="remove it, or name another file: --install FILE")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}", hint="run it as root: sudo") from error


def quoted(word: str) -> str:
    """A word as units have it. UsageError if it has control characters."""
    if not word.isprintable():
        raise UsageError(f"{word!r} has control characters, which a unit of systemd can't have", hint="name another")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if set(escaped) & set(" \\\"';") else escaped


def _group() -> str:
    """The group that reaches the engine, if it isn't everybody's or root's."""
    try:
        found = ENGINE.stat()
        name = grp.getgrgid(found.st_gid).gr_name
    except (OSError, KeyError):
        return ""
    return f"SupplementaryGroups={name}\n" if found.st_mode & stat.S_IWGRP and found.st_gid != os.getgid() else ""
