"""Messages about waits under traffic, and about what grows with the number of rows."""

from __future__ import annotations

from shipway.domain.count import counted
from shipway.domain.proof import Growth, Proof, Traffic, Wait
from shipway.domain.size import readable
from shipway.proving.report.messages import mode_of
from shipway.system.durations import human

ESTIMATE = "Estimates: at the rate of the scratch server, which has no other load and no durability. Expect more in the environment."
SIDES = {"traffic": "the old release", "migration": "the up migrations"}
WORKS = {"rewrite": "a rewrite", "scan": "a scan", "index": "building an index"}


def other(side: str) -> str:
    """Name of the side that it waited for."""
    return SIDES["traffic" if side == "migration" else "migration"]


def short(seconds: float) -> str:
    """As `human`, in milliseconds below a second: waits are short on a copy."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else human(seconds)


def wait_text(wait: Wait) -> str:
    """One wait as a sentence."""
    who = SIDES.get(wait.waiting, wait.waiting)
    several = f" in {counted(wait.count, 'statement')}, at most" if wait.count > 1 else ""
    lock = f" for {mode_of(wait.mode).name}" if wait.mode else " for a lock"
    where = f" on {wait.relation}" if wait.relation else ""
    return (
        f"{who} waited{several} {short(wait.seconds)}{lock}{where}: {wait.statement}; blocked by {other(wait.waiting)}: "
        f"{wait.blocked_by}"
    )


def growth_text(item: Growth) -> str:
    """One estimate as a sentence."""
    return (
        f"about {human(item.seconds)} under {item.lock} for {WORKS.get(item.work, item.work)} of {item.relation} "
        f"(about {counted(item.rows, 'row')}, {readable(item.bytes)}): {item.statement}; safe form: {item.advice}"
    )


def summary(traffic: Traffic) -> str:
    """The whole in one sentence."""
    if traffic.reason:
        return traffic.reason
    beside = f", and {counted(traffic.statements, 'statement')} of the environment," if traffic.statements else ""
    runs = f"{counted(traffic.runs, 'run')} of scenarios{beside} while the up migrations ran"
    if not traffic.waits:
        return f"{runs}: nothing waited"
    return f"{runs}: {counted(sum(wait.count for wait in traffic.waits), 'statement')} waited, at most {short(traffic.waits[0].seconds)}"


def warnings(proof: Proof) -> tuple[str, ...]:
    """All warnings about locks under traffic."""
    traffic = proof.traffic
    found = (*map(wait_text, traffic.waits), *traffic.failures) if traffic else ()
    return (*found, *map(growth_text, proof.growth))
