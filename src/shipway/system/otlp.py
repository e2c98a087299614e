"""Send traces to an endpoint of OpenTelemetry, by the standard variables: OTLP over HTTP, as JSON.

A process of its own sends, so that nothing waits for the endpoint, or fails with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from shipway.domain.trace import Span, Trace
from shipway.domain.value import dataclass

ENDPOINT, OF_TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_"
TRIES, PAUSE = 4, 1.0  # seconds before the second try, doubled each time
AGAIN = (429, 502, 503, 504)  # statuses after which OTLP lets a client try again
MOST = 1 << 16  # bytes of an answer
LONGEST = 120  # seconds of the process that sends
INTERNAL = 1  # kinds and statuses of OTLP
OK, ERROR = 1, 2
WAIT = 5.0  # seconds in a hosted job, whose processes end with it


@dataclass(frozen=True)
class Endpoint:
    """Where traces go. problem: why they can't."""

    url: str
    headers: Mapping[str, str]
    timeout: float  # seconds
    resource: Mapping[str, str]
    certificate: str = ""
    problem: str = ""


def endpoint(environ: Mapping[str, str] = os.environ) -> Endpoint | None:
    """By the standard variables; None if none is set, or they turn it off."""

    def given(name: str) -> str:
        return environ.get(f"{OF_TRACES}{name}", "").strip() or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()

    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    own, common = environ.get(f"{OF_TRACES}ENDPOINT", "").strip(), environ.get(ENDPOINT, "").strip()
    if off or not (own or common):
        return None
    url = own or f"{common.rstrip('/')}/v1/traces"
    name = environ.get("OTEL_SERVICE_NAME", "").strip()
    resource = {"service.name": "shipway", **_pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))}
    return Endpoint(
        url, _pairs(given("HEADERS")), _timeout(given("TIMEOUT")), {**resource, **({"service.name": name} if name else {})},
        given("CERTIFICATE"), _problem(url, given("PROTOCOL")),
    )  # fmt: skip


def body(trace: Trace, resource: Mapping[str, str], version: str) -> bytes:
    """A request of OTLP with one trace."""
    spans = [_span(trace.id, span) for span in trace.spans]
    scope = {"scope": {"name": "shipway", "version": version}, "spans": spans}
    return json.dumps({
        "resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]
    }).encode()  # fmt: skip


def send_later(data: bytes, log: Path, *, wait: bool) -> None:
    """Start a process that sends it. log: where it writes why it could not. wait: a few seconds, where it ends with this
    one."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "shipway.system.otlp", str(log)], cwd="/", stdin=file, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    if wait:
        try:
            process.wait(WAIT)
        except subprocess.TimeoutExpired:
            process.kill()


def send(to: Endpoint, data: bytes) -> str:
    """Send it, again if the endpoint asks for that or is away. Returns why that failed, or nothing."""
    from shipway.system.fetch import Fetcher

    fetcher = Fetcher(to.timeout, direct=False, authorities=[Path(to.certificate)] if to.certificate else [])
    headers = {"Connection": "close", "Content-Type": "application/json", **to.headers}
    problem = ""
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE * 2 ** (number - 1))
        try:
            with fetcher.server(to.url) as server:
                answer = server.ask("POST", to.url, headers, data, most=MOST)
        except (OSError, ValueError) as error:
            problem = str(error) or type(error).__name__
            continue
        if answer.status < 300:
            return ""
        problem = f"it answered {answer.status}"
        if answer.status not in AGAIN:
            return problem
    return problem


def _span(trace: str, span: Span) -> dict[str, Any]:
    code = {"succeeded": OK, "skipped": OK, "failed": ERROR}.get(span.outcome)
    found: dict[str, Any] = {
        "traceId": trace, "spanId": span.id, "name": span.name, "kind": INTERNAL,
        "startTimeUnixNano": str(int(span.started * 1e9)), "endTimeUnixNano": str(int(span.finished * 1e9)),
        "attributes": _attributes(span.attributes), "status": {"code": code} if code else {},
    }  # fmt: skip
    found |= {"parentSpanId": span.parent} if span.parent else {}
    return found | (
        {"links": [{"traceId": other, "spanId": id} for other, id in span.links]} if span.links else {}
    )  # fmt: skip


def _attributes(given: Mapping[str, str | int]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in given.items()
    ]


def _pairs(text: str) -> dict[str, str]:
    """`a=1,b=2` with %-escapes; what is none is left out."""
    parts = [item.partition("=") for item in text.split(",")]
    found = {unquote(name.strip()): unquote(value.strip()) for name, sign, value in parts if sign and name.strip()}
    return {name: value for name, value in found.items() if not any(letter in name + value for letter in "\r\n\0")}


def _timeout(text: str) -> float:
    """From milliseconds; 10 seconds if it is none."""
    return min(int(text) / 1000, 60.0) if text.isascii() and text.isdecimal() and 0 < int(text) < 10**9 else 10.0


def _problem(url: str, protocol: str) -> str:
    if protocol == "grpc":
        return "the protocol grpc is not supported: set OTEL_EXPORTER_OTLP_PROTOCOL=http/json, and the endpoint's port for HTTP"
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    return "" if right else f"{ENDPOINT} is no address of HTTP"


def main() -> None:
    """Send what comes from stdin."""
    signal.alarm(LONGEST)  # whatever the endpoint does
    data, log = sys.stdin.buffer.read(), Path(sys.argv[1])
    to = endpoint()
    problem = send(to, data) if to else ""
    if problem:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        log.write_text(f"{at} a trace was not sent: {problem}\n", encoding="utf-8")
    else:
        log.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
