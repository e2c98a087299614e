"""The person's own terminal, for a command in a container."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

CONVERSE = """
import time
from shipway.system.terminal import OwnTerminal

class Starting:
    asked = 0
    order = []
    def resize(self, rows, columns):
        self.asked += 1
        time.sleep(0.02)  # time for keys that were typed already
        if self.asked == 5:
            self.order.append(f"size {rows} {columns}")
        return self.asked >= 5
    def send(self, data):
        self.order.append(f"typed {data.decode().strip()}")
    def receive(self):
        if "shown" not in self.order:
            self.order.append("shown")
        deadline = time.monotonic() + 30
        while len(self.order) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        return None

session = Starting()
OwnTerminal().converse(session)
print("order:", sorted(session.order[1:]), session.order[0])
"""


def test_a_command_has_its_size_before_anything_is_shown_or_typed() -> None:
    """A pager of a client takes the keys typed for the client, if the terminal has no size when it shows something."""
    own, side = pty.openpty()
    try:
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        os.write(own, b"k\r")
        command = [sys.executable, "-c", CONVERSE]
        with subprocess.Popen(command, stdin=side, stdout=side, stderr=subprocess.PIPE) as process:
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
        shown = os.read(own, 65536).decode()
    finally:
        os.close(own)
        os.close(side)
    assert "order: ['shown', 'typed k'] size 40 100" in shown
