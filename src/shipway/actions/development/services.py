"""The containers of a checkout's services: started, followed, and replaced when a file changes."""

from __future__ import annotations

import io
import os
import posixpath
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shipway.actions.development.session import Session, Show, container_of
from shipway.domain.container import LABEL_CONFIG, LABEL_NAME, ContainerInfo, ContainerSpec
from shipway.domain.development import copies
from shipway.domain.errors import Interrupted, ShipwayError
from shipway.domain.log import stamp
from shipway.domain.plan import Service
from shipway.steps.health import wait_healthy
from shipway.steps.starting import create, start
from shipway.system.parallel import side_by_side
from shipway.system.redact import Lines
from shipway.system.tars import Folders, writing

LOOK = 0.5  # seconds between looks whether a container without output has ended
STOPPED = (0, 130, 137, 143)  # exit codes of a service that was stopped
Ended = tuple[str, int | None]  # service and exit code


class Services:
    """show: receives their output. `ended` has those that ended by themselves, and
    `ready` those that became healthy."""

    def __init__(self, session: Session, show: Show) -> None:
        self._session, self._show = session, show
        self._generation: dict[str, int] = {}
        self._lock = threading.Lock()
        self.ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self.ready: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self, names: Sequence[str]) -> None:
        """Start these again, side by side. Each is followed in a thread of its own, and reported once it is healthy. A stopped
        container of the same configuration starts again; one that ended badly, or whose files were copied, is replaced."""
        specs = {spec.labels[LABEL_NAME]: spec for spec in self._session.desired().services}
        side_by_side(lambda name: self._start(name, specs[name]), names)

    def _start(self, name: str, spec: ContainerSpec) -> None:
        ctx, service = self._session.ctx, self._session.plan.services[name]
        generation, since = self._next(name), None
        try:
            found = ctx.runtime.find(spec.name)
            if found is not None and found.active:
                ctx.runtime.stop(spec.name, spec.stop_grace)
                found = ctx.runtime.find(spec.name)
            if found is not None and self._usable(found, spec, service):
                since = stamp(ctx.clock())
            if since is None or not self._again(spec):
                since = None
                ctx.runtime.remove(spec.name)
                create(ctx, spec, {})
                self._copy_all(service, spec.name)
                start(ctx, spec)
        except ShipwayError as error:
            ctx.reporter.note(f"{name} can't be started: {error}")
            self.ended.put((name, None))
            return
        threading.Thread(target=self._follow, args=(name, spec.name, generation, since), daemon=True).start()
        threading.Thread(target=self._watch, args=(name, spec.name, generation), daemon=True).start()

    def _again(self, spec: ContainerSpec) -> bool:
        """Start a stopped one; False if that is impossible, such as after its network was removed."""
        try:
            self._session.ctx.runtime.start(spec.name)
        except ShipwayError:
            return False
        return True

    def _usable(self, found: ContainerInfo, spec: ContainerSpec, service: Service) -> bool:
        """Whether a stopped container can start again as it is."""
        copied = service.develop is not None and bool(service.develop.sync)
        same = found.labels.get(LABEL_CONFIG) == spec.labels[LABEL_CONFIG]
        return same and not copied and found.exit_code in STOPPED and self._attached(found, spec)

    def _attached(self, found: ContainerInfo, spec: ContainerSpec) -> bool:
        return found.addresses.keys() >= spec.networks.keys()

    def forget(self) -> None:
        """From now on no end of a service is reported: they are being stopped."""
        for name in list(self._generation):
            self._next(name)

    def copy(self, name: str, paths: Iterable[str]) -> None:
        """Copy changed files of copied folders into the running container, and remove those that are gone."""
        session, service = self._session, self._session.plan.services[name]
        container = container_of(session.checkout, name)
        there, gone = list[tuple[str, str]](), list[tuple[str, str]]()
        for path in paths:
            found = [(path, target) for target in copies(service, path)]
            (there if os.path.lexists(session.root / path) else gone).extend(found)
        if there:
            session.ctx.runtime.put(container, "/", iter([archive(session.root, there)]))
        if gone:
            session.ctx.runtime.execute(container, ["rm", "-f", "--", *(target for _, target in gone)])

    def _copy_all(self, service: Service, container: str) -> None:
        if service.develop is None or not service.develop.sync:
            return
        session = self._session
        files = session.repository.tree_hashes(session.run.commit.revision, list(service.develop.sync))
        pairs = [(path, target) for path in files for target in copies(service, path)]
        if pairs:
            session.ctx.runtime.put(container, "/", iter([archive(session.root, pairs)]))

    def _next(self, name: str) -> int:
        with self._lock:
            self._generation[name] = self._generation.get(name, 0) + 1
            return self._generation[name]

    def _current(self, name: str, generation: int) -> bool:
        with self._lock:
            return self._generation.get(name) == generation

    def _follow(self, name: str, container: str, generation: int, since: str | None) -> None:
        """since: of an earlier run's lines, none is shown."""
        ctx = self._session.ctx
        masked = Lines(ctx.redactor)
        try:
            for batch in ctx.runtime.log(container, since=since, follow=True):
                for _, line in batch:
                    self._show(name, masked.line(line))
            while (info := ctx.runtime.find(container)) is not None and info.active and self._current(name, generation):
                if ctx.cancelled.wait(LOOK):  # an engine that was restarted ended its output
                    return
        except ShipwayError as error:
            if self._current(name, generation) and not ctx.cancelled.is_set():
                self._show(name, f"(its output can't be read: {error.message})")
            return
        if self._current(name, generation):
            self.ended.put((name, info.exit_code if info else None))

    def _watch(self, name: str, container: str, generation: int) -> None:
        """Until it is healthy. What is not yet may become so: a developer sees its output and goes on."""
        session = self._session
        service = session.plan.services[name]
        try:
            wait_healthy(
                session.ctx, [(container, service.health, service.port)], headers=session.own.environment.forwarded
            )
        except Interrupted:
            return
        except ShipwayError as error:
            info = session.ctx.runtime.find(container)
            if self._current(name, generation) and info is not None and info.running:
                session.ctx.reporter.note(f"{name} runs, but is {error.message.partition(': ')[2].splitlines()[0]}")
                self.ended.put((name, None))
            return
        if self._current(name, generation):
            self.ready.put(name)


def archive(root: Path, pairs: Iterable[tuple[str, str]]) -> bytes:
    """A tar of files of a checkout, by their paths in a container; links stay links. Files that vanish are left out."""
    buffer = io.BytesIO()
    with writing(buffer) as tar:
        folders = Folders(tar, (0, 0))
        for path, target in pairs:
            try:
                entry = tar.gettarinfo(root / path, arcname=target.lstrip("/"))
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                folders.make(posixpath.dirname(entry.name))
                if entry.isreg():
                    with (root / path).open("rb") as file:
                        tar.addfile(entry, file)
                elif entry.issym():
                    tar.addfile(entry)
            except OSError:
                continue
    return buffer.getvalue()


def drained(items: queue.SimpleQueue[Ended]) -> Iterator[Ended]:
    """All that is in it now."""
    while True:
        try:
            yield items.get_nowait()
        except queue.Empty:
            return
