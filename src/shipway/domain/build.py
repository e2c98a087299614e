"""How an image is built: from a folder of the repository, with what the plan adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from pathlib import Path

from shipway.domain.value import dataclass

REVISION, VERSION = "SHIPWAY_REVISION", "SHIPWAY_VERSION"  # variables that every build argument may use


@dataclass(frozen=True)
class BaseSource:
    """An image that others are built on: a folder of the repository with a Dockerfile in it."""

    folder: str
    dockerfile: str = "Dockerfile"  # relative to the folder
    target: str | None = None  # a stage of the Dockerfile; None is the last one
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)  # name in the Dockerfile: folder of the repository
    secrets: tuple[str, ...] = ()  # names in the scope of builds; mounted while the build runs, in no layer
    ssh: Mapping[str, str] = field(default_factory=dict)  # id of an SSH mount: name of the secret with its key

    @property
    def granted(self) -> tuple[str, ...]:
        """All secrets that the build gets, each once."""
        return tuple(dict.fromkeys((*self.secrets, *self.ssh.values())))


@dataclass(frozen=True)
class BuildSource(BaseSource):
    """An image of a service, a step or a check that Shipway builds."""

    variables: Mapping[str, str] = field(default_factory=dict)  # build argument: variable of Shipway's process
    images: Mapping[str, str] = field(default_factory=dict)  # build argument: service whose image it names
    bases: Mapping[str, BaseSource] = field(default_factory=dict)  # build argument: image that is built before
    platforms: tuple[str, ...] = ()  # such as linux/arm64; empty: the engine's own
    cache: bool = False  # whether layers are read from and stored in the registry

    def base(self, name: str) -> BuildSource:
        """One of `bases`, for the same platform, and with its layers where those of this image are."""
        given = {item.name: getattr(self.bases[name], item.name) for item in fields(BaseSource)}
        return BuildSource(**given, platforms=self.platforms, cache=self.cache)


@dataclass(frozen=True)
class BuildExtras:
    """What a build gets beside its context, Dockerfile and arguments. Values of secrets are only held while it runs."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # id: value
    ssh: Mapping[str, str] = field(default_factory=dict, repr=False)  # id: private key
    contexts: Mapping[str, Path] = field(default_factory=dict)  # name: folder on this machine
    platforms: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()  # references in a registry
    cache_to: str = ""  # a reference in a registry; "": layers are not stored
    fresh: bool = False  # whether no cached layer is used
    local: bool = False  # whether it is built on an image that only the engine has

    @property
    def pushes(self) -> bool:
        """Whether the build itself pushes the image: one for several platforms can't be on an engine."""
        return len(self.platforms) > 1


CONTEXTS, PLATFORMS = "contexts", "platforms"  # features that not every machine has, by their key in a plan


@dataclass(frozen=True)
class Builder:
    """What this machine can build."""

    lacks: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # by feature: why, and what to do
    cache_apart: bool = False  # whether layers can be stored beside the image

    def stores_apart(self, extras: BuildExtras) -> bool:
        """Whether the build stores its layers beside the image; otherwise the image itself has them, once it is pushed."""
        return self.cache_apart and not extras.local


def features(source: BaseSource | BuildExtras) -> tuple[str, ...]:
    """What a build needs that not every machine has."""
    several = isinstance(source, BuildSource | BuildExtras) and len(source.platforms) > 1
    return ((CONTEXTS,) if source.contexts else ()) + ((PLATFORMS,) if several else ())


def lacking(builder: Builder, source: BaseSource | BuildExtras) -> dict[str, tuple[str, str]]:
    """By key of a build in the plan: why this machine can't build that, and what to do."""
    return {name: builder.lacks[name] for name in features(source) if name in builder.lacks}


def in_order(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names, each after those that it needs among them; otherwise in their order. needs has no cycle."""
    wanted, done = list(names), dict[str, None]()

    def add(name: str) -> None:
        if name not in done:
            for need in needs.get(name, ()):
                if need in wanted:
                    add(need)
            done[name] = None

    for name in wanted:
        add(name)
    return list(done)
