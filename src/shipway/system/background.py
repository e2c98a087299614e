"""Starts a command of Shipway in the background."""

from __future__ import annotations

import subprocess
import sys


def start_in_background(*arguments: str) -> None:
    """Start `shipway` with these arguments as a process of the lowest priority, without output, that outlives this one.
    If it is killed, the next command does its work."""
    # Linux gives each session the same share of the processor, whatever the priority of its processes: see `autogroup`
    # in sched(7).
    gently = 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice -n 19 "$@"'
    command = ["sh", "-c", gently, "sh", sys.executable, "-m", "shipway", *arguments]
    nothing = subprocess.DEVNULL
    subprocess.Popen(command, cwd="/", stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
