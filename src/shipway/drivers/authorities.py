"""Certificates of registries that no public authority signed: read where the Docker Engine reads them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path("/etc/docker/certs.d")


def authorities(host: str, folder: Path = FOLDER) -> tuple[Path, ...]:
    """Files with the certificates of authorities that the Docker Engine of this machine trusts for host[:port]."""
    try:
        return tuple(sorted(path for path in (folder / host).glob("*.crt") if path.is_file()))
    except OSError:
        return ()


def ca_hint(host: str, message: str) -> str:
    """What to do about a certificate that isn't trusted; "" if the message is about something else."""
    low = message.lower()
    if not any(
        words in low for words in ("certificate verify failed", "unknown authority", "failed to verify certificate")
    ):
        return ""
    return (
        f"if {host} has a certificate of its own authority, copy that authority's certificate to {FOLDER}/{host}/ca.crt, "
        f"on this machine and on every host; the Docker Engine needs no restart"
    )
