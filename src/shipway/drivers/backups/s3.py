"""Backups in a bucket of any S3-compatible store, with path-style addresses. A large object is uploaded in parts, and
appears when the upload is completed."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

from shipway.domain.errors import BackupFailed, NotStored, StoreFull, StoreGone
from shipway.drivers.backups.sigv4 import EMPTY, Credentials, path_of, query_of, signed
from shipway.system.http import Answer, Connection, Response
from shipway.system.redact import shortened

PART = 16 << 20  # bytes of the first parts, which are held in memory one at a time
GROWS = 1000  # parts after which they become larger: at most 10,000 are allowed
TIMEOUT = 120.0  # seconds of silence
RETRIES = 3  # of a request that was not answered, or by an overloaded store
PAUSE = 1.0  # seconds, doubled each time
FULL = {
    "XMinioStorageFull",
    "InsufficientStorage",
    "QuotaExceeded",
    "ServiceQuotaExceeded",
    "EntityTooLarge",
    "NoSpaceLeft",
}
DENIED = {
    "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "RequestTimeTooSkewed",
}  # fmt: skip


class S3Store:
    """Implements ports.BackupStore. address: s3://bucket/prefix."""

    def __init__(self, address: str, endpoint: str | None, region: str, credentials: Credentials) -> None:
        parts = urlsplit(address)
        self._bucket, prefix = parts.netloc, parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._region, self._credentials = region, credentials
        self._address = address
        at = urlsplit(endpoint or f"https://s3.{region}.amazonaws.com")
        self._host = at.netloc
        tls = ssl.create_default_context() if at.scheme == "https" else None
        port = at.port or (443 if tls else 80)
        self._connection = Connection(at.hostname or "", port, TIMEOUT, tls=tls)

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """In one request, or in parts if it is larger than one."""
        parts = _parts(chunks)
        first = next(parts, b"")
        second = next(parts, None)
        if second is None:
            self._ask("PUT", name, body=first)
            return
        upload = _text(self._ask("POST", name, {"uploads": ""}), "UploadId")
        try:
            tags = [self._part(name, upload, 1, first), self._part(name, upload, 2, second)]
            for number, part in enumerate(parts, 3):
                tags.append(self._part(name, upload, number, part))
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                for number, tag in enumerate(tags, 1)
            )
            body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
            answer = self._ask("POST", name, {"uploadId": upload}, body=body)
            if b"<Error>" in answer.body:  # sent after the head, if completing takes long
                raise self._failure(answer, name)
        except BaseException:
            self._abort(name, upload)
            raise

    def get(self, name: str) -> Iterator[bytes]:
        """As it arrives."""
        response = self._request("GET", name)
        if response.status != 200:
            raise self._failure(Answer(response.status, response.headers, response.read()), name)
        return self._chunks(response, name)

    def _chunks(self, response: Response, name: str) -> Iterator[bytes]:
        try:
            yield from response.chunks()
        except OSError as error:
            raise StoreGone(f"the store {self._address} stopped sending {name}: {error}") from error

    def list(self, folder: str) -> Mapping[str, int]:
        """All pages."""
        found: dict[str, int] = {}
        query = {"list-type": "2", "prefix": self._prefix + folder}
        while True:
            tree = _xml(self._ask("GET", None, query))
            for item in tree.iter("Contents"):
                key = item.findtext("Key") or ""
                found[key.removeprefix(self._prefix)] = int(item.findtext("Size") or 0)
            token = tree.findtext("NextContinuationToken")
            if tree.findtext("IsTruncated") != "true" or not token:
                return found
            query["continuation-token"] = token

    def remove(self, name: str) -> None:
        """Idempotent, as S3 has it."""
        try:
            self._ask("DELETE", name)
        except NotStored:
            pass

    def clean_up(self, folder: str, age: float = 0.0) -> None:
        """Abort uploads that were never completed. A store that can't list them removes them by itself."""
        try:
            tree = _xml(self._ask("GET", None, {"uploads": "", "prefix": self._prefix + folder}))
        except (StoreGone, StoreFull):
            raise
        except BackupFailed:
            return
        for item in tree.iter("Upload"):
            key, upload = item.findtext("Key") or "", item.findtext("UploadId") or ""
            begun = item.findtext("Initiated")
            if age and (begun is None or time.time() - datetime.fromisoformat(begun).timestamp() < age):
                continue
            if key.startswith(self._prefix + folder):
                self._abort(key.removeprefix(self._prefix), upload)

    def _part(self, name: str, upload: str, number: int, body: bytes) -> str:
        answer = self._ask("PUT", name, {"partNumber": str(number), "uploadId": upload}, body=body)
        return answer.headers.get("ETag", "")

    def _abort(self, name: str, upload: str) -> None:
        try:
            self._ask("DELETE", name, {"uploadId": upload})
        except BackupFailed:
            pass  # the next clean-up does it

    def _ask(
        self, method: str, name: str | None, query: Mapping[str, str] | None = None, *, body: bytes | None = None
    ) -> Answer:
        response = self._request(method, name, query, body)
        try:
            answer = Answer(response.status, response.headers, response.read())
        except OSError as error:
            raise StoreGone(f"the store {self._address} ended its answer early: {error}") from error
        if answer.status >= 300:
            raise self._failure(answer, name or "")
        return answer

    def _request(
        self, method: str, name: str | None, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """Repeated if the connection broke or the store is overloaded: each request has the same effect twice."""
        path = path_of(self._bucket, self._prefix + name if name is not None else "")
        text = query_of(query or {})
        digest = hashlib.sha256(body).hexdigest() if body is not None else EMPTY
        pause = PAUSE
        for attempt in range(RETRIES + 1):
            last = attempt == RETRIES
            headers = signed(
                self._credentials, self._region, method, path, text, {"Host": self._host}, digest, time.time()
            )
            try:
                response = self._connection.request(method, f"{path}?{text}" if text else path, body, headers)
                if response.status not in (500, 502, 503, 504) or last:
                    return response
                response.read()
            except OSError as error:
                if last:
                    raise StoreGone(f"the store {self._address} can't be reached at {self._host}: {error}") from error
            time.sleep(pause)
            pause *= 2
        raise AssertionError

    def _failure(self, answer: Answer, name: str) -> BackupFailed:
        """The error that an answer means. Its message quotes codes of the store, and never credentials."""
        try:
            tree = _xml(answer)
            code, message = tree.findtext("Code") or "", tree.findtext("Message") or ""
        except BackupFailed:
            code, message = "", ""
        said = shortened(f"{answer.status} {code} {message}".strip(), 200)
        if code == "NoSuchBucket":
            return StoreGone(
                f"the store has no bucket {self._bucket} ({said})", hint="create it, or correct `backups.to`"
            )
        if answer.status == 404:
            return NotStored(f"{self._address} has no {name}")
        if code in FULL or answer.status == 507 or "no space left" in message.lower():
            hint = "free space there, or set smaller numbers in `backups.keep`; the earlier backups are unchanged"
            return StoreFull(f"the store of the backups is full: {said}", hint=hint)
        if code in DENIED or answer.status in (401, 403):
            return StoreGone(
                f"the store {self._address} rejects the request: {said}",
                hint="check the secrets of `backups.access_key` and `backups.secret_key`, the region and this machine's clock",
            )
        return BackupFailed(f"the store {self._address} failed: {said}")


def _parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The stream in parts for an upload; only the last one is smaller."""
    held, size, number = list[bytes](), 0, 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PART * (1 + number // GROWS):
            yield b"".join(held)
            held, size, number = [], 0, number + 1
    if held:
        yield b"".join(held)


def _xml(answer: Answer) -> ElementTree.Element:
    """Without namespaces, which stores use differently."""
    try:
        tree = ElementTree.fromstring(answer.body)
    except ElementTree.ParseError as error:
        raise BackupFailed(f"the store answered {answer.status} without a readable body") from error
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return tree


def _text(answer: Answer, name: str) -> str:
    found = _xml(answer).findtext(name)
    if not found:
        raise BackupFailed(f"the store answered {answer.status} without a {name}")
    return found
