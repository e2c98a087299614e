"""Addresses to which secrets may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

LOCAL = ("127.0.0.1", "::1", "localhost")


def is_safe(url: str) -> bool:
    """Whether it is an address with TLS, or of this machine."""
    try:
        at = urlsplit(url)
        host = at.hostname
    except ValueError:
        return False
    return bool(host) and (at.scheme == "https" or (at.scheme == "http" and host in LOCAL))
