"""Starts a command of Shipway in the background."""

from __future__ import annotations

import os
import subprocess
import sys

from shipway.system.acting import REQUEST
from shipway.system.actor import PROOFS
from shipway.system.git.command import DROPPED

SERVER = "SHIPWAY_URL"  # at which commands run that are typed: those of this process run here


def own_command(*arguments: str) -> list[str]:
    """`shipway` with these arguments, as this process runs it."""
    return [sys.executable, "-m", "shipway", *arguments]


def own_variables() -> dict[str, str]:
    """Those of this process, with its credentials for git, and nothing that selects another repository or proves who acts:
    what it starts acts for itself."""
    left_out = {*DROPPED, *PROOFS, REQUEST, SERVER}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def start_in_background(*arguments: str) -> None:
    """Start `shipway` with these arguments as a process of the lowest priority, without output, that outlives this one.
    If it is killed, the next command does its work."""
    # Linux gives each session the same share of the processor, whatever the priority of its processes: see `autogroup`
    # in sched(7).
    gently = 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice -n 19 "$@"'
    command = ["sh", "-c", gently, "sh", *own_command(*arguments)]
    nothing = subprocess.DEVNULL
    env = {name: value for name, value in os.environ.items() if name not in (*PROOFS, SERVER)}
    subprocess.Popen(command, cwd="/", env=env, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
