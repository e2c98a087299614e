"""Certificates that sign themselves."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Files:
    certificate: Path
    key: Path


def certificate(folder: Path, name: str) -> Files:
    """Of a name such as DNS:shop.example or IP:127.0.0.1, as cert.pem and key.pem in that folder."""
    made = Files(folder / "cert.pem", folder / "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 2"
    files = ("-addext", f"subjectAltName={name}", "-keyout", made.key, "-out", made.certificate)
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return made
