"""What the parts of a system test share: the release, a visitor of its public address, and a limit of time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from shipway.actions.deployments.checks import visitor
from shipway.context import Context
from shipway.domain import names
from shipway.domain.desired import Settings
from shipway.domain.errors import EdgeError, Interrupted, ShipwayError
from shipway.domain.launch import Launch
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.rules import InForce
from shipway.domain.system_test import FAILED, Result
from shipway.domain.value import dataclass
from shipway.system.visitor import Visitor

LOOK = 0.2  # seconds between looks at `cancelled`


@dataclass(frozen=True)
class UnderTest:
    """A system test in progress. asked: the `launch` of each rule set in force, and of the plan itself."""

    ctx: Context  # of the environment's lock, on its first host
    release: Release
    environment: Environment
    settings: Settings
    in_force: InForce | None
    asked: Sequence[Launch]
    inside: Visitor | None = None  # as a visitor, but past the holding page and regardless of DNS

    @property
    def visitor(self) -> Visitor:
        """The one that reaches the release."""
        assert self.inside is not None
        return self.inside

    def url(self, path: str = "/", *, host: str = "", scheme: str = "") -> str:
        """An address of the environment."""
        return address(self.environment, path, host=host, scheme=scheme)


def address(environment: Environment, path: str = "/", *, host: str = "", scheme: str = "") -> str:
    """The public address with this path; with another scheme at that scheme's usual port."""
    scheme, host = scheme or environment.scheme, host or environment.domain
    port = environment.port if scheme == environment.scheme else {"http": 80, "https": 443}[scheme]
    usual = port == (443 if scheme == "https" else 80)
    return f"{scheme}://{host}{'' if usual else f':{port}'}{path}"


def authorities(ctx: Context, environment: Environment) -> str:
    """Certificates (PEM) of the CAs that the environment's address needs beside the usual ones."""
    internal = bool((environment.certificate or {}).get("internal"))
    own = ctx.edge.authority() if internal else None
    trusted = environment.tls.trust if environment.tls else None
    return "\n".join(text for text in (own, trusted) if text)


@contextmanager
def visiting(test: UnderTest) -> Iterator[UnderTest]:
    """In the block, `inside` reaches the release past the holding page. EdgeError if the gate has no address."""
    ctx, release, environment = test.ctx, test.release, test.environment
    with visitor(ctx, release, environment) as container:
        found = ctx.runtime.find(container)
        gate = found.addresses.get(names.visit_network(release.app, environment.name), "") if found else ""
        if not gate:
            raise EdgeError("the gateway for the system test has no address", hint="shipway doctor")

        def dial(where: tuple[str, int], timeout: float) -> socket.socket:
            return ctx.machine.dial((gate, where[1]), timeout)

        yield replace(test, inside=Visitor(dial, authorities(ctx, environment)))


def bounded(ctx: Context, name: str, work: Callable[[], Sequence[Result]], seconds: float) -> list[Result]:
    """The results of one part, with its duration. One that fails otherwise, or doesn't end in time, is a failed result."""
    begun, found = time.monotonic(), list[Sequence[Result]]()

    def run() -> None:
        try:
            found.append(work())
        except ShipwayError as error:
            found.append([Result(name, FAILED, error.message, error.hint)])
        except OSError as error:
            found.append([Result(name, FAILED, str(error) or type(error).__name__)])
        except Exception as error:  # a fault of this part must not end the others
            found.append([Result(name, FAILED, f"{type(error).__name__}: {error}")])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive() and time.monotonic() - begun < seconds:
        thread.join(LOOK)
        if ctx.cancelled.is_set():
            raise Interrupted("interrupted")
    took = time.monotonic() - begun
    if not found:
        return [Result(name, FAILED, f"it did not end within {seconds:g} s", seconds=took)]
    own = list(found[0])
    return [replace(item, seconds=took / len(own)) for item in own]
