"""Corners of the real engine for one test each: unique names, and everything removed at the end."""

from __future__ import annotations

import dataclasses
import shlex
import socket
import tempfile
import uuid
from pathlib import Path
from typing import Any

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_NAME, ContainerSpec
from shipway.domain.errors import EngineError
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.testing.memory import Behaviour, MemoryImages, MemoryRuntime
from shipway.testing.runtime_lab import Program

IMAGE = "redis:7"  # a small one with a shell


class DockerLab:
    """What the drivers of the real engine are tested in."""

    answered = ("echo", "pong")

    def __init__(self, engine: Engine | None = None) -> None:
        self.app = f"conf-{uuid.uuid4().hex[:8]}"
        self.engine = engine or Engine()
        self.runtime = DockerRuntime(self.engine)
        self.images = DockerImages(self.engine)
        self._ports: list[int] = []

    def name(self, suffix: str) -> str:
        return f"{self.app}_{suffix}"

    def spec(self, suffix: str, program: Program, **changes: Any) -> ContainerSpec:
        return make_spec(self.app, suffix, script(program), **changes)

    def run(self, suffix: str, shell: str, **changes: Any) -> str:
        """Start a container that runs a shell script."""
        spec = make_spec(self.app, suffix, shell, **changes)
        self.runtime.create(spec)
        self.runtime.start(spec.name)
        return spec.name

    def inspect(self, name: str) -> Any:
        return self.engine.call("GET", f"/containers/{name}/json")

    def port(self) -> int:
        """A free port on loopback, given out once."""
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                number = int(probe.getsockname()[1])
            if number not in self._ports:
                self._ports.append(number)
                return number

    def close(self) -> None:
        """Take away whatever carries the lab's name; by name, so that what a failed test left goes too."""
        for item in self.engine.call("GET", "/containers/json", query={"all": 1}):
            if any(self.app in name for name in item["Names"]):
                self.runtime.remove(item["Id"])
        for network in self.engine.call("GET", "/networks"):
            if self.app in network["Name"]:
                self.runtime.remove_network(network["Name"])
        for volume in self.engine.call("GET", "/volumes")["Volumes"] or ():
            if self.app in volume["Name"]:
                self.runtime.remove_volume(volume["Name"])
        for image in self.engine.call("GET", "/images/json"):
            for reference in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
                if self.app in reference:
                    self.forget(reference)
        for lock in Path(tempfile.gettempdir()).glob(f"{self.app}*.lock"):
            lock.unlink()

    def forget(self, reference: str) -> None:
        """Remove an image's name from the engine."""
        try:
            self.engine.call("DELETE", f"/images/{reference}", query={"force": 1}, fine=(404,))
        except EngineError as error:
            if "No such image" not in error.message:
                raise


class MemoryLab:
    """The same in memory."""

    answered = ("echo", "pong")
    app = "conf"

    def __init__(self) -> None:
        self.images = MemoryImages(public=[IMAGE])
        self.images.pull(IMAGE, lambda line: None)
        self.runtime = MemoryRuntime(self.images)

    def name(self, suffix: str) -> str:
        return f"{self.app}_{suffix}"

    def spec(self, suffix: str, program: Program, **changes: Any) -> ContainerSpec:
        spec = make_spec(self.app, suffix, "", **changes)
        answers = {" ".join(self.answered): (0, "pong\n")}
        behaviour = Behaviour(
            program.lines, program.exit_code, stubborn=program.stubborn, echo=program.echo, answers=answers
        )
        self.runtime.behave(spec.name, behaviour)
        return spec

    def close(self) -> None:
        pass


def make_spec(app: str, suffix: str, shell: str, **changes: Any) -> ContainerSpec:
    spec = ContainerSpec(
        name=f"{app}_{suffix}",
        image=IMAGE,
        labels={LABEL_APP: app, LABEL_NAME: suffix, LABEL_CONFIG: "1"},
        command=("sh", "-c", shell),
    )
    return dataclasses.replace(spec, **changes)


def script(program: Program) -> str:
    """A program as a shell script."""
    parts = ["trap '' TERM" if program.stubborn else "trap 'exit 0' TERM"]
    parts += [f"echo {shlex.quote(line)}" for line in program.lines]
    parts += ["cat"] if program.echo else []
    parts.append("sleep 300 & wait" if program.exit_code is None else f"exit {program.exit_code}")
    if program.exit_code is None and program.stubborn:
        parts[-1] = "sleep 300"
    return "; ".join(parts)
