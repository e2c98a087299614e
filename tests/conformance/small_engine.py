"""A Docker Engine of its own whose disk is small: a file system in a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from shipway.domain.errors import EngineError
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine

WHY_NOT = "a file system can be mounted and an engine started by root only"


def possible() -> bool:
    """Whether this user and machine can have one."""
    return os.geteuid() == 0 and all(map(shutil.which, ("dockerd", "containerd", "mkfs.ext4", "mount", "ip")))


ACCEPT = ("-s", "198.18.0.0/15", "-j", "ACCEPT")  # addresses that are reserved for tests of networks


class SmallEngine:
    """Its containers reach nothing. Close it: it is a process and a mount."""

    def __init__(self, megabytes: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="small-engine-"))
        self._data = self._folder / "data"
        self._data.mkdir()
        disk = self._folder / "disk"
        with disk.open("wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(disk)], check=True)
        subprocess.run(["mount", "-o", "loop", str(disk), str(self._data)], check=True)
        # A bridge of its own: an engine without one removes docker0, which is another engine's.
        self._bridge = f"se{os.getpid()}"
        for words in (f"add {self._bridge} type bridge", f"set {self._bridge} up"):
            subprocess.run(["ip", "link", *words.split()], check=True)
        subprocess.run(["ip", "address", "add", "198.18.0.1/24", "dev", self._bridge], check=True)
        # Another engine's firewall drops what goes through a bridge that it doesn't know.
        subprocess.run(["iptables", "-I", "FORWARD", *ACCEPT], check=True)
        # As on most machines, what holds the containers is a process of its own: it survives the engine.
        config = self._folder / "containerd.toml"
        config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        self._containerd = self._folder / "containerd.sock"
        self._holder = self._run(
            "containerd", "--config", config, "--root", self._data / "containerd", "--state", self._folder / "containerd",
            "--address", self._containerd,
        )  # fmt: skip
        self.engine = Engine(f"unix://{self._folder}/docker.sock")
        self._start()

    def _run(self, *command: object) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen([*map(str, command)], stdout=log, stderr=log)

    def _start(self) -> None:
        self._process = self._run(
            "dockerd", "--data-root", self._data, "--exec-root", self._folder / "exec", "-p", self._folder / "pid",
            "-H", self.engine.address, "-b", self._bridge, "--iptables=false", "--ip-masq=false",
            "--default-address-pool", "base=198.19.0.0/16,size=24",
            "--containerd", self._containerd,
        )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                DockerRuntime(self.engine).ping()
                return
            except EngineError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    log = (self._folder / "log").read_text()
                    self.close()
                    raise AssertionError(f"no engine:\n{log[-2000:]}") from None
            time.sleep(0.1)

    def load(self, image: str) -> None:
        """An image of the usual engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            load = ["docker", "-H", self.engine.address, "load", "--quiet"]
            subprocess.run(load, stdin=saved.stdout, check=True, capture_output=True)

    def close(self) -> None:
        """End it and take everything away."""
        self._process.terminate()
        self._process.wait(60)
        self._holder.terminate()
        self._holder.wait(60)
        subprocess.run(["iptables", "-D", "FORWARD", *ACCEPT], check=True)
        subprocess.run(["ip", "link", "delete", self._bridge], check=True)
        subprocess.run(["umount", str(self._data)], check=True)
        shutil.rmtree(self._folder)
