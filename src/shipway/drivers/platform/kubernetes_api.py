"""The API of Kubernetes over HTTPS, with the credentials of a kubeconfig: server-side apply, read, list, remove, follow a log."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shipway.domain.errors import ClusterError
from shipway.drivers.platform.features import Features
from shipway.drivers.platform.kubernetes_addresses import GATEWAY, GROUP
from shipway.drivers.platform.object_names import MANAGER
from shipway.system.http import Connection, without_answer

if TYPE_CHECKING:
    import ssl

    from shipway.drivers.platform.kubeconfig import Access

TIMEOUT = 35.0  # seconds of a request: the API server gives a webhook up to 30
PAGE = 500  # objects of a list at a time
PLURALS = {
    "NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "Namespace": "namespaces", "Endpoints": "endpoints",
}  # fmt: skip
# What a server says of an apply for which the object must be created, and the right to do that is missing: it names no right.
BARE = re.compile(r'(\w+)[\w.]* "[^"]*" is forbidden: ?')
Object = dict[str, Any]
Dial = Callable[[float], Connection]


class KubernetesApi:
    """Asks one API server. Safe to use from several threads: each has a connection of its own."""

    def __init__(self, access: Access, timeout: float = TIMEOUT) -> None:
        self._access, self._timeout = access, timeout
        self._own = threading.local()
        self._lock = threading.Lock()
        self._signed: tuple[dict[str, str], ssl.SSLContext | None] | None = None
        self._features: Features | None = None

    @property
    def server(self) -> str:
        """Its address, for messages."""
        return f"{self._access.host}:{self._access.port}"

    def features(self) -> Features:
        """What this server has, by discovery."""
        if self._features is None:
            version = self.ask("GET", "/version")
            groups = {
                item["name"]: [each["version"] for each in item["versions"]]
                for item in self.ask("GET", "/apis")["groups"]
            }

            def kinds(of: str) -> set[str]:
                return {item["kind"] for item in self.ask("GET", f"/apis/{of}")["resources"]}

            gateway = kinds(GATEWAY) if "v1" in groups.get(GROUP, ()) else set()
            self._features = Features.of(version, groups, kinds("batch/v1"), gateway)
        return self._features

    def apply(self, item: Object, *, force: bool = False, dry: bool = False, manager: str = MANAGER) -> Object:
        """Server-side apply: create it, or set these fields. ClusterError, also if others have set one of them to another value."""
        query = {"fieldManager": manager, "force": "true" if force else "false", **({"dryRun": "All"} if dry else {})}
        body = json.dumps(item).encode()
        return self.ask("PATCH", path_of(item), query, body, "application/apply-patch+yaml", about(item))

    def create(self, item: Object) -> Object:
        """Create it. ClusterError, with `conflict` if it is there."""
        whole = path_of(item).rpartition("/")[0]
        return self.ask("POST", whole, {"fieldManager": MANAGER}, json.dumps(item).encode(), what=about(item))

    def get(self, version: str, kind: str, namespace: str, name: str) -> Object | None:
        """One object; None if it isn't there."""
        try:
            return self.ask("GET", f"{folder(version, kind, namespace)}/{name}", what=f"{kind} {name}")
        except ClusterError as error:
            if error.absent:
                return None
            raise

    def list(
        self, version: str, kind: str, namespace: str, labels: Mapping[str, str] | None = None, **more: str
    ) -> list[Object]:
        """All that have these labels."""
        query = {"limit": str(PAGE), **more}
        if labels:
            query["labelSelector"] = ",".join(f"{name}={value}" for name, value in labels.items())
        found: list[Object] = []
        while True:
            page = self.ask("GET", folder(version, kind, namespace), query, what=f"the list of {kind}s")
            found += [{"apiVersion": version, "kind": kind, **item} for item in page.get("items") or []]
            rest = page["metadata"].get("continue")
            if not rest:
                return found
            query["continue"] = rest

    def delete(self, version: str, kind: str, namespace: str, name: str) -> None:
        """Remove it, and then what belongs to it."""
        body = json.dumps({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}).encode()
        try:
            self.ask("DELETE", f"{folder(version, kind, namespace)}/{name}", None, body, what=f"{kind} {name}")
        except ClusterError as error:
            if not error.absent:
                raise

    def log(self, namespace: str, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        """The last lines of a container; empty if it has none. ClusterError without the right to read them."""
        query = {"container": container, "tailLines": str(lines), **({"previous": "true"} if previous else {})}
        at = f"{folder('v1', 'Pod', namespace)}/{pod}/log?{urlencode(query)}"
        try:
            return self._answer("GET", at, None, {}, f"the log of {pod}").decode(errors="replace")
        except ClusterError as error:
            if error.forbidden:
                raise
            return ""  # it has not started yet, or is gone: only the log is missing

    def follow(
        self, namespace: str, pod: str, container: str, since: str, closing: Callable[[Connection], None],
        *, forever: bool = True, tail: int | None = None,
    ) -> Iterator[str]:  # fmt: skip
        """Lines of a container with the time of each before it, as they come, until it ends; not forever: those of now. closing:
        takes the connection, which others close to end it. tail: only so many of the last ones. ClusterError without the right
        to read them."""
        query = {"container": container, "follow": str(forever).lower(), "timestamps": "true"}
        query |= {"sinceTime": since} if since else {}
        query |= {"tailLines": str(tail)} if tail is not None else {}
        at = f"{self._access.path}{folder('v1', 'Pod', namespace)}/{pod}/log?{urlencode(query)}"
        headers, tls = self._credentials()
        connection = Connection(
            self._access.host, self._access.port, None, tls=tls, server_name=self._access.server_name
        )
        closing(connection)
        with connection:
            response = connection.request("GET", at, None, headers)
            if response.status == 403:
                raise refusal(403, b"".join(response.chunks()), f"the log of {pod}", self._access.context)
            if response.status != 200:
                return
            rest = b""
            for chunk in response.chunks():
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
            if rest:
                yield rest.decode(errors="replace")

    def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None,
        kind: str = "application/json", what: str = "",
    ) -> Object:  # fmt: skip
        """A request with its answer, as an object. ClusterError without one, and with the cause if it is refused."""
        whole = f"{path}?{urlencode(query)}" if query else path
        headers = {"Accept": "application/json", **({"Content-Type": kind} if body is not None else {})}
        answer = self._answer(method, whole, body, headers, what or path)
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise ClusterError(f"{self.server} is no API server of Kubernetes: it answers {answer[:60]!r}") from error
        assert isinstance(found, dict)
        return found

    def _answer(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], what: str) -> bytes:
        for again in (False, True):
            own, tls = self._credentials(renewed=again)
            try:
                answer = self._connection(tls).ask(method, self._access.path + target, body, {**own, **headers})
            except OSError as error:
                if not again and method != "POST" and not isinstance(error, TimeoutError):
                    continue  # a kept connection was closed, or the server restarts
                raise ClusterError(
                    f"the cluster at {self.server} (context {self._access.context}) doesn't answer: {without_answer(error, self._timeout)}",
                    hint="`kubectl get --raw /readyz` asks it, too",
                ) from error
            if answer.status == 401 and not again:
                continue
            if answer.status >= 400:
                raise refusal(answer.status, answer.body, what, self._access.context)
            return answer.body
        raise AssertionError("unreachable")

    def _credentials(self, *, renewed: bool = False) -> tuple[dict[str, str], ssl.SSLContext | None]:
        with self._lock:
            if self._signed is None or renewed:
                self._signed = self._access.credentials()
            return self._signed

    def _connection(self, tls: ssl.SSLContext | None) -> Connection:
        kept: tuple[object, Connection] | None = getattr(self._own, "kept", None)
        if kept is None or kept[0] is not tls:
            at = self._access
            kept = (tls, Connection(at.host, at.port, self._timeout, tls=tls, server_name=at.server_name))
            self._own.kept = kept
        return kept[1]


def refusal(status: int, body: bytes, what: str, context: str) -> ClusterError:
    """An error of the API server, in the words of its cause."""
    try:
        found = json.loads(body)
        message, reason = str(found.get("message", "")), str(found.get("reason", ""))
        causes = (found.get("details") or {}).get("causes") or []
    except (ValueError, AttributeError):
        message, reason, causes = body[:200].decode(errors="replace").strip(), "", []
    fields = [item for item in causes if item.get("reason") == "FieldManagerConflict"]
    if fields:
        listed = "; ".join(f"{item.get('field')} ({item.get('message')})" for item in fields)
        return ClusterError(
            f"{what} has fields that others have set to other values: {listed}", conflict=True,
            hint="see who does that; --force takes them over",
        )  # fmt: skip
    if status == 401:
        return ClusterError(
            f"the cluster doesn't accept the credentials of context {context}", hint="sign in again, as for `kubectl`"
        )
    if "failed calling webhook" in message:
        return ClusterError(
            f"{what}: a webhook of the cluster, which checks every change, doesn't answer: {message}",
            hint="`kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations` lists them; see to its service",
        )
    if "exceeded quota" in message:
        return ClusterError(
            f"{what}: the namespace's quota has no room: {message}", hint="`kubectl describe quota` shows it"
        )
    if "admission webhook" in message or "denied the request" in message:
        return ClusterError(
            f"{what}: the cluster's rules refuse it: {message}", hint="change the plan as the rule says"
        )
    if status == 403:
        if bare := BARE.fullmatch(message):
            message = f'{message.strip()} it cannot create resource "{bare[1]}"'
        return ClusterError(
            f"{what}: context {context} may not do this: {message}",
            hint="`shipway render ENVIRONMENT --rbac` prints the rights that it needs, for `kubectl apply`", forbidden=True,
        )  # fmt: skip
    if status == 404:
        return ClusterError(f"{what} is not there: {message}", absent=True)
    return ClusterError(
        f"{what}: the cluster refuses: {message or status}", conflict=status == 409 and reason == "AlreadyExists"
    )


def folder(version: str, kind: str, namespace: str) -> str:
    """The path of all objects of a kind."""
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    where = "" if kind in ("Namespace", "PersistentVolume") else f"/namespaces/{namespace}"
    return f"{root}{where}/{PLURALS.get(kind, kind.lower() + 's')}"


def path_of(item: Object) -> str:
    """The path of an object."""
    own = item["metadata"]
    return f"{folder(item['apiVersion'], item['kind'], own.get('namespace', ''))}/{own['name']}"


def about(item: Object) -> str:
    """What it is, for messages."""
    return f"{item['kind']} {item['metadata']['name']}"
