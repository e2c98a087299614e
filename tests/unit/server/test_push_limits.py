"""A push that is too large, with git's own program on both ends: refused while it comes, with the reason, and nothing stays."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn

from shipway.actions.people.tokens import create_token
from shipway.actions.projects.push_limits import LARGEST, MOST_REFS, SIZE, limit_pushes
from shipway.domain.errors import UsageError
from shipway.domain.permissions import ADMIN
from shipway.server import git as module
from shipway.server.site import Site
from shipway.server.web import application
from tests.unit.server.site import CHEAP, Place, forge
from tests.unit.system.repositories import commit, git, neutral, repository

pytestmark = [pytest.mark.usefixtures("neutral"), pytest.mark.counterpart]
__all__ = ["neutral"]
MEGABYTE = 1 << 20


class Hosted:
    """A server that hosts repositories, on loopback, and somebody's clone."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder / "server")
        self.place.person("ada@example.com", ADMIN)
        made = create_token(
            self.place.ctx, None, "ada@example.com", "git", ["run", "webhooks", "deploy", "deploy.protected"], 1
        )
        self.token = made.secret
        site = Site(self.place.ctx, self.place.observer, CHEAP, forge, largest_push=MEGABYTE)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(application(site), log_level="error"))
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[self._listener]), daemon=True)
        self._thread.start()
        self.work = repository(folder / "work")
        git(self.work, "branch", "--move", "--force", "main")
        self.folder = self.place.ctx.home / "git" / "shop.git"

    def address(self, name: str = "shop") -> str:
        return f"http://me:{self.token}@127.0.0.1:{self.port}/git/{name}.git"

    def prepare(self) -> None:
        """Create the repository, in which nothing runs pushes."""
        subprocess.run(["git", "ls-remote", self.address()], capture_output=True, check=False)
        assert push(self.work, self.address(), "main:refs/heads/first", expect=None) is not None
        (self.folder / "hooks" / "post-receive").write_text("#!/bin/sh\n")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    (tmp_path / "server").mkdir()
    found = Hosted(tmp_path)
    found.prepare()
    yield found
    found.stop()


def push(work: Path, *words: str, expect: bool | None = True) -> str:
    """What the pusher sees. expect: whether it succeeds."""
    env = {**os.environ, "SHIPWAY_MAY": "release", "LC_ALL": "C"}
    done = subprocess.run(
        ["git", "push", *words], cwd=work, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert expect is None or (done.returncode == 0) == expect, done.stderr
    return done.stderr


def large(work: Path, size: int) -> None:
    (work / "large").write_bytes(os.urandom(size))
    git(work, "add", "large")
    commit(work, {"beside": str(size)})


def left(repository: Path) -> list[str]:
    """Quarantines and parts of packs that were left behind."""
    return [str(path) for path in (repository / "objects").rglob("*tmp*")]


def refs(repository: Path) -> list[str]:
    return git(repository, "for-each-ref", "--format=%(refname)").split()


@pytest.mark.parametrize("size", [2 * MEGABYTE, 40 * MEGABYTE])
def test_a_push_by_http_that_is_too_large_is_refused_with_the_reason(hosted: Hosted, size: int) -> None:
    before = refs(hosted.folder)
    large(hosted.work, size)
    seen = push(hosted.work, hosted.address(), "main:refs/heads/large", expect=False)
    assert "pack exceeds maximum allowed size" in seen, seen
    assert refs(hosted.folder) == before
    assert left(hosted.folder) == []
    git(hosted.work, "reset", "--hard", "--quiet", "HEAD~1")
    commit(hosted.work, {"small": "one"})
    push(hosted.work, hosted.address(), "main:refs/heads/small")


def test_who_disconnects_in_the_middle_leaves_nothing(hosted: Hosted) -> None:
    import base64

    before = refs(hosted.folder)
    connection = http.client.HTTPConnection("127.0.0.1", hosted.port, timeout=30)
    login = base64.b64encode(f"me:{hosted.token}".encode()).decode()
    connection.putrequest("POST", "/git/shop.git/git-receive-pack")
    for name, value in (
        ("Authorization", f"Basic {login}"), ("Content-Type", "application/x-git-receive-pack-request"), ("Content-Length", "900000"),
    ):  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders()
    line = f"{'0' * 40} {git(hosted.work, 'rev-parse', 'HEAD')} refs/heads/gone\0 report-status".encode()
    connection.send(b"%04x" % (len(line) + 4) + line + b"0000" + b"PACK\0\0\0\2\0\0\0\1" + os.urandom(2000))
    assert connection.sock is not None
    connection.sock.close()
    for _ in range(300):
        if not left(hosted.folder):
            break
        threading.Event().wait(0.1)
    assert left(hosted.folder) == []
    assert refs(hosted.folder) == before


def test_a_full_disk_is_said_before_anything_is_sent(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))  # type: ignore[attr-defined]
    commit(hosted.work, {"small": "two"})
    assert "the disk of the server is full" in push(hosted.work, hosted.address(), "main:refs/heads/full", expect=False)
    clone = subprocess.run(["git", "ls-remote", hosted.address()], capture_output=True, check=False)
    assert clone.returncode == 0, "it can still be read"


def test_many_refs_are_refused(hosted: Hosted) -> None:
    head = git(hosted.work, "rev-parse", "HEAD").strip()
    many = "".join(f"create refs/tags/t{number} {head}\n" for number in range(MOST_REFS + 1))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=hosted.work, input=many, text=True, check=True)
    before = refs(hosted.folder)
    seen = push(hosted.work, hosted.address(), "--tags", expect=False)
    assert f"this push changes {MOST_REFS + 1} branches and tags, more than {MOST_REFS}" in seen
    assert refs(hosted.folder) == before
    git(hosted.work, "tag", "--delete", "t0")
    push(hosted.work, hosted.address(), "--tags")


@pytest.mark.parametrize("packed", [False, True])
def test_lines_without_end_are_not_kept_in_memory(hosted: Hosted, packed: bool) -> None:
    """git reads all that a push asks for before its hook counts it; compressed, a megabyte is a gigabyte."""
    head = git(hosted.work, "rev-parse", "HEAD").strip()
    line = f"{'0' * 40} {head} refs/heads/many-NNNNNN".encode()
    packet = b"%04x" % (len(line) + 4) + line
    body = b"".join(packet.replace(b"NNNNNN", b"%06d" % number) for number in range(module.MOST_LINES + 100))
    status, text = sent(hosted, body + b"0000", packed)
    assert (status, "push them in parts" in text) == (413, True)
    bomb = packet * 400_000
    assert sent(hosted, bomb, packed)[0] == 413


@pytest.mark.parametrize("packed", [False, True])
def test_a_push_may_be_compressed(hosted: Hosted, packed: bool) -> None:
    """As those of some clients are."""
    head = git(hosted.work, "rev-parse", "HEAD").strip()
    line = f"{'0' * 40} {head} refs/heads/packed\0 report-status".encode()
    pack = subprocess.run(
        ["git", "pack-objects", "--stdout", "-q"], cwd=hosted.work, input=b"", capture_output=True, check=True
    )
    status, text = sent(hosted, b"%04x" % (len(line) + 4) + line + b"0000" + pack.stdout, packed)
    assert (status, "ok refs/heads/packed" in text) == (200, True), text
    assert "refs/heads/packed" in refs(hosted.folder)


def test_a_body_that_is_not_compressed_as_it_says(hosted: Hosted) -> None:
    before = refs(hosted.folder)
    assert sent(hosted, b"0000PACK", True, raw=True)[0] == 400
    assert sent(hosted, b"zzzz", False)[0] == 200  # git says that it is none
    assert refs(hosted.folder) == before


def sent(hosted: Hosted, body: bytes, packed: bool, *, raw: bool = False) -> tuple[int, str]:
    """A push without git's client."""
    import base64
    import gzip

    login = base64.b64encode(f"me:{hosted.token}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-git-receive-pack-request"}
    if packed:
        headers["Content-Encoding"] = "gzip"
        body = body if raw else gzip.compress(body)
    connection = http.client.HTTPConnection("127.0.0.1", hosted.port, timeout=60)
    connection.request("POST", "/git/shop.git/git-receive-pack", body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(errors="replace")
    connection.close()
    return found


def test_a_bare_repository_with_the_hook_has_the_same_limits(tmp_path: Path) -> None:
    """By its own settings, which git's program reads for a push by SSH too."""
    bare, work = tmp_path / "shop.git", repository(tmp_path / "work")
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    limit_pushes(bare)
    assert git(bare, "config", SIZE).strip() == str(LARGEST)
    limit_pushes(bare, MEGABYTE)
    limit_pushes(bare)
    assert git(bare, "config", SIZE).strip() == str(MEGABYTE)
    large(work, 3 * MEGABYTE)
    seen = push(work, str(bare), "HEAD:refs/heads/large", expect=False)
    assert "pack exceeds maximum allowed size" in seen
    assert refs(bare) == []
    assert left(bare) == []


def test_a_hook_of_others_stays(tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    limit_pushes(bare)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    with pytest.raises(UsageError, match="at least 1M"):
        limit_pushes(bare, 1000)
