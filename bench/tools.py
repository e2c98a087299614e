"""Programs for comparison only: unpacked into a separate folder, without installing them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOOLS = Path.home() / ".cache" / "shipway-bench"
HAPROXY = (
    "haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1", "libpcre2-8-0", "libsystemd0", "libcap2",
    "libgcrypt20", "libgpg-error0", "liblz4-1", "liblzma5", "libzstd1", "libstdc++6", "libgcc-s1",
)  # fmt: skip
COMPOSE = (
    "docker-compose", "python3-attr", "python3-cached-property", "python3-certifi", "python3-chardet",
    "python3-charset-normalizer", "python3-distro", "python3-distutils", "python3-docker", "python3-dockerpty",
    "python3-docopt", "python3-dotenv", "python3-idna", "python3-jsonschema", "python3-lib2to3", "python3-packaging",
    "python3-pkg-resources", "python3-pyrsistent", "python3-requests", "python3-six", "python3-texttable",
    "python3-urllib3", "python3-websocket", "python3-yaml",
)  # fmt: skip


def unpacked(name: str, packages: Sequence[str]) -> Path | None:
    """The root folder of the packages' files; None if this machine's apt lacks them."""
    root = TOOLS / name
    if root.exists():
        return root
    beside = TOOLS / f"{name}.new"
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "debs").mkdir(parents=True)
    try:
        done = subprocess.run(
            ["apt-get", "--quiet", "download", *packages], cwd=beside / "debs", capture_output=True, check=False
        )
        if done.returncode:
            return None
        for package in sorted((beside / "debs").glob("*.deb")):
            subprocess.run(["dpkg", "--extract", package, beside], check=True)
    except OSError:
        return None  # no Debian
    shutil.rmtree(beside / "debs")
    beside.rename(root)
    return root


def docker(*args: str | Path, check: bool = True) -> str:
    """Output of a docker command. RuntimeError if it fails."""
    done = subprocess.run(["docker", *args], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(
            f"docker {' '.join(map(str, args))} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout.strip()


def venv(folder: Path, *packages: str) -> dict[str, str]:
    """A virtual environment with these packages; returns the variables that activate it."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *packages], check=True)
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
