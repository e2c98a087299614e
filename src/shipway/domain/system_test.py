"""The system test of an environment: its results, and the judgements about what was seen. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from math import ceil

from shipway.domain.launch import Load
from shipway.domain.record import from_data
from shipway.domain.release import Evidence
from shipway.domain.value import dataclass

PASSED, FAILED, NOT_TESTED = "passed", "failed", "not tested"
KIND = "system test"  # of evidence
EXPIRES = 21 * 86400.0  # seconds: a certificate that expires sooner should have been renewed
OTHER = (
    "something other than the edge of the host answers at this address: another machine, another program, or a proxy"
)
OLD, NEW = ("TLSv1", "TLSv1.1"), ("TLSv1.2", "TLSv1.3")


@dataclass(frozen=True)
class Result:
    """One thing that was looked at."""

    name: str
    outcome: str  # passed, failed or not tested
    detail: str = ""  # what was seen, or why it was not tested
    hint: str = ""  # of a failed one: what to do
    seconds: float = 0.0


@dataclass(frozen=True)
class SystemTest:
    """All results of one system test of a release in an environment."""

    app: str
    environment: str
    url: str
    release: int
    version: str
    at: float  # seconds since the epoch
    seconds: float
    results: tuple[Result, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and something was tested."""
        return not self.failed and any(item.outcome == PASSED for item in self.results)

    @property
    def failed(self) -> tuple[Result, ...]:
        """What failed."""
        return tuple(item for item in self.results if item.outcome == FAILED)

    @property
    def headline(self) -> str:
        """The numbers in one line."""
        count = {
            outcome: sum(item.outcome == outcome for item in self.results) for outcome in (PASSED, FAILED, NOT_TESTED)
        }
        return f"{count[PASSED]} passed, {count[FAILED]} failed, {count[NOT_TESTED]} not tested"


@dataclass(frozen=True)
class Page:
    """A response. headers: names in lower case; body: its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Handshake:
    """What a TLS handshake showed. problem: why it failed; expires: seconds since the epoch."""

    problem: str = ""
    version: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    expires: float | None = None
    able: bool = True  # whether this machine's library could ask at all


def newest(evidence: Sequence[Evidence], environment: str) -> SystemTest | None:
    """The latest one of an environment. evidence: of one release, oldest first."""
    found = [item for item in evidence if (item.kind, item.environment) == (KIND, environment)]
    return from_data(SystemTest, json.loads(found[-1].detail)) if found else None


# judgements


def of_certificate(name: str, seen: Handshake, now: float, least: float = EXPIRES) -> Result:
    """Chain and name were verified by the handshake; the expiry is judged here. least: seconds that must remain."""
    called = f"certificate of {name}"
    if seen.problem:
        return Result(
            called,
            FAILED,
            seen.problem,
            "the edge's log says why it has no valid one; of one by DNS, `shipway status`",
        )
    days = ((seen.expires or now) - now) / 86400
    detail = f"{seen.issuer}, {seen.version}, valid for {days:.0f} more days"
    if seen.expires is not None and seen.expires - now < least:
        return Result(called, FAILED, detail, f"less than {least / 86400:.0f} days: renew it")
    return Result(called, PASSED, detail)


def of_address(called: str, what: str, seen: Page, usual: Page | None, *, held: bool) -> Result:
    """Whether an edge of the environment answers there. usual: what that edge answers on its own host, if that is known; held:
    whether visitors should see a page."""
    detail = f"{what} answers with {seen.status}"
    if held and (seen.status != 503 or (usual is not None and usual.body != seen.body)):
        return Result(called, FAILED, f"{detail}, but not with the page that visitors should see", OTHER)
    if seen.status in (502, 504):
        return Result(called, FAILED, detail, OTHER)
    if usual is not None and usual.status // 100 != seen.status // 100:
        return Result(called, FAILED, f"{detail}, and the edge of the host with {usual.status}", OTHER)
    return Result(called, PASSED, f"{detail}{' (closed: visitors see a page)' if held else ''}")


def of_protocols(seen: Mapping[str, Handshake]) -> list[Result]:
    """Old versions of TLS must be refused, a new one accepted. seen: by version."""
    results = []
    for version in OLD:
        found = seen[version]
        if not found.able:
            results.append(Result(f"{version} refused", NOT_TESTED, "this machine's TLS library can't ask for it"))
        elif found.problem:
            results.append(Result(f"{version} refused", PASSED, found.problem))
        else:
            results.append(Result(f"{version} refused", FAILED, "it was accepted", "switch it off where TLS ends"))
    new = [version for version in NEW if not seen[version].problem]
    why = "; ".join(f"{version}: {seen[version].problem}" for version in NEW if version not in new)
    results.append(
        Result("modern TLS", PASSED if new else FAILED, ", ".join(new) or why, "" if new else "offer TLS 1.2 and 1.3")
    )
    return results


def of_redirect(source: str, target: str, seen: Page) -> Result:
    """A permanent redirect that keeps path and query."""
    called = f"redirect of {source}"
    where = seen.headers.get("location", "")
    if seen.status in (301, 308) and where == target:
        return Result(called, PASSED, f"{seen.status} to {where}")
    return Result(
        called,
        FAILED,
        f"{seen.status} to {where or 'nowhere'}, expected 301 or 308 to {target}",
        "`shipway doctor` compares the routes",
    )


def of_headers(page: Page, required: Sequence[str]) -> list[Result]:
    """Each required header must be there; nosniff, HSTS and frame options with a value that has an effect."""
    results = []
    for name in required:
        value = page.headers.get(name.lower())
        problem = "it is missing" if value is None else _weak(name.lower(), value)
        fix = f"add it in the plan: services: NAME: route: {{path: …, headers: {{{name}: …}}}}"
        results.append(
            Result(f"header {name}", FAILED, problem, fix) if problem else Result(f"header {name}", PASSED, value or "")
        )
    return results


def _weak(name: str, value: str) -> str:
    if name == "strict-transport-security":
        age = re.search(r"max-age\s*=\s*\"?(\d+)", value, re.IGNORECASE)
        return "" if age and int(age[1]) >= 86400 else f"{value!r} is for less than a day"
    if name == "x-content-type-options":
        return "" if value.strip().lower() == "nosniff" else f"{value!r} is not nosniff"
    return ""


def of_index(page: Page, robots: Page | None, *, wanted: bool, closed: bool = False) -> Result:
    """Whether search engines list it as wanted. robots: /robots.txt; closed: visitors need a password."""
    called = "search engines"
    header = "noindex" in page.headers.get("x-robots-tag", "").lower()
    meta = re.search(rb"<meta[^>]+robots[^>]+noindex", page.body, re.IGNORECASE) is not None
    barred = robots is not None and robots.status == 200 and _bars_all(robots.body.decode("utf-8", "replace"))
    hidden = next(
        (
            text
            for text, found in (
                ("access needs a password", closed), ("X-Robots-Tag: noindex", header), ("a robots meta tag", meta),
                ("robots.txt disallows everything", barred),
            )
            if found
        ),
        "",
    )  # fmt: skip
    if wanted:
        if hidden:
            return Result(called, FAILED, f"`index: true`, but {hidden}", "remove that, or set `index: false`")
        return Result(called, PASSED, "nothing keeps them out")
    if hidden:
        return Result(called, PASSED, f"kept out: {hidden}")
    fix = "add it in the plan: services: NAME: route: {path: /, headers: {X-Robots-Tag: noindex}}"
    return Result(called, FAILED, "`index: false`, but nothing keeps them out", fix)


def _bars_all(text: str) -> bool:
    """Whether robots.txt disallows everything for every agent."""
    every = False
    for line in text.splitlines():
        key, _, value = line.partition("#")[0].partition(":")
        if key.strip().lower() == "user-agent":
            every = value.strip() == "*"
        if every and key.strip().lower() == "disallow" and value.strip() == "/":
            return True
    return False


def of_exposure(exposed: Sequence[str], asked: int) -> Result:
    """exposed: paths."""
    if not exposed:
        return Result("private paths", PASSED, f"none of {asked} is public")
    return Result(
        "private paths",
        FAILED,
        f"public: {', '.join(exposed)}",
        "remove these files from the image or its public folder",
    )


def percentile(values: Sequence[float], share: float) -> float:
    """By the nearest rank; 0.0 of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def of_load(load: Load, seconds: Sequence[float], errors: Sequence[str], *, behind: bool = False) -> Result:
    """seconds: of each request, from when it was due; errors: of those that failed. behind: this machine was too slow to send
    them in time."""
    called = f"load {load.rate:g}/s for {load.duration:g} s"
    total = len(seconds)
    if not total:
        return Result(called, FAILED, "no request was sent")
    share, p99 = len(errors) / total, percentile(seconds, 0.99)
    median = percentile(seconds, 0.5)
    detail = (
        f"{total} requests, median {1000 * median:.0f} ms, p99 {1000 * p99:.0f} ms, {len(errors)} errors ({share:.2%})"
    )
    if errors:
        detail += f": {max(set(errors), key=errors.count)}"
    if share > load.errors:
        return Result(
            called, FAILED, f"{detail}; at most {load.errors:.2%} may fail", "`shipway logs` shows what failed"
        )
    if behind:
        return Result(called, NOT_TESTED, f"this machine could not send that many: {detail}")
    if load.p99 is not None and p99 > load.p99:
        return Result(
            called,
            FAILED,
            f"{detail}; p99 may be at most {1000 * load.p99:.0f} ms",
            "add replicas or resources, or allow more in the plan",
        )
    return Result(called, PASSED, detail)


def lines(test: SystemTest) -> list[str]:
    """A report for a terminal, without colours: mark, name and detail of each result."""
    marks = {PASSED: "✓", FAILED: "✗", NOT_TESTED: "–"}
    wide = min(44, max((len(item.name) for item in test.results), default=0))
    found = []
    for item in test.results:
        said = f"{item.outcome}: {item.detail}" if item.outcome == NOT_TESTED else item.detail
        found.append(f"{marks[item.outcome]} {item.name:<{wide}}  {said}".rstrip())
        found += [f"    → {item.hint}"] if item.hint and item.outcome == FAILED else []
    return found
