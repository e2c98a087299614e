"""Any registry that speaks the OCI distribution API, version 2."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from shipway.domain.errors import RegistryError
from shipway.domain.image import Layer
from shipway.domain.provenance import Attached
from shipway.drivers.authorities import authorities, ca_hint
from shipway.drivers.credentials import HUB, VARIABLE, Credentials, normalized
from shipway.drivers.registry import attachments
from shipway.system.fetch import Fetcher
from shipway.system.http import Answer

TIMEOUT = 30.0
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


HUB_API = "registry-1.docker.io"  # where Docker Hub answers


class _Denied(RegistryError):
    """Access was denied with these credentials: newer ones may be accepted."""

    def __init__(self, used: Credentials, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.used = used


class RemoteRegistry:
    """address: host[:port][/namespace], prefixed with http:// if it has no TLS (not needed on this machine). renew: other
    credentials than those that the registry refused, or None."""

    def __init__(
        self,
        address: str,
        credentials: Credentials | None = None,
        renew: Callable[[Credentials], Credentials | None] = lambda used: None,
    ) -> None:
        parts = urlsplit(address if "://" in address else f"//{address}")
        self.host = parts.netloc
        self._is_hub = normalized(address).partition("/")[0] == HUB
        self._address = address.partition("://")[2] or address
        self._namespace = parts.path.strip("/")
        self._renew = renew
        self._credentials = credentials or Credentials()
        local = _loopback(parts.hostname or "")
        self._base = f"{parts.scheme or ('http' if local else 'https')}://{HUB_API if self._is_hub else self.host}"
        self._fetcher = Fetcher(TIMEOUT, direct=local, authorities=authorities(self.host))
        self._tokens: dict[str, str] = {}  # value of the Authorization header by scope

    def ensure(self) -> None:
        answer = self._ask("GET", "/v2/", scope="")
        if answer.status != 200:
            raise RegistryError(f"{self.host} isn't a registry: /v2/ returns HTTP status {answer.status}")

    def repository(self, app: str, image: str) -> str:
        if self._is_hub:  # names there have two parts, and engines show them without the host
            return f"{self._namespace}/{app}-{image}"
        return "/".join(part for part in (self.host, self._namespace, app, image) if part)

    def digest(self, repository: str, reference: str) -> str | None:
        answer = self._ask("HEAD", self._manifest(repository, reference), scope=self._scope(repository, "pull"))
        if answer.status == 200 and "Docker-Content-Digest" not in answer.headers:
            answer = self._ask("GET", self._manifest(repository, reference), scope=self._scope(repository, "pull"))
        if answer.status == 404:
            return None
        self._expect(answer, 200, f"look up {repository} {reference}")
        return answer.headers.get("Docker-Content-Digest") or "sha256:" + hashlib.sha256(answer.body).hexdigest()

    def tag(self, repository: str, digest: str, tag: str) -> None:
        scope = self._scope(repository, "pull,push")
        found = self._ask("GET", self._manifest(repository, digest), scope=scope)
        if found.status == 404:
            raise RegistryError(
                f"{self.host} has no {repository}@{digest} to tag as {tag}",
                hint="it was removed from the registry or never pushed: run the pipeline again",
            )
        self._expect(found, 200, f"read {repository}@{digest}")
        answer = self._ask(
            "PUT",
            self._manifest(repository, tag),
            scope=scope,
            content=found.body,
            kind=found.headers.get("Content-Type", ""),
        )
        self._expect(answer, 201, f"tag {repository}@{digest} as {tag}")

    def layers(self, repository: str, digest: str) -> Sequence[Layer]:
        scope = self._scope(repository, "pull")
        found = self._ask("GET", self._manifest(repository, digest), scope=scope)
        if found.status == 404:
            return ()
        self._expect(found, 200, f"read {repository}@{digest}")
        manifest = json.loads(found.body)
        if "manifests" in manifest:
            chosen = next((it for it in manifest["manifests"] if it.get("platform", {}).get("os") == "linux"), None)
            return self.layers(repository, chosen["digest"]) if chosen else ()
        blob = f"/v2/{self._name(repository)}/blobs/{manifest['config']['digest']}"
        config = self._ask("GET", blob, scope=scope)
        self._expect(config, 200, f"read the configuration of {repository}@{digest}")
        contents = json.loads(config.body)["rootfs"]["diff_ids"]
        return [Layer(content, int(layer["size"])) for content, layer in zip(contents, manifest["layers"], strict=True)]

    def attach(self, repository: str, tag: str, parts: Sequence[Attached]) -> None:
        attachments.attach(self._asking(repository, "pull,push"), self._name(repository), tag, parts)

    def attached(self, repository: str, tag: str) -> Sequence[Attached]:
        return attachments.attached(self._asking(repository, "pull"), self._name(repository), tag)

    def _asking(self, repository: str, actions: str) -> attachments.Ask:
        scope = self._scope(repository, actions)

        def ask(method: str, path: str, content: bytes | None, kind: str) -> Answer:
            """An address is only asked if it is this registry's: no other one gets its credentials."""
            own = urlsplit(path)
            if own.netloc and own.netloc != urlsplit(self._base).netloc:
                raise RegistryError(f"{self.host} names another server for an upload: {own.netloc}")
            path = f"{own.path}?{own.query}" if own.query else own.path
            return self._ask(method, path, scope=scope, content=content, kind=kind)

        return ask

    def _name(self, repository: str) -> str:
        return repository.removeprefix(self.host + "/")

    def _manifest(self, repository: str, reference: str) -> str:
        return f"/v2/{self._name(repository)}/manifests/{reference}"

    def _scope(self, repository: str, actions: str) -> str:
        return f"repository:{self._name(repository)}:{actions}"

    def _expect(self, answer: Answer, status: int, what: str) -> None:
        if answer.status != status:
            why = _reason(answer)
            raise RegistryError(f"{self.host} failed to {what}: HTTP status {answer.status}{why}")

    def _ask(self, method: str, path: str, *, scope: str, content: bytes | None = None, kind: str = "") -> Answer:
        """Send a request, with the authorization that the registry requires. Once it is denied, ask for newer credentials.
        RegistryError if it is denied again."""
        try:
            return self._authorized(method, path, scope=scope, content=content, kind=kind)
        except _Denied as denied:
            renewed = self._renew(denied.used)
            if renewed is None:
                raise
            self._credentials, self._tokens = renewed, {}
            return self._authorized(method, path, scope=scope, content=content, kind=kind)

    def _authorized(self, method: str, path: str, *, scope: str, content: bytes | None, kind: str) -> Answer:
        headers = {"Accept": MANIFESTS, **({"Content-Type": kind} if kind else {})}
        authorization = self._tokens.get(scope) or self._first_guess()
        answer = self._send(method, self._base + path, headers, authorization, content)
        if answer.status == 401:
            *_, challenge = answer.headers.get_all("WWW-Authenticate", [""])
            authorization = self._authorize(challenge, scope)
            answer = self._send(method, self._base + path, headers, authorization, content)
        if answer.status in (401, 403):
            raise self._unauthorized(_reason(answer))
        if authorization:
            self._tokens[scope] = authorization
        return answer

    def _first_guess(self) -> str:
        return f"Bearer {self._credentials.token}" if self._credentials.token else ""

    def _authorize(self, challenge: str, scope: str) -> str:
        """Value of the Authorization header for a challenge."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._credentials.user:
            return self._basic()
        if scheme.lower() == "bearer" and not self._credentials.token:
            return "Bearer " + self._token(dict(re.findall(r'(\w+)="([^"]*)"', rest)), scope)
        raise self._unauthorized("")

    def _token(self, challenge: Mapping[str, str], scope: str) -> str:
        realm = challenge.get("realm", "")
        if urlsplit(realm).scheme not in ("http", "https"):
            raise RegistryError(f"{self.host} names no valid address for tokens (realm {realm!r})")
        query = {"service": challenge.get("service", ""), "scope": scope or challenge.get("scope", "")}
        target = (
            f"{realm}{'&' if '?' in realm else '?'}{urlencode({key: value for key, value in query.items() if value})}"
        )
        if urlsplit(realm).scheme == "http" and self._base.startswith("https:") and self._credentials:
            raise RegistryError(f"{self.host} requests its credentials at {realm}, without TLS: they were not sent")
        if self._credentials.identity:
            answer = self._refresh(realm, query)
        else:
            answer = self._send("GET", target, {}, self._basic() if self._credentials.user else "", None)
        if answer.status != 200:
            raise self._unauthorized(_reason(answer))
        try:
            data = json.loads(answer.body)
            return str(data.get("token") or data["access_token"])
        except (ValueError, KeyError, AttributeError) as error:
            raise RegistryError(f"{self.host}: {realm} returned no token") from error

    def _refresh(self, realm: str, query: Mapping[str, str]) -> Answer:
        """Exchange an identity token for a token, by OAuth 2."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._credentials.identity or "",
            "client_id": "shipway",
            **query,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", realm, kind, "", urlencode(form).encode())

    def _basic(self) -> str:
        pair = f"{self._credentials.user}:{self._credentials.password or ''}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _unauthorized(self, why: str) -> _Denied:
        if not self._credentials:
            return _Denied(
                self._credentials,
                f"registry {self.host} denies anonymous access, and no credentials are set for it{why}",
                hint=f"`docker login {self.host}`; or `user` and `password` under `registry` in the plan, and: "
                f"shipway secret set registry NAME --for {self._address}; or in CI {VARIABLE} (JSON by address)",
            )
        hint = f"check its permissions there, or set other credentials: docker login {self.host}, or shipway secret set registry NAME --for {self._address}"
        return _Denied(self._credentials, f"registry {self.host} denies access to {self._credentials}{why}", hint=hint)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], authorization: str, content: bytes | None
    ) -> Answer:
        private = {"Authorization": authorization} if authorization else {}  # never sent to another host
        try:
            return self._fetcher.fetch(method, url, headers, content, private=private)
        except OSError as error:
            raise RegistryError(
                f"can't reach registry {self.host}: {error}",
                hint=ca_hint(self.host, str(error))
                or f"check that {self.host} is running and reachable: curl -i {self._base}/v2/",
            ) from error


def _reason(answer: Answer) -> str:
    """The registry's error message, in the format of the specification."""
    try:
        return ": " + ", ".join(str(item.get("message") or item["code"]) for item in json.loads(answer.body)["errors"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
