"""A real Varnish of Debian, with the VCL of docs/cdn.md."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import program

DOCS = Path(__file__).parents[1] / "docs" / "cdn.md"
TOKEN = "a-token-of-varnish"


def vcl(backend: int) -> str:
    """That of the documentation, with our backend and token."""
    found = re.search(r"```vcl\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1].replace('"8080"', f'"{backend}"').replace("THE-TOKEN", TOKEN)


class Gate:
    """A port in front of a server. While it is closed, it accepts connections and forwards nothing."""

    def __init__(self, port: int, behind: int) -> None:
        self._behind, self._open = behind, threading.Event()
        self._open.set()
        self._listening = socket.create_server(("127.0.0.1", port))
        self._over = False
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing comes through in the block, or later of what was sent in it."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def close(self) -> None:
        """Free the port."""
        self._over = True
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        kept = []
        while not self._over:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if not self._open.is_set():
                kept.append(client)
                continue
            server = socket.create_connection(("127.0.0.1", self._behind))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while (data := source.recv(65536)) and self._open.is_set():
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            each.close()


@contextmanager
def varnish(port: int, backend: int) -> Iterator[str]:
    """Its address, in front of a server on this machine."""
    with tempfile.TemporaryDirectory(prefix="shipway-varnish-") as folder:
        file = Path(folder) / "default.vcl"
        file.write_text(vcl(backend), encoding="utf-8")
        command = [
            program("varnishd"), "-F", "-j", "none", "-n", f"{folder}/work", "-a", f"127.0.0.1:{port}", "-f", str(file), "-s", "malloc,64m",
            "-t", "3600",
        ]  # fmt: skip
        log = (Path(folder) / "log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60.0
            while not _answers(port):
                assert process.poll() is None, (Path(folder) / "log").read_text(errors="replace")
                assert time.monotonic() < deadline, "varnish doesn't start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)
            log.close()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
