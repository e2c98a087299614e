"""Certificates that Shipway obtains by DNS-01: names, times of renewal, and the records that prove control of a name. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from shipway.domain.dns import RecordChange, RecordSet, is_within, record_set
from shipway.domain.errors import DnsError
from shipway.domain.provision import SUCCEEDED, Provision
from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.plan import Environment

BUNDLE = "tls:certificate"  # secret of an environment: the certificate with its chain, and its private key
ACCOUNT = "tls:account"  # secret of an environment: the private key of its account at the CA
CHALLENGE_TTL = 60  # seconds
EARLY = 30 * 86400.0  # seconds before it expires; of a shorter life, a third
SKEW = 3600.0  # seconds that a clock may differ from the CA's
AHEAD = 60.0  # seconds that a recorded time may be ahead of the clock
FIRST_PAUSE, LONGEST_PAUSE = 600.0, 86400.0  # seconds after a failure: doubled by each further one
RETRY = "retry"  # output of a failed attempt: when the CA allows the next one, in seconds since the epoch
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Held:
    """What is known of a certificate."""

    names: tuple[str, ...]
    begins: float  # seconds since the epoch
    expires: float

    @property
    def renewed_from(self) -> float:
        """When it is due for renewal."""
        return self.expires - min(EARLY, (self.expires - self.begins) / 3)

    def lacks(self, names: Iterable[str]) -> list[str]:
        """The names that it isn't valid for."""
        return [name for name in names if name not in self.names and f"*.{name.partition('.')[2]}" not in self.names]


def pair(bundle: str) -> dict[str, str]:
    """Certificate and key of a bundle, as the edge takes them."""
    key = _KEY.search(bundle)
    return {"certificate": _KEY.sub("", bundle), "key": key[0] if key else ""}


def for_edge(environment: Environment, secrets: Mapping[str, str]) -> dict[str, str]:
    """Certificate and key that the edge gets, from secrets by name; empty if it obtains them itself."""
    if environment.by_dns:
        return pair(secrets.get(BUNDLE, ""))
    own = environment.tls.secrets if environment.tls and environment.scheme == "https" else {}
    return {key: secrets[name] for key, name in own.items()}


def reason(held: Held | None, names: Sequence[str], now: float) -> str:
    """Why a certificate must be obtained; empty if the present one does."""
    if held is None:
        return "there is none yet"
    if missing := held.lacks(names):
        return f"it is not valid for {', '.join(missing)}"
    if now >= held.expires:
        return "it has expired"
    return "it expires soon" if now >= held.renewed_from else ""


def covering(names: Iterable[str]) -> list[str]:
    """The names to order: without those that a wildcard among them covers, since a CA may reject both."""
    found = list(dict.fromkeys(names))
    return [name for name in found if name.startswith("*") or f"*.{name.partition('.')[2]}" not in found]


def outside(names: Iterable[str], zone: str) -> list[str]:
    """The names that are not in a zone."""
    return [name for name in names if not is_within(name.removeprefix("*."), zone)]


def placed(existing: Iterable[RecordSet], wanted: Mapping[str, Sequence[str]]) -> list[RecordChange]:
    """Add these texts by name; texts of others stay. DnsError if a name leads elsewhere."""
    there = {item.key: item for item in existing}
    made = []
    for name, texts in wanted.items():
        if other := there.get((name, "CNAME")):
            raise DnsError(
                f"{name} leads to {other.values[0]}, and Shipway has no access to that zone",
                hint="remove the CNAME, so that the challenge's record can be placed in the zone itself",
            )
        now = there.get((name, "TXT"))
        after = record_set(name, "TXT", now.ttl if now else CHALLENGE_TTL, [*(now.values if now else ()), *texts])
        if after != now:
            made.append(RecordChange(now, after, "challenge of the CA"))
    return made


def removed(existing: Iterable[RecordSet], gone: Mapping[str, Collection[str]]) -> list[RecordChange]:
    """Remove these texts by name; texts of others stay."""
    there = {item.key: item for item in existing}
    made = []
    for name, texts in gone.items():
        now = there.get((name, "TXT"))
        left = [text for text in now.values if text not in texts] if now else []
        if now is not None and len(left) < len(now.values):
            after = record_set(name, "TXT", now.ttl, left) if left else None
            made.append(RecordChange(now, after, "challenge of the CA, no longer needed"))
    return made


def failures(attempts: Sequence[Provision]) -> list[Provision]:
    """Those since the last success, newest first, also of processes that died. attempts: newest first."""
    return list(takewhile(lambda item: item.outcome != SUCCEEDED, attempts))


def problem(attempts: Sequence[Provision]) -> str:
    """Why the newest attempt failed; empty if it did not. attempts: newest first."""
    return attempts[0].message if failures(attempts[:1]) else ""


def next_attempt(attempts: Sequence[Provision], now: float) -> float:
    """When the next one may begin (seconds since the epoch); 0: now. attempts: newest first. One that is later than now was
    recorded by a clock that was set back since: its time says nothing."""
    failed = failures(attempts)
    if not failed or (failed[0].finished or failed[0].started) > now + AHEAD:
        return 0.0
    last = failed[0]
    pause = min(FIRST_PAUSE * 2.0 ** min(len(failed) - 1, 20), LONGEST_PAUSE)
    asked = max((float(text) for text in last.outputs.get(RETRY, ())), default=0.0)
    return max((last.finished or last.started) + pause, asked)
