"""DNS records of an environment: which ones it needs, and what to change in a zone. Pure.

A record that Shipway makes has a mark beside it: a TXT record that names its owner. For `www.example.com` that is
`_shipway.www.example.com`, for `*.example.com` it is `_shipway-wildcard.example.com`. A record without the own mark is
never changed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from shipway.domain.errors import UsageError
from shipway.domain.provisioned import TTL, Dns
from shipway.domain.release import digest_of
from shipway.domain.value import dataclass

MARK, WILDCARD_MARK = "_shipway.", "_shipway-wildcard."
ADDRESSING = ("A", "AAAA", "CNAME")  # kinds of records that Shipway makes, beside its marks
SHORT_DIGEST = 12  # hexadecimal digits that a person repeats
_MARK_TEXT = re.compile(r"heritage=shipway,owner=([^,\s]+),records=([A-Z+]+)")


@dataclass(frozen=True)
class RecordSet:
    """All records of one name and kind."""

    name: str  # in full, in lower case, without a dot at the end
    kind: str  # A, AAAA, CNAME, TXT …
    ttl: int  # seconds
    values: tuple[str, ...]  # sorted; host names without a dot at the end, texts without quotation marks

    @property
    def key(self) -> tuple[str, str]:
        """Its place in a zone."""
        return self.name, self.kind

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.name} {self.ttl}s {self.kind} {', '.join(self.values)}"


def record_set(name: str, kind: str, ttl: float, values: Iterable[str]) -> RecordSet:
    """In the usual form: one spelling of names and addresses, values sorted."""
    return RecordSet(_plain(name), kind, int(ttl), tuple(sorted({_value(kind, item) for item in values})))


def _value(kind: str, text: str) -> str:
    if kind in ("A", "AAAA"):
        return str(ipaddress.ip_address(text))
    return _plain(text) if kind in ("CNAME", "NS", "ALIAS") else text


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


@dataclass(frozen=True)
class RecordChange:
    """One record set that is created (no `before`), changed or deleted (no `after`)."""

    before: RecordSet | None
    after: RecordSet | None
    cause: str

    @property
    def record(self) -> RecordSet:
        """That it is about."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def text(self) -> str:
        """One line, as in: + www.example.com 300s A 203.0.113.7 (url)."""
        if self.before and self.after:
            return f"~ {self.before.text} → {self.after.ttl}s {', '.join(self.after.values)} ({self.cause})"
        return f"{'+' if self.after else '-'} {self.record.text} ({self.cause})"


@dataclass(frozen=True)
class DnsPlan:
    """What to change in a zone."""

    zone: str
    changes: tuple[RecordChange, ...] = ()
    foreign: tuple[str, ...] = ()  # records of others that are in the way: messages
    outside: tuple[str, ...] = ()  # public names that are not in the zone
    desired: tuple[RecordSet, ...] = ()  # that visitors need, without marks

    @property
    def digest(self) -> str:
        """Equal for equal changes: what a person saw is what is applied."""
        return digest_of({"zone": self.zone, "changes": [item.text for item in self.changes]})

    @property
    def short_digest(self) -> str:
        """As a person repeats it."""
        return self.digest.removeprefix("sha256:")[:SHORT_DIGEST]

    @property
    def text(self) -> str:
        """All changes, one line each; stable."""
        return "\n".join(item.text for item in self.changes)

    def is_approved_by(self, digest: str) -> bool:
        """Whether somebody who repeats this digest, or its beginning, saw these changes."""
        given = digest.removeprefix("sha256:")
        return len(given) >= SHORT_DIGEST and self.digest.removeprefix("sha256:").startswith(given)

    @property
    def slowest(self) -> int:
        """Seconds that resolvers may keep what is changed or deleted."""
        return max((item.before.ttl for item in self.changes if item.before), default=0)


def is_within(name: str, zone: str) -> bool:
    """Whether a name belongs to a zone."""
    return _plain(name) == _plain(zone) or _plain(name).endswith(f".{_plain(zone)}")


def mark_name(name: str) -> str:
    """Where the mark of a name's records is."""
    return WILDCARD_MARK + name[2:] if name.startswith("*.") else MARK + name


def desired_records(
    settings: Dns, names: Mapping[str, str], addresses: Sequence[str]
) -> tuple[list[RecordSet], list[str]]:
    """The records of public names (name: what it is for), and the names outside of the zone. addresses: of the hosts,
    where the plan gives no others. UsageError where the names lead nowhere."""
    inside = [name for name in names if is_within(name, settings.zone)]
    outside = [name for name in names if name not in inside]
    if settings.target:
        if _plain(settings.zone) in map(_plain, inside):
            raise UsageError(
                f"{settings.zone} can't lead to the name {settings.target}: the zone's own name has no CNAME",
                hint="set `dns.addresses`, in place of `dns.target`, in the plan",
            )
        return [record_set(name, "CNAME", settings.ttl, [settings.target]) for name in inside], outside
    found = [ipaddress.ip_address(item) for item in settings.addresses or addresses]
    if not found:
        raise UsageError(
            "the public addresses of the hosts are not known",
            hint="set `dns.addresses` in the plan, or `infra.outputs.addresses` if the infrastructure has them as an output",
        )
    kinds = {kind: [item for item in found if item.version == number] for kind, number in (("A", 4), ("AAAA", 6))}
    return [
        record_set(name, kind, settings.ttl, [str(value) for value in values])
        for name in inside
        for kind, values in kinds.items()
        if values
    ], outside


def host_address(host: str) -> str:
    """The IP address in the name of a host such as ssh://deploy@203.0.113.7; empty without one."""
    return ip_address(re.sub(r":\d+$", "", host.rpartition("//")[2].rpartition("@")[2]))


def ip_address(text: str) -> str:
    """In its usual spelling; empty if it is none."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return ""


def changes(
    zone: str,
    owner: str,
    existing: Iterable[RecordSet],
    desired: Sequence[RecordSet],
    causes: Mapping[str, str],
    adopt: Collection[str] = (),
) -> DnsPlan:
    """What to change, so that the zone has the desired records and none of this owner's others.

    owner: without commas and blanks. adopt: names whose present records become this owner's."""
    there = {item.key: item for item in existing}
    owned, marked = _owned(there.values(), owner), _owned(there.values(), "")
    taken = {key for key in there if key[0] in adopt and key[1] in ADDRESSING}
    wanted = {item.key: item for item in desired}
    made: list[RecordChange] = []
    foreign: list[str] = []
    kept: list[RecordSet] = []  # that this owner has afterwards
    for item in wanted.values():
        in_the_way = [
            other
            for other in there.values()
            if _excludes(other, item) and other.key not in owned and other.key not in taken
        ] + [
            other
            for other in there.values()
            if other.key == (mark_name(item.name), "TXT") and _mark(other, owner) is None and item.name not in adopt
        ]
        if in_the_way:
            by = [f"{other.text}: made by {_maker(other, marked)}, left alone" for other in in_the_way]
            foreign += by
            continue
        kept.append(item)
        now, cause = there.get(item.key), causes.get(item.name, "")
        if now != item:
            made.append(RecordChange(now, item, f"{cause}, adopted" if now and item.key in taken else cause))
    names, places = {item.name for item in kept}, {item.key for item in kept}
    for key in sorted((owned.keys() | taken) - places):
        if key in there and (key in owned or key[0] in names):
            made.append(RecordChange(there[key], None, "no longer needed"))
    marks = _marks(owner, kept)
    before = {item.name: item for item in there.values() if _mark(item, owner) is not None or item.name in marks}
    before = {name: item for name, item in before.items() if item.kind == "TXT"}
    for name in sorted(before.keys() | marks.keys()):
        if before.get(name) != marks.get(name):
            made.append(RecordChange(before.get(name), marks.get(name), "mark of the owner"))
    return DnsPlan(zone, tuple(sorted(made, key=_order)), tuple(dict.fromkeys(foreign)), (), tuple(kept))


def stages(plan: DnsPlan) -> list[tuple[RecordChange, ...]]:
    """The changes in groups, one after the other: whatever exists at any time is marked, so that a plan after a death in
    between goes on. First marks that cover what was and what will be, then records, then marks of what is."""
    first: list[RecordChange] = []
    last: list[RecordChange] = []
    for item in plan.changes:
        if item.record.name.startswith("_shipway"):
            wide = _wider(item)
            first += [wide] if wide else []
            end = RecordChange(wide.after, item.after, item.cause) if wide else item
            last += [end] if end.before != end.after else []
    records = tuple(item for item in plan.changes if not item.record.name.startswith("_shipway"))
    return [group for group in (tuple(first), records, tuple(last)) if group]


def _wider(change: RecordChange) -> RecordChange | None:
    """A mark that covers the kinds of both sides; None if the present one does."""
    if change.after is None:
        return None
    (owner, new), (_, old) = (_parts(item) for item in (change.after, change.before))
    both = record_set(change.after.name, "TXT", TTL, [_mark_text(owner, {*new, *old})])
    return None if both == change.before else RecordChange(change.before, both, change.cause)


def _parts(mark: RecordSet | None) -> tuple[str, tuple[str, ...]]:
    """Owner and kinds of a mark; of any other text, nothing."""
    found = next((text for value in mark.values if (text := _MARK_TEXT.fullmatch(value))), None) if mark else None
    return (found[1], tuple(found[2].split("+"))) if found else ("", ())


def _mark_text(owner: str, kinds: Iterable[str]) -> str:
    return f"heritage=shipway,owner={owner},records={'+'.join(sorted(kinds))}"


def _excludes(other: RecordSet, desired: RecordSet) -> bool:
    """Whether a record that is there can't stay beside the desired one, or leads visitors elsewhere."""
    leading = {*ADDRESSING, "ALIAS", "DNAME"}
    return other.name == desired.name and (other.kind in leading or desired.kind == "CNAME")


def _maker(item: RecordSet, marked: Mapping[tuple[str, str], RecordSet]) -> str:
    """Who made a record, as its mark says."""
    mark = item if item.name.startswith("_shipway") else marked.get(item.key)
    found = next((_MARK_TEXT.fullmatch(value) for value in mark.values), None) if mark else None
    return found[1].partition("/")[2] or found[1] if found else "someone else"


def _order(change: RecordChange) -> tuple[bool, bool, str, str]:
    """Deletions first, since a name's CNAME excludes its other records; then by name."""
    record = change.record
    return change.after is not None, record.kind == "TXT", record.name, record.kind


def _mark(item: RecordSet, owner: str) -> tuple[str, ...] | None:
    """The kinds of records that a mark of this owner covers; None: it is no mark of this owner."""
    for value in item.values if item.kind == "TXT" and item.name.startswith("_shipway") else ():
        found = _MARK_TEXT.fullmatch(value)
        if found and owner in ("", found[1]):
            return tuple(found[2].split("+"))
    return None


def _owned(existing: Iterable[RecordSet], owner: str) -> dict[tuple[str, str], RecordSet]:
    """By the place of each record that marks of this owner cover: the mark."""
    found = {}
    for item in existing:
        for kind in _mark(item, owner) or ():
            name = item.name
            marked = f"*.{name[len(WILDCARD_MARK) :]}" if name.startswith(WILDCARD_MARK) else name[len(MARK) :]
            found[marked, kind] = item
    return found


def _marks(owner: str, kept: Collection[RecordSet]) -> dict[str, RecordSet]:
    """Marks by name."""
    found: dict[str, RecordSet] = {}
    for name in sorted({item.name for item in kept}):
        text = _mark_text(owner, [item.kind for item in kept if item.name == name])
        found[mark_name(name)] = record_set(mark_name(name), "TXT", TTL, [text])
    return found


@dataclass(frozen=True)
class Sighting:
    """What a server answered about a record set."""

    server: str
    role: str  # authoritative or resolver
    name: str
    kind: str
    values: tuple[str, ...] | None  # None: it didn't answer
    ttl: int = 0  # seconds that it may keep the answer
    problem: str = ""

    def shows(self, desired: RecordSet) -> bool:
        """Whether visitors who ask this server get there."""
        return self.values == desired.values


def unseen(desired: Sequence[RecordSet], seen: Sequence[Sighting]) -> list[tuple[Sighting, RecordSet]]:
    """Answers that differ from the desired records."""
    wanted = {item.key: item for item in desired}
    return [(item, wanted[item.name, item.kind]) for item in seen if not item.shows(wanted[item.name, item.kind])]


def probe_name(name: str) -> str:
    """A name to ask for, in place of a wildcard."""
    return f"shipway-probe.{name[2:]}" if name.startswith("*.") else name


def with_ttl(settings: Dns, ttl: float | None) -> Dns:
    """With another time to live: lower ahead of a planned move."""
    return settings if ttl is None else replace(settings, ttl=ttl)
