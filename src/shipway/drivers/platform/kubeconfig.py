"""Credentials of a cluster, as `kubectl` has them: KUBECONFIG, else ~/.kube/config."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shipway.domain.errors import ClusterError
from shipway.domain.value import dataclass

if TYPE_CHECKING:
    import ssl

PLUGIN = 60.0  # seconds that a plugin of credentials has
VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True)
class Access:
    """An API server and who asks it. namespace: of the context."""

    context: str
    host: str
    port: int
    path: str
    namespace: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    folder: Path  # of its file: paths in it are relative to that
    tls: bool = True

    @property
    def server_name(self) -> str:
        """The name that its certificate has."""
        return str(self.cluster.get("tls-server-name") or self.host)

    def credentials(self) -> tuple[dict[str, str], ssl.SSLContext | None]:
        """Headers of a request, and what encrypts the connection. ClusterError if there are none."""
        user = dict(self.user)
        if "auth-provider" in user:
            raise ClusterError(
                f"context {self.context}: `auth-provider` is no longer a way to sign in to a cluster",
                hint="use its plugin (`exec`), as `kubectl` does",
            )
        if "exec" in user:
            user |= self._plugin(user["exec"])
        token = str(user.get("token") or "")
        if user.get("tokenFile"):
            token = self._read(str(user["tokenFile"])).decode().strip()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if not token and user.get("username"):
            basic = base64.b64encode(f"{user['username']}:{user.get('password', '')}".encode()).decode()
            headers = {"Authorization": f"Basic {basic}"}
        return headers, self._context(user) if self.tls else None

    def _context(self, user: Mapping[str, Any]) -> ssl.SSLContext:
        import ssl  # its import takes long

        authority = self._data(self.cluster, "certificate-authority")
        try:
            context = ssl.create_default_context(cadata=authority.decode() if authority else None)
            if self.cluster.get("insecure-skip-tls-verify"):
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            certificate, key = self._data(user, "client-certificate"), self._data(user, "client-key")
            if certificate and key:
                with NamedTemporaryFile() as file:  # readable by its owner alone; the library reads no other form
                    file.write(certificate + b"\n" + key)
                    file.flush()
                    context.load_cert_chain(file.name)
        except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
            raise ClusterError(f"context {self.context}: its certificates can't be read: {error}") from error
        return context

    def _data(self, section: Mapping[str, Any], name: str) -> bytes | None:
        if section.get(f"{name}-data"):
            try:
                return base64.b64decode(str(section[f"{name}-data"]), validate=False)
            except binascii.Error as error:
                raise ClusterError(f"context {self.context}: {name}-data is not in base64") from error
        return self._read(str(section[name])) if section.get(name) else None

    def _read(self, path: str) -> bytes:
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise ClusterError(f"context {self.context}: {path} can't be read: {error.strerror}") from error

    def _plugin(self, section: Mapping[str, Any]) -> dict[str, Any]:
        """What the command says that signs in."""
        version = str(section.get("apiVersion") or VERSIONS[0])
        if version not in VERSIONS:
            raise ClusterError(f"context {self.context}: plugins of version {version} are not known")
        command = [str(section.get("command") or ""), *(str(item) for item in section.get("args") or [])]
        if "/" in command[0]:
            command[0] = str(self.folder / command[0])
        spec: dict[str, Any] = {"interactive": False}
        if section.get("provideClusterInfo"):
            spec["cluster"] = {"server": self.cluster.get("server"), **_info(self.cluster)}
        asked = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
        env = {item["name"]: str(item["value"]) for item in section.get("env") or []}
        try:
            done = subprocess.run(
                command, env={**os.environ, **env, "KUBERNETES_EXEC_INFO": asked}, capture_output=True, text=True,
                timeout=PLUGIN, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ClusterError(
                f"context {self.context}: {command[0]} did not sign in: {error}",
                hint=str(section.get("installHint") or ""),
            ) from error
        try:
            status = json.loads(done.stdout)["status"] if done.returncode == 0 else None
        except (ValueError, KeyError, TypeError):
            status = None
        if not isinstance(status, dict):
            why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise ClusterError(
                f"context {self.context}: {command[0]} did not sign in: {why}", hint="sign in with it, and try again"
            )
        names = {
            "token": "token", "clientCertificateData": "client-certificate-data", "clientKeyData": "client-key-data",
        }  # fmt: skip
        return {
            own: status[name] if name == "token" else base64.b64encode(str(status[name]).encode()).decode()
            for name, own in names.items()
            if status.get(name)
        }


def _info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    names = ("certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name", "proxy-url")
    return {name: cluster[name] for name in names if name in cluster}


def find(context: str | None = None, environ: Mapping[str, str] = os.environ) -> Access:
    """The access of a context; None: the current one. ClusterError if there is none."""
    listed = [Path(item) for item in environ.get("KUBECONFIG", "").split(os.pathsep) if item]
    files = listed or [Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"]
    documents = [(path.parent, found) for path in files if (found := _document(path)) is not None]
    if not documents:
        raise ClusterError(
            f"no cluster is known here: {', '.join(map(str, files))} is not there", hint="KUBECONFIG names the file that `kubectl` uses"
        )  # fmt: skip
    chosen = context or next((str(item["current-context"]) for _, item in documents if item.get("current-context")), "")
    own, _ = _named(documents, "contexts", chosen, "context")
    if own is None:
        known = ", ".join(str(each.get("name")) for _, item in documents for each in item.get("contexts") or [])
        what = f"no context {chosen}" if chosen else "no current context"
        raise ClusterError(f"{', '.join(map(str, files))} has {what}", hint=f"it has: {known or 'none'}")
    cluster, folder = _named(documents, "clusters", str(own.get("cluster")), "cluster")
    user, of_user = _named(documents, "users", str(own.get("user")), "user")
    if cluster is None or not cluster.get("server"):
        raise ClusterError(f"context {chosen}: cluster {own.get('cluster')} has no server")
    if cluster.get("proxy-url"):
        raise ClusterError(f"context {chosen}: a proxy (`proxy-url`) is not supported")
    at = urlsplit(str(cluster["server"]))
    port = at.port or (443 if at.scheme == "https" else 80)
    user = _absolute(user or {}, of_user)
    return Access(
        chosen, at.hostname or "", port, at.path.rstrip("/"), str(own.get("namespace") or "default"), cluster, user, folder,
        at.scheme == "https",
    )  # fmt: skip


def _absolute(user: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The cluster may be in another file."""
    paths = {"client-certificate", "client-key", "tokenFile"}
    return {name: str(folder / str(value)) if name in paths else value for name, value in user.items()}


def _document(path: Path) -> dict[str, Any] | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ClusterError(f"{path} can't be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _named(
    documents: Sequence[tuple[Path, dict[str, Any]]], section: str, name: str, inner: str
) -> tuple[dict[str, Any] | None, Path]:
    """The first of that name, as `kubectl` merges files, and the folder of its file."""
    for folder, document in documents:
        for item in document.get(section) or []:
            if item.get("name") == name:
                return dict(item.get(inner) or {}), folder
    return None, documents[0][0]
