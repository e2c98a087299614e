"""What ssh says when it doesn't get in, as a person reads it. Pure."""

from __future__ import annotations

import pytest

from shipway.drivers.hosts.messages import login_failed


@pytest.mark.parametrize(
    ("said", "what", "hint"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: Connection timed out", "it doesn't answer", "firewall"),
        ("ssh: connect to host 10.0.0.1 port 22: No route to host", "it doesn't answer", "firewall"),
        ("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.", "another host key", "-R"),
        ("No ED25519 host key is known\nHost key verification failed.", "isn't known here", "compare the fingerprint"),
        ("ada@web1: Permission denied (publickey).", "doesn't let us in", "ssh -p 2222 ada@web1"),
        ("something new", "something new", "ssh -p 2222 ada@web1"),
        ("", "without a word", "ssh -p 2222 ada@web1"),
    ],
)
def test_why_a_login_failed(said: str, what: str, hint: str) -> None:
    error = login_failed("ssh://ada@web1:2222", said)
    assert error.message.startswith("ssh://ada@web1:2222 can't be reached: ")
    assert what in error.message
    assert said in error.message
    assert hint in error.hint
