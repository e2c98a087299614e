"""Messages about failed logins. Pure."""

from __future__ import annotations

import pytest

from shipway.drivers.hosts.messages import login_failed


@pytest.mark.parametrize(
    ("output", "what", "hint"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: Connection timed out", "it does not answer", "firewall"),
        ("ssh: connect to host 10.0.0.1 port 22: No route to host", "it does not answer", "firewall"),
        (
            "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.",
            "differs from the known one",
            "-R",
        ),
        (
            "No ED25519 host key is known\nHost key verification failed.",
            "host key is unknown",
            "compare the displayed fingerprint",
        ),
        ("ada@web1: Permission denied (publickey).", "denies the login", "ssh -p 2222 ada@web1"),
        ("something new", "something new", "ssh -p 2222 ada@web1"),
        ("", "ssh exited without output", "ssh -p 2222 ada@web1"),
    ],
)
def test_why_a_login_failed(output: str, what: str, hint: str) -> None:
    error = login_failed("ssh://ada@web1:2222", output)
    assert error.message.startswith("can't reach host ssh://ada@web1:2222: ")
    assert what in error.message
    assert output in error.message
    assert hint in error.hint
