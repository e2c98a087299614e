"""A project in a namespace of a real cluster."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.errors import ClusterError
from tests.kubernetes import TestCluster
from tests.system.tiny import Tiny


class Shop:
    """A project whose staging is in a namespace of its own."""

    def __init__(self, project: Tiny, real: TestCluster, namespace: str) -> None:
        self.project, self.real, self.namespace = project, real, namespace

    def shipway(self, *words: str, check: bool = True) -> str:
        return self.project.shipway(*words, check=check).output

    def answer(self) -> str:
        """What a request to the service gets."""
        found = self.real.api.get("v1", "Service", self.namespace, "web")
        if found is None:
            return "no service"
        with urllib.request.urlopen(f"http://{found['spec']['clusterIP']}:8000/", timeout=20) as answer:
            return str(answer.read().decode())

    def first_answer(self) -> str:
        """Once the node knows the address of a new Service."""
        until = time.monotonic() + 60
        while True:
            try:
                return self.answer()
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.5)

    def until(self, name: str) -> None:
        """Until the node's proxy leads requests to it, a moment after the cluster does."""
        until = time.monotonic() + 30
        while self.answer() != name:
            assert time.monotonic() < until
            time.sleep(0.05)

    def objects(self, kind: str, version: str = "v1") -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.real.api.list(version, kind, self.namespace))

    @contextmanager
    def asked(self) -> Iterator[list[str]]:
        """Answers to requests that go on during the block, each on a connection of its own."""
        heard: list[str] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                try:
                    heard.append(self.answer())
                except (OSError, ClusterError) as error:
                    heard.append(f"lost: {error}")
                time.sleep(0.01)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            thread.join()
