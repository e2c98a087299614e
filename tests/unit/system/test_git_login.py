"""The password in a repository's URL reaches the server, and no arguments of git."""

from __future__ import annotations

import base64
import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shipway.domain.errors import RepositoryError
from shipway.system.git import Repository
from shipway.system.git.history import fetch
from shipway.system.git.login import as_variables, without_password
from shipway.system.origin import Origin
from shipway.system.redact import of_process
from tests.unit.system.repositories import commit, neutral, repository

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
PASSWORD, QUOTED = "s3cr@t/of-the-team", "s3cr%40t%2Fof-the-team"


class Locked(SimpleHTTPRequestHandler):
    """Files of a repository, for who knows the password."""

    def do_GET(self) -> None:
        known = "Basic " + base64.b64encode(f"ci:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == known:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Of a served repository with one commit, without a login."""
    work = repository(tmp_path / "work")
    commit(work, {"file": "one"})
    subprocess.run(["git", "clone", "--quiet", "--bare", str(work), str(tmp_path / "shop.git")], check=True)
    subprocess.run(["git", "update-server-info"], cwd=tmp_path / "shop.git", check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Locked, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}/shop.git"
    server.shutdown()
    server.server_close()


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with those of each call of git."""
    (tmp_path / "bin").mkdir()
    said = tmp_path / "arguments"
    (tmp_path / "bin" / "git").write_text(f'#!/bin/sh\necho "$@" >> {said}\nexec {shutil.which("git")} "$@"\n')
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return said


def test_refs_are_read_and_no_argument_has_the_password(url: str, arguments: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    clone = Repository(tmp_path / "work")
    whole = f"http://ci:{QUOTED}@{url}"
    origin = Origin(f"http://{url}", whole, clone, tmp_path / "home")
    assert list(origin.refs().branches()) == ["main"]
    with pytest.raises(RepositoryError) as caught:  # a server of files sends no single commit
        fetch(clone.path, whole, "1" * 40)
    assert PASSWORD not in f"{caught.value}"
    said = arguments.read_text()
    assert f"http://{url}" in said
    assert PASSWORD not in said
    assert QUOTED not in said
    assert of_process().text(f"it is {PASSWORD}") == "it is «repository password»"


def test_a_wrong_password_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    origin = Origin(f"http://{url}", f"http://ci:another-one@{url}", Repository(tmp_path / "work"), tmp_path / "home")
    with pytest.raises(RepositoryError) as caught:
        origin.refs()
    assert "another-one" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url", ["https://git.example/shop", "https://ada@git.example/shop", "git@git.example:shop", "/srv/shop"]
)
def test_a_url_without_a_password_stays(url: str) -> None:
    assert without_password(url) == (url, ())


def test_settings_follow_those_of_a_ci_job() -> None:
    job = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    assert as_variables([("d.e", "f")], job) == {
        **job, "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_1": "d.e", "GIT_CONFIG_VALUE_1": "f",
    }  # fmt: skip
    assert as_variables((), job) == job
