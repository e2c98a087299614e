"""Builds by the docker command with BuildKit, which the engine's API alone doesn't offer."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from shipway.domain.build import CONTEXTS, PLATFORMS, Builder, BuildExtras
from shipway.domain.errors import EngineError
from shipway.domain.secret_value import as_bytes
from shipway.domain.value import dataclass
from shipway.drivers import docker_config
from shipway.drivers.credentials import HUB, Credentials
from shipway.system import process
from shipway.system.private_file import private_folder, write_bytes
from shipway.system.variables import for_others

IID, METADATA, SECRETS, SSH = "iid", "metadata.json", "secrets", "ssh"  # in the folder of one build
INSTALL = "install the buildx plug-in (package docker-buildx or docker-buildx-plugin)"
OWN = "docker buildx create --use --driver docker-container --driver-opt network=host"
NO_CONTEXTS = "extra contexts need the buildx plug-in, which no docker client of this machine has"
ONE_PLATFORM = "an image for several platforms needs buildx with a builder of its own, which this machine lacks"
SHOWN = 20  # lines of a failed build
LAST_WITH_BUILDKIT = 22  # newer docker clients need the buildx plug-in for BuildKit

CONNECTION = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")  # its address

Run = Callable[[Sequence[str]], tuple[int, str]]  # runs a command: exit code and output


@dataclass(frozen=True)
class Client:
    """A docker client that can build with BuildKit."""

    path: str
    buildx: bool
    own_builder: bool = False  # buildx's current builder is a BuildKit of its own, beside the engine

    def can(self, *, containerd: bool) -> Builder:
        """What it can build. containerd: whether the engine stores images with containerd."""
        apart = self.buildx and (self.own_builder or containerd)
        lacks = {} if self.buildx else {CONTEXTS: (NO_CONTEXTS, INSTALL)}
        return Builder(
            {
                **lacks,
                **({} if apart else {PLATFORMS: (ONE_PLATFORM, f"{'' if self.buildx else f'{INSTALL}; then: '}{OWN}")}),
            },
            apart,
        )


def find_builder(candidates: Sequence[str], run: Run) -> Client:
    """The docker client that can build with BuildKit. EngineError if none can."""
    for client in candidates:
        if run([client, "buildx", "version"])[0] == 0:
            driver = re.search(r"^Driver:\s*(\S+)", run([client, "buildx", "inspect"])[1], re.MULTILINE)
            return Client(client, True, driver is not None and driver[1] != "docker")
    for client in candidates:
        found = re.search(r"version (\d+)\.", run([client, "--version"])[1])
        if found and int(found[1]) <= LAST_WITH_BUILDKIT:
            return Client(client, False)
    lacking = (
        "no docker client on this machine can build with BuildKit"
        if candidates
        else "there is no docker client on this machine to build with"
    )
    raise EngineError(lacking, hint=INSTALL)


def docker_clients() -> list[str]:
    """All docker clients of this machine without duplicates, in the order of PATH."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin"]
    paths = [os.path.join(folder, "docker") for folder in dict.fromkeys(folders) if folder]
    found: dict[str, str] = {}
    for path in paths:
        if os.access(path, os.X_OK) and os.path.isfile(path):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def run_quietly(command: Sequence[str]) -> tuple[int, str]:
    """Run a short command."""
    done = process.run(list(command), env=for_others(), timeout=30)
    return done.code, done.output


def arguments(
    client: Client,
    context: Path,
    folder: Path,
    *,
    tags: Sequence[str],
    dockerfile: str,
    target: str | None,
    args: Mapping[str, str],
    labels: Mapping[str, str],
    extras: BuildExtras,
    apart: bool,
) -> list[str]:
    """The whole build command. dockerfile: relative to the context. folder: where it writes IID and METADATA, and finds
    the values of secrets, see `secret_files`. apart: whether layers can be stored beside the image."""
    command = [client.path, "build"]
    if client.buildx:
        command = [client.path, "buildx", "build", "--push" if extras.pushes else "--load"]
        # A builder of its own doesn't see the engine's images.
        command += ["--builder", "default"] if client.own_builder and extras.local else []
        command += ["--metadata-file", str(folder / METADATA)] if extras.pushes else []
    options = ["--progress", "plain", "--iidfile", str(folder / IID), "-f", str(context / dockerfile)]
    for tag in tags:
        options += ["-t", tag]
    if target:
        options += ["--target", target]
    for name, value in args.items():
        options += ["--build-arg", f"{name}={value}"]
    for name, value in labels.items():
        options += ["--label", f"{name}={value}"]
    for name in extras.secrets:
        options += ["--secret", f"id={name},src={folder / SECRETS / name}"]
    for name in extras.ssh:
        options += ["--ssh", f"{name}={folder / SSH / name}"]
    for name, path in extras.contexts.items():
        options += ["--build-context", f"{name}={path}"]
    if extras.fresh:
        options += ["--no-cache"]
    if extras.platforms:
        options += ["--platform", ",".join(extras.platforms)]
    return [*command, *options, *_cache(client, extras, apart=apart), str(context)]


def _cache(client: Client, extras: BuildExtras, *, apart: bool) -> list[str]:
    options = []
    for reference in extras.cache_from:
        options += ["--cache-from", f"type=registry,ref={reference}" if client.buildx else reference]
    if extras.cache_to and apart:
        # As an image, and by the OCI's types: other forms are refused by some registries.
        settings = "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
        options += ["--cache-to", f"type=registry,ref={extras.cache_to},{settings}"]
    elif extras.cache_to:
        options += ["--cache-to", "type=inline"] if client.buildx else ["--build-arg", "BUILDKIT_INLINE_CACHE=1"]
    return options


@contextmanager
def secret_files(extras: BuildExtras) -> Iterator[Path]:
    """A folder, in memory where possible and always removed, with the files of SECRETS and SSH, readable only by this
    user."""
    with private_folder() as folder:
        for name, value in extras.secrets.items():
            write_bytes(folder / SECRETS / name, as_bytes(value))
        for name, key in extras.ssh.items():
            write_bytes(folder / SSH / name, as_bytes(key if key.endswith("\n") else f"{key}\n"))
        yield folder


def environment(connection: Mapping[str, str], config: Path | None = None) -> dict[str, str]:
    """Environment of the build command: the same engine, BuildKit, and no attestations (they'd make equal builds
    differ).

    connection: variables that select the engine. config: folder of the docker configuration, if not the user's own.
    """
    own = {name: value for name, value in for_others().items() if name not in CONNECTION}
    settings = {"DOCKER_CONFIG": str(config)} if config else {}
    return {**own, **connection, **settings, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


def settings_with(keys: Mapping[str, Credentials], folder: Path, own: Path) -> Path:
    """Create a docker configuration in `folder`: a copy of the one in `own`, with these logins for pulls of a build."""
    config = docker_config.read(own / "config.json")
    auths, helpers = dict(config.get("auths") or {}), dict(config.get("credHelpers") or {})
    for address, credentials in keys.items():
        host = address.partition("/")[0]
        host = "https://index.docker.io/v1/" if host == HUB else host
        helpers.pop(host, None)
        auths[host] = _login(credentials)
    # A store would take precedence over `auths`; it is kept for all other registries.
    if config.get("credsStore"):
        helpers = {**dict.fromkeys(config.get("auths") or {}, config.pop("credsStore")), **helpers}
        for address in keys:
            helpers.pop(address.partition("/")[0], None)
    for entry in own.iterdir() if own.is_dir() else ():
        if entry.name != "config.json":
            (folder / entry.name).symlink_to(entry.resolve())
    (folder / "config.json").write_text(
        json.dumps({**config, "auths": auths, "credHelpers": helpers}), encoding="utf-8"
    )
    return folder


def _login(credentials: Credentials) -> dict[str, str]:
    if credentials.user:
        pair = f"{credentials.user}:{credentials.password or ''}"
        return {"auth": base64.b64encode(pair.encode()).decode()}
    return {"registrytoken": credentials.token} if credentials.token else {"identitytoken": credentials.identity or ""}


def failure(lines: Sequence[str]) -> str:
    """The part of a failed build's output with the reason: BuildKit's summary if it has one. Older engines omit the
    output of the failed instruction there: then it is added from before."""
    rules = [index for index, line in enumerate(lines) if line.strip() == "------"]
    starts = [index for index in rules if lines[index + 1 : index + 2] and lines[index + 1].startswith(" > ")]
    chosen = list(lines[starts[0] :] if starts else lines)
    if starts and lines[starts[0] + 2 : starts[0] + 3] and lines[starts[0] + 2].strip() == "------":
        chosen = [chosen[0], chosen[1], *_output_of_the_failed(lines[: starts[0]]), *chosen[2:]]
    return "\n".join([line for line in chosen if line.strip() and line.strip() != "------"][-SHOWN:])


def _output_of_the_failed(lines: Sequence[str]) -> list[str]:
    """Last lines of the failed instruction."""
    failed = next((found[1] for line in reversed(lines) if (found := re.match(r"#(\d+) ERROR", line))), None)
    written = [found[1] for line in lines if (found := re.match(rf"#{failed} (\d+\.\d+ .*)", line))]
    return written[-(SHOWN - 5) :]
