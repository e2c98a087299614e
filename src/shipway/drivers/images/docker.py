"""Images on a Docker Engine: built by the docker command, all else through the engine's API."""

from __future__ import annotations

import base64
import builtins
import functools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from shipway.domain.build import Builder, BuildExtras, lacking
from shipway.domain.disk import is_full, relief
from shipway.domain.errors import DiskFull, EngineError, Interrupted, RegistryError, StepFailed
from shipway.domain.image import ImageInfo, repository_of
from shipway.drivers import docker_config
from shipway.drivers.authorities import ca_hint
from shipway.drivers.credentials import VARIABLE, Credentials, Keyring
from shipway.drivers.images import builder
from shipway.drivers.images.builder import Client
from shipway.drivers.runtime.commands import COMMANDS
from shipway.drivers.runtime.engine import Engine, EngineRefused, EngineTimeout, Reply
from shipway.drivers.runtime.streams import records
from shipway.ports import OnLine
from shipway.system.process import run

TRANSFER = 300.0  # seconds without progress during a transfer: the registry may be storing a large layer
SEARCHED = 200  # last lines of a failed build that are searched for the reason

OnRecord = Callable[[Mapping[str, object]], None]  # receives one record of the engine's report


class DockerImages:
    """The Images of one engine.

    keys: credentials of all registries for pulls and pushes. cancelled: when it is set, a build in progress is killed.
    """

    def __init__(
        self, engine: Engine, keys: Keyring | None = None, *, cancelled: threading.Event | None = None
    ) -> None:
        self._engine = engine
        self._keys = keys or Keyring()
        self._cancelled = cancelled or threading.Event()

    def inspect(self, reference: str) -> Mapping[str, object] | None:
        found: Mapping[str, object] | None
        found = self._engine.call("GET", f"/images/{reference}/json", fine=(404,))
        return found

    def build(
        self,
        context: Path,
        *,
        tags: Sequence[str],
        dockerfile: str,
        target: str | None,
        args: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: OnLine,
        extras: BuildExtras | None = None,
    ) -> str:
        extras = extras or BuildExtras()
        found = self.builder()  # raises our own message if the engine doesn't run
        for why, hint in lacking(found, extras).values():
            raise EngineError(why, hint=hint)
        with builder.secret_files(extras) as folder:
            command = builder.arguments(
                self._client, context, folder, tags=tags, dockerfile=dockerfile, target=target, args=args,
                labels=labels, extras=extras, apart=found.stores_apart(extras),
            )  # fmt: skip
            given = self._keys.given(withheld=extras.pushes)
            settings = builder.settings_with(given, _made(folder / "docker"), docker_config.folder()) if given else None
            environment = builder.environment(self._engine.variables(), settings)
            # It may be silent for minutes; the engine aborts a build whose client has exited.
            done = run(command, env=environment, on_line=on_line, cancelled=self._cancelled)
            if self._cancelled.is_set():
                raise Interrupted("the image build was interrupted")
            if done.code != 0:
                lines = done.output.split("\n")[-SEARCHED:]
                why = f"the image build failed\n{builder.failure(lines)}"
                raise DiskFull(why, hint=relief(COMMANDS)) if is_full(why) else StepFailed(why)
            if extras.pushes:
                found_digest = json.loads((folder / builder.METADATA).read_text(encoding="utf-8"))
                return str(found_digest["containerimage.digest"])
            return (folder / builder.IID).read_text(encoding="utf-8").strip()

    def builder(self) -> Builder:
        self._engine.call("GET", "/version", timeout=10)
        status = self._engine.call("GET", "/info").get("DriverStatus") or () if self._client.buildx else ()
        return self._client.can(containerd=any("containerd.snapshotter" in str(item) for item in status))

    @functools.cached_property
    def _client(self) -> Client:
        return builder.find_builder(builder.docker_clients(), builder.run_quietly)

    def tag(self, image: str, repository: str, tag: str) -> None:
        self._engine.call("POST", f"/images/{image}/tag", query={"repo": repository, "tag": tag})

    def push(self, repository: str, tag: str, on_line: OnLine) -> str:
        digest = ""

        def on_record(record: Mapping[str, object]) -> None:
            nonlocal digest
            aux = record.get("aux")
            if isinstance(aux, dict) and "Digest" in aux:
                digest = str(aux["Digest"])

        self._transfer(f"/images/{repository}/push", {"tag": tag}, f"{repository}:{tag}", "push", on_line, on_record)
        if not digest:
            raise RegistryError(f"{registry_of(repository)} accepted {repository}:{tag}, but returned no digest")
        return digest

    def pull(self, reference: str, on_line: OnLine) -> None:
        if self.inspect(reference) is not None:
            return
        name, digest, tag = split_reference(reference)
        query = {"fromImage": name, "tag": digest or tag}
        self._transfer("/images/create", query, reference, "pull", on_line, lambda record: None)

    def list(self) -> builtins.list[ImageInfo]:
        return [_listed(item) for item in self._engine.call("GET", "/images/json")]

    def remove(self, name: str) -> bool:
        try:
            self._engine.call("DELETE", f"/images/{name}", fine=(404,))
        except EngineRefused as error:
            if error.status != 409:
                raise
            return False
        return True

    def credentials(self, reference: str) -> str:
        """The header by which another engine gets an image; empty for a registry without known credentials, and for this
        machine's own, which others don't reach."""
        own = registry_of(reference).startswith(("127.", "localhost", "[::1]"))
        found = None if own else self._keys.find(reference)
        return _auth(reference, found) if found else ""

    def _transfer(
        self,
        path: str,
        query: Mapping[str, object],
        reference: str,
        verb: str,
        on_line: OnLine,
        on_record: OnRecord,
    ) -> None:
        used = self._keys.find(reference)
        try:
            self._once(path, query, reference, verb, on_line, on_record, used)
        except Denied:
            renewed = self._keys.renew(reference, used)
            if renewed is None:
                raise
            on_line(f"{registry_of(reference)} denied access; repeating with renewed credentials")
            self._once(path, query, reference, verb, on_line, on_record, renewed)

    def _once(
        self, path: str, query: Mapping[str, object], reference: str, verb: str, on_line: OnLine, on_record: OnRecord,
        credentials: Credentials | None,
    ) -> None:  # fmt: skip
        headers = {"X-Registry-Auth": _auth(reference, credentials)}
        try:
            with self._engine.open("POST", path, query=query, headers=headers, timeout=TRANSFER) as reply:
                self._progress(reply, reference, verb, on_line, on_record)
        except EngineTimeout:
            self._refused(reference, verb, f"timeout: no progress for {TRANSFER:g} s")
        except EngineRefused as error:
            self._refused(reference, verb, error.message)

    def _progress(self, reply: Reply, reference: str, verb: str, on_line: OnLine, on_record: OnRecord) -> None:
        """Report changes of each layer's state; the engine repeats it with every chunk."""
        states: dict[object, object] = {}
        for record in records(reply.chunks()):
            if "error" in record:
                self._refused(reference, verb, str(record["error"]))
            on_record(record)
            layer, status = record.get("id"), record.get("status")
            if status and states.get(layer) != status:
                states[layer] = status
                on_line(f"{layer}: {status}" if layer else str(status))

    def _refused(self, reference: str, verb: str, why: str) -> NoReturn:
        registry = registry_of(reference)
        if is_full(why):
            raise DiskFull(
                f"there is no space left to {verb} {reference}: {why}",
                hint=relief(COMMANDS),
            )
        low = why.lower()
        if any(word in low for word in ("unauthorized", "authentication required", "denied", "no basic auth")):
            who = self._keys.find(reference)
            login = "docker login" if registry == "Docker Hub" else f"docker login {registry}"
            hint = (
                f"the request was made as {who}: check its permissions"
                if who
                else f"the request was anonymous: `{login}`, or {VARIABLE} (JSON by address)"
            )
            raise Denied(f"{verb} of {reference} failed: {why}", hint=hint)
        elif ca_hint(registry, why):
            hint = ca_hint(registry, why)
        elif verb == "push" and any(word in low for word in ("name unknown", "does not exist", "name_unknown")):
            hint = f"create the repository {repository_of(reference)} in {registry}, which makes none by a push"
        elif any(
            word in low
            for word in ("refused", "no such host", "timeout", "deadline exceeded", "unreachable", "lookup", "eof")
        ):
            hint = f"check that {registry} is running and reachable"
        else:
            hint = "check the name of the image" if verb == "pull" else ""
        raise RegistryError(f"{verb} of {reference} failed: {why}", hint=hint)


class Denied(RegistryError):
    """Access was denied: newer credentials may be accepted."""


def _auth(reference: str, found: Credentials | None) -> str:
    """The header with credentials, which the engine requires even if it is empty."""
    data: dict[str, str] = {}
    if found and found.token:
        data = {"registrytoken": found.token}
    elif found and found.identity:
        data = {"identitytoken": found.identity, "serveraddress": registry_of(reference)}
    elif found and found.user:
        data = {"username": found.user, "password": found.password or "", "serveraddress": registry_of(reference)}
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _listed(item: Mapping[str, Any]) -> ImageInfo:
    names = (*(item["RepoTags"] or ()), *(item["RepoDigests"] or ()))
    named = tuple(name for name in names if "<none>" not in name)  # some engines write that for missing names
    return ImageInfo(item["Id"], named, int(item["Size"]), float(item["Created"]))


def registry_of(reference: str) -> str:
    """The registry's address in a reference; images of Docker Hub have none."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "Docker Hub"


def split_reference(reference: str) -> tuple[str, str, str]:
    """Name, digest and tag of a reference; the tag is `latest` if it has neither."""
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    return head, digest, tag or ("" if digest else "latest")
