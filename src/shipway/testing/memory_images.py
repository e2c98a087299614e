"""In-memory images and registry. Images pushed from one engine can be pulled by another that shares the registry."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipway.domain.build import PLATFORMS, Builder, BuildExtras, lacking
from shipway.domain.errors import EngineError, RegistryError, StepFailed
from shipway.domain.image import ImageInfo, Layer, repository_of
from shipway.domain.provenance import Attached
from shipway.domain.release import digest_of
from shipway.ports import OnLine
from shipway.testing.memory_calls import Recorder


class MemoryRegistry(Recorder):
    """`repositories`: repository: tag or digest: digest. `sizes`: bytes of an image's only layer, set by a test."""

    def __init__(self, address: str = "registry.memory") -> None:
        super().__init__()
        self.address = address
        self.repositories: dict[str, dict[str, str]] = {}
        self.contents: dict[str, tuple[str, Mapping[str, str]]] = {}  # digest: image id and labels
        self.sizes: dict[str, int] = {}
        self.parts: dict[tuple[str, str], tuple[Attached, ...]] = {}  # by repository and tag

    def ensure(self) -> None:
        with self._call("ensure"):
            pass

    def repository(self, app: str, image: str) -> str:
        return f"{self.address}/{app}/{image}"

    def digest(self, repository: str, reference: str) -> str | None:
        with self._call("digest", repository, reference):
            return self.repositories.get(repository, {}).get(reference)

    def tag(self, repository: str, digest: str, tag: str) -> None:
        with self._call("tag", repository, digest, tag):
            known = self.repositories.get(repository, {})
            if digest not in known:
                raise RegistryError(f"{self.address} has no {repository}@{digest} to tag as {tag}")
            known[tag] = digest

    def layers(self, repository: str, digest: str) -> Sequence[Layer]:
        with self._call("layers", repository, digest):
            if digest not in self.repositories.get(repository, {}):
                return ()
            content, _ = self.contents.get(digest, (digest, {}))
            return [Layer(content, self.sizes.get(digest, 1 << 20))]

    def attach(self, repository: str, tag: str, parts: Sequence[Attached]) -> None:
        with self._call("attach", repository, tag):
            self.parts[repository, tag] = tuple(parts)
            digest = digest_of([part.content.hex() for part in parts])
            self.repositories.setdefault(repository, {}).update({tag: digest, digest: digest})

    def attached(self, repository: str, tag: str) -> Sequence[Attached]:
        with self._call("attached", repository, tag):
            return self.parts.get((repository, tag), ())


class MemoryImages(Recorder):
    """public: references that any pull finds, such as postgres:15. `used`: ids of images with containers."""

    def __init__(self, registry: MemoryRegistry | None = None, *, public: Sequence[str] = ()) -> None:
        super().__init__()
        self.registry = registry or MemoryRegistry()
        self.public = set(public)
        self.used: set[str] = set()
        self.sizes: dict[str, int] = {}  # id: bytes, set by a test
        self._names: dict[str, str] = {}  # reference: id
        self._labels: dict[str, dict[str, str]] = {}  # id: labels
        self.configs: dict[str, Mapping[str, object]] = {}  # reference: set by a test: Env, Volumes …
        self.made: dict[str, float] = {}  # id: seconds since the epoch
        self.able = Builder({PLATFORMS: ("an image for several platforms needs buildx", "install it")})
        self.extras = BuildExtras()  # of the last build

    def inspect(self, reference: str) -> Mapping[str, object] | None:
        with self._call("inspect", reference):
            identity = reference if reference in self._labels else self._names.get(reference)
            if identity is None:
                return None
            names = self._names_of(identity)
            return {
                "Id": identity,
                "RepoTags": [name for name in names if "@" not in name],
                "RepoDigests": [name for name in names if "@" in name],
                "RootFS": {"Layers": [identity]},
                "Config": {"WorkingDir": "/app", "Labels": self._labels[identity], **self._config(names)},
            }

    def _config(self, names: Sequence[str]) -> Mapping[str, object]:
        return next((self.configs[name] for name in names if name in self.configs), {})

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
        with self._call("build", *tags):
            for why, hint in lacking(self.able, extras).values():
                raise EngineError(why, hint=hint)
            self.extras = extras
            if not (context / dockerfile).is_file():
                raise StepFailed(f"the image build failed\nthere is no {dockerfile}")
            files = {name: _files(folder) for name, folder in {"": context, **extras.contexts}.items()}
            on_line(f"building from {dockerfile}")
            identity = digest_of([files, dockerfile, target, dict(args), dict(labels), list(extras.platforms)])
            self._keep(identity, labels, *tags)
        if extras.pushes:
            repository, _, tag = tags[0].rpartition(":")
            return self.push(repository, tag, on_line)
        return identity

    def builder(self) -> Builder:
        return self.able

    def tag(self, image: str, repository: str, tag: str) -> None:
        with self._call("tag", image, f"{repository}:{tag}"):
            identity = image if image in self._labels else self._names.get(image)
            if identity is None:
                raise EngineError(f"No such image: {image}")
            self._names[f"{repository}:{tag}"] = identity

    def push(self, repository: str, tag: str, on_line: OnLine) -> str:
        with self._call("push", f"{repository}:{tag}"):
            identity = self._names.get(f"{repository}:{tag}")
            if identity is None:
                raise RegistryError(f"there is no image {repository}:{tag} to push")
            digest = digest_of(f"manifest of {identity}")
            on_line(f"{tag}: pushed")
            self.registry.repositories.setdefault(repository, {}).update({tag: digest, digest: digest})
            self.registry.contents[digest] = (identity, self._labels[identity])
            self._names[f"{repository}@{digest}"] = identity
            return digest

    def pull(self, reference: str, on_line: OnLine) -> None:
        with self._call("pull", reference):
            if reference in self._names or reference in self._labels:
                return
            repository, at, digest = reference.partition("@")
            if not at:
                repository, _, digest = reference.rpartition(":")
            pushed = self.registry.repositories.get(repository, {}).get(digest)
            if reference not in self.public and pushed is None:
                raise RegistryError(f"pull of {reference} failed: not found")
            on_line(f"pulled {reference}")
            self._keep(*(self.registry.contents[pushed] if pushed else (digest_of(reference), {})), reference)

    def list(self) -> builtins.list[ImageInfo]:
        with self._call("list"):
            return [
                ImageInfo(identity, self._names_of(identity), self.sizes.get(identity, 1 << 20), self.made[identity])
                for identity in self._labels
            ]

    def remove(self, name: str) -> bool:
        with self._call("remove", name):
            identity = self._names.get(name)
            if identity is None:
                return True
            others = {other for other in self._names_of(identity) if other != name}
            if "@" not in name:  # digests are removed with the last tag of their repository
                own = {other for other in others if repository_of(other) == repository_of(name)}
                others -= own if all("@" in other for other in own) else set()
            if not others and identity in self.used:
                return False
            self._names = {known: it for known, it in self._names.items() if it != identity or known in others}
            if not others:
                del self._labels[identity]
            return True

    def forget(self, reference: str) -> None:
        """Remove a name from the engine."""
        self._names.pop(reference, None)

    def _names_of(self, identity: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, image in self._names.items() if image == identity))

    def _keep(self, identity: str, labels: Mapping[str, str], *names: str) -> None:
        self._labels[identity] = dict(labels)
        self.made.setdefault(identity, float(len(self.made)))
        self._names.update(dict.fromkeys(names, identity))


def _files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_bytes().hex() for path in folder.rglob("*") if path.is_file()}
