"""The docker command's configuration on this machine: logins and credential helpers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import HUB, Credentials, decoded, normalized
from shipway.system.variables import for_others

HELPER_TIMEOUT = 30.0
_HUB_KEY = "https://index.docker.io/v1/"  # Docker Hub's name in helpers
_TOKEN = "<token>"  # user name by which a helper marks its secret as an identity token

Helper = Callable[[str, str], tuple[int, str]]  # runs `docker-credential-NAME get` for an address: exit code, output


def folder() -> Path:
    """Folder of the docker command's configuration."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path("~").expanduser() / ".docker")


def read(path: Path) -> dict[str, Any]:
    """A configuration file; empty if there is none. RegistryError if it can't be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise RegistryError(
            f"the Docker configuration {path} can't be read: {error}", hint="repair or remove the file"
        ) from error
    return found if isinstance(found, dict) else {}


class DockerLogins:
    """Credentials stored by `docker login`: in config.json, or with a credential helper (`credHelpers`,
    `credsStore`)."""

    def __init__(self, config: Mapping[str, Any], helper: Helper | None = None) -> None:
        self._auths = {normalized(key): (key, value) for key, value in (config.get("auths") or {}).items()}
        self._helpers = {normalized(key): (key, str(name)) for key, name in (config.get("credHelpers") or {}).items()}
        self._store = str(config.get("credsStore") or "")
        self._run = helper or _run

    def find(self, address: str) -> Credentials | None:
        """Credentials of a normalized address. RegistryError if a helper fails."""
        if address in self._helpers:
            key, name = self._helpers[address]
            return self._ask(name, key)
        if self._store and ("/" not in address or address in self._auths):  # stores have hosts, and addresses of logins
            key = self._auths[address][0] if address in self._auths else _HUB_KEY if address == HUB else address
            found = self._ask(self._store, key)
            if found:
                return found
        return self._stored(address)

    def _stored(self, address: str) -> Credentials | None:
        key, entry = self._auths.get(address, ("", {}))
        try:
            user, password = (
                decoded(entry["auth"]) if entry.get("auth") else (entry.get("username"), entry.get("password"))
            )
        except ValueError as error:
            raise RegistryError(f"the Docker login for {key} can't be read", hint=f"docker login {address}") from error
        identity = entry.get("identitytoken") or None
        found = Credentials(
            None if identity else user, None if identity else password, entry.get("registrytoken") or None, identity
        )
        return found or None

    def _ask(self, name: str, key: str) -> Credentials | None:
        code, output = self._run(name, key)
        if code != 0:
            if "not found" in output.lower():  # "credentials not found in native keychain"
                return None
            why = output.strip().splitlines()
            raise RegistryError(
                f"the credential helper docker-credential-{name} for {key} failed: {why[-1] if why else f'exit code {code}'}",
                hint=f"test it: echo {key} | docker-credential-{name} get; or log in again: docker login {key}",
            )
        try:
            data = json.loads(output)
            user, secret = str(data["Username"]), str(data["Secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryError(f"docker-credential-{name} returned no credentials for {key}") from error
        if not secret:
            return None
        return Credentials(identity=secret) if user == _TOKEN else Credentials(user, secret)


def _run(name: str, key: str) -> tuple[int, str]:
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return 1, f"{name!r} is not a valid name of a credential helper"
    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            env=for_others(),
            input=key,
            capture_output=True,
            text=True,
            timeout=HELPER_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        return 1, f"docker-credential-{name} is not installed on this machine"
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, done.stdout if done.returncode == 0 else f"{done.stdout}\n{done.stderr}"
