"""The login in a repository's URL reaches the server, and no arguments of git."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shipway.domain.errors import RepositoryError
from shipway.system.git import Repository
from shipway.system.git.history import fetch
from shipway.system.git.login import Login, as_variables, masked, without_credentials
from shipway.system.origin import Origin
from shipway.system.redact import of_process
from tests.unit.system.repositories import commit, neutral, repository

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
PASSWORD, QUOTED = "s3cr@t/of-the-team", "s3cr%40t%2Fof-the-team"


class Server(ThreadingHTTPServer):
    """Repositories below a folder by git's own program, for who knows the password. Each answer waits for `look`."""

    def __init__(self, folder: Path, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), Backend)
        self.folder, self.known = folder, "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.seen: list[str] = []  # arguments of all programs of the machine while one waits for an answer
        self.asked = 0  # with the password


class Backend(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen += [line for path in Path("/proc").glob("[0-9]*/cmdline") if (line := words(path))]
        if self.headers.get("Authorization") != self.server.known:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.asked += 1
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        given = {
            **os.environ, "GIT_PROJECT_ROOT": str(self.server.folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=given, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(lines.pop("Status", "200").split(" ")[0]))
        for name, value in lines.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


def words(path: Path) -> str:
    """The arguments of a program, which may end at any moment."""
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def serving(folder: Path, user: str, password: str) -> Iterator[Server]:
    server = Server(folder, user, password)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository with one commit, and a bare clone of it."""
    work = repository(tmp_path / "work")
    commit(work, {"file": "one"})
    subprocess.run(["git", "clone", "--quiet", "--bare", str(work), str(tmp_path / "served/shop.git")], check=True)
    subprocess.run(["git", "config", "uploadpack.allowFilter", "true"], cwd=tmp_path / "served/shop.git", check=True)
    (tmp_path / "home").mkdir()
    return tmp_path


TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
LOGINS = {
    "password": (f"ci:{QUOTED}", "ci", PASSWORD),
    "token": (f"{TOKEN}:", TOKEN, ""),
    "token and a word": (f"{TOKEN}:x-oauth-basic", TOKEN, "x-oauth-basic"),
    "token whose password a helper knows": (TOKEN, TOKEN, "asked"),
}


@pytest.mark.parametrize("login", LOGINS)
def test_no_program_has_the_login_among_its_arguments_during_a_fetch(shop: Path, login: str) -> None:
    text, user, password = LOGINS[login]
    if password == "asked":
        helper = "!f() { echo password=asked; }; f"
        subprocess.run(["git", "config", "credential.helper", helper], cwd=shop / "work", check=True)
    with serving(shop / "served", user, password) as server:
        where = f"127.0.0.1:{server.server_address[1]}/shop.git"
        url = f"http://{text}@{where}"
        origin = Origin(f"http://{where}", url, Repository(shop / "work"), shop / "home")
        assert list(origin.refs().branches()) == ["main"]
        assert (origin.repository_of("main") / "HEAD").exists()
        revision = origin.refs().branches()["main"]
        fetch(shop / "work", url, revision)
        cloned = ["git", "clone", "--quiet", "--no-checkout", "--filter=blob:none", "--bare"]
        subprocess.run([*cloned, f"file://{shop / 'served/shop.git'}", str(shop / "partial")], check=True)
        for name, value in {"remote.origin.url": url, "credential.helper": "!f() { echo password=asked; }; f"}.items():
            subprocess.run(["git", "config", name, value], cwd=shop / "partial", check=True)
        seen, server.seen = server.seen, []
        Repository(shop / "partial")._fetch_left_out(revision)
        assert server.seen
        asked = [line for line in seen + server.seen if where in line]
        assert any("remote-http" in line for line in asked)
        for secret in {user, password, text} - {"ci", "", "asked"}:
            assert not [line for line in asked if secret in line]
    assert of_process().text(f"it is {TOKEN}") in (f"it is {TOKEN}", "it is «repository token»")
    assert of_process().text(f"it is {user}") == f"it is {'ci' if user == 'ci' else '«repository token»'}"


def test_a_server_that_sends_elsewhere_does_not_send_the_login_along(shop: Path) -> None:
    class Other(Backend):
        def do_GET(self) -> None:
            got.append(self.headers.get("Authorization"))
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

    class Moved(Backend):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{other.server_address[1]}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    got: list[str | None] = []
    with serving(shop, "ci", PASSWORD) as server, serving(shop, "ci", PASSWORD) as other:
        other.RequestHandlerClass, server.RequestHandlerClass = Other, Moved
        where = f"127.0.0.1:{server.server_address[1]}/shop.git"
        origin = Origin(f"http://{where}", f"http://ci:{QUOTED}@{where}", Repository(shop / "work"), shop / "home")
        with pytest.raises(RepositoryError):
            origin.refs()
    assert got
    assert set(got) == {None}


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with those of each call of git."""
    (tmp_path / "bin").mkdir()
    said = tmp_path / "arguments"
    (tmp_path / "bin" / "git").write_text(f'#!/bin/sh\necho "$@" >> {said}\nexec {shutil.which("git")} "$@"\n')
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return said


def test_no_call_of_git_and_no_message_has_the_login(shop: Path, arguments: Path) -> None:
    """Also where git itself names the address, with a password that is refused."""
    clone = Repository(shop / "work")
    with serving(shop / "served", "ci", PASSWORD) as server:
        where = f"127.0.0.1:{server.server_address[1]}/shop.git"
        for wrong in ("ci:another-one", f"{TOKEN}:", TOKEN):
            url = f"http://{wrong}@{where}"
            for call in (
                Origin(f"http://{where}", url, clone, shop / "home").refs,
                partial(fetch, clone.path, url, "1" * 40),
            ):
                with pytest.raises(RepositoryError) as caught:
                    call()
                text = f"{caught.value} {caught.value.hint}"
                assert "another-one" not in text
                assert TOKEN not in text
    said = arguments.read_text()
    assert where in said
    assert "another-one" not in said
    assert TOKEN not in said


@pytest.mark.parametrize("quoted", ["a%0Ab", "a%00b"])
def test_a_login_that_would_change_the_question_of_git_is_refused(quoted: str) -> None:
    with pytest.raises(RepositoryError, match="control characters"):
        without_credentials(f"https://ci:{quoted}@git.example/shop")


@pytest.mark.parametrize("url", ["https://git.example/shop", "git@git.example:shop", "/srv/shop"])
def test_a_url_without_a_login_stays(url: str) -> None:
    assert without_credentials(url) == (url, Login())


@pytest.mark.parametrize("password", ["two[brackets", "p@ss", "[::1]", "a:b"])
def test_a_password_that_is_written_as_it_is(password: str) -> None:
    bare, login = without_credentials(f"https://ada:{password}@git.example:8443/shop.git?x=1")
    assert (bare, login.variables) == (
        "https://git.example:8443/shop.git?x=1", {"SHIPWAY_GIT_USER": "ada", "SHIPWAY_GIT_PASSWORD": password}
    )  # fmt: skip
    assert all(key == "credential.https://git.example:8443.helper" for key, _ in login.settings)


def test_an_empty_login_is_none() -> None:
    assert without_credentials("https://@git.example/shop.git") == ("https://git.example/shop.git", Login())


def test_settings_follow_those_of_a_ci_job() -> None:
    job = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    assert as_variables(Login([("d.e", "f")]), job) == {
        **job, "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_1": "d.e", "GIT_CONFIG_VALUE_1": "f",
    }  # fmt: skip
    assert as_variables(Login(), job) == job


def test_a_name_that_is_no_token_is_not_masked() -> None:
    without_credentials("https://augusta.ada.lovelace@git.example/shop")
    assert of_process().text("by augusta.ada.lovelace") == "by augusta.ada.lovelace"


def test_the_login_of_an_address_in_a_message_is_removed() -> None:
    assert masked("fatal: could not read Password for 'https://abc@git.example': x") == (
        "fatal: could not read Password for 'https://git.example': x"
    )
    assert (
        masked("mail ada@git.example, see https://git.example/@ada")
        == "mail ada@git.example, see https://git.example/@ada"
    )
