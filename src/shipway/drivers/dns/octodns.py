"""Zones through octoDNS, whose providers speak to about forty services: https://github.com/octodns/octodns.

The core compares; octoDNS reads a zone and makes exactly the changes that it is given, with its providers' care for what
each service takes. A provider is a package of its own, installed by those who need it.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shipway.domain.dns import RecordChange, RecordSet, record_set
from shipway.domain.errors import DnsError, UsageError
from shipway.system.installation import missing_part
from shipway.system.redact import shortened

# name in a plan: (module, class, package, arguments that it needs)
PROVIDERS: Mapping[str, tuple[str, str, str, tuple[str, ...]]] = {
    "powerdns": ("octodns_powerdns", "PowerDnsProvider", "octodns-powerdns", ("host", "api_key")),
    "rfc2136": ("octodns_bind", "Rfc2136Provider", "octodns-bind", ("host", "key_name", "key_secret")),
    "cloudflare": ("octodns_cloudflare", "CloudflareProvider", "octodns-cloudflare", ("token",)),
    "route53": ("octodns_route53", "Route53Provider", "octodns-route53", ()),
}
# Arguments that keep a call bounded, or that Shipway's diff needs, for providers that have them.
BOUNDS: Mapping[str, object] = {
    "timeout": 15, "retry_count": 3, "retry_period": 5, "client_max_attempts": 3, "pagerules": False, "min_ttl": 60,
}  # fmt: skip
OTHER = re.compile(r"(octodns_[a-z0-9_]+)\.([A-Za-z][A-Za-z0-9]*)")
SHOWN = 400  # characters of an error
UNLIMITED = 2.0  # as a share of changed records: the core's plan was shown and approved


class OctoDns:
    """Implements ports.DnsProvider."""

    def __init__(self, provider: str, options: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        logging.getLogger().addHandler(logging.NullHandler())  # else its warnings go to stderr
        self._name = provider
        self._arguments = {key: _typed(value) for key, value in options.items()} | dict(secrets)
        self._new()  # errors in its arguments come now

    def records(self, zone: str) -> Sequence[RecordSet]:
        """Read the zone."""
        return [found for item in self._read(zone, self._new()).records if (found := _plain(item)) is not None]

    def apply(self, zone: str, changes: Sequence[RecordChange]) -> None:
        """In one request where the provider can."""
        if not changes:
            return
        provider = self._new()
        existing = self._read(zone, provider)  # a provider would create a zone that it doesn't find
        with self._errors(zone):
            from octodns.provider.plan import Plan
            from octodns.record import Create, Delete, Update

            there = {(_full(item), item._type): item for item in existing.records}
            desired, made = existing.copy(), []
            for change in changes:
                old = there.get(change.record.key)
                if (old is None) != (change.before is None):
                    raise DnsError(
                        f"{change.record.name} {change.record.kind} was changed by someone else meanwhile",
                        hint="look at the plan again: shipway dns ENVIRONMENT",
                    )
                new = _record(desired, change.after) if change.after else None
                made.append(Delete(old) if new is None else Create(new) if old is None else Update(old, new))
                if old is not None:
                    desired.remove_record(old)
                if new is not None:
                    desired.add_record(new, lenient=True)
            plan = Plan(existing, desired, made, True, UNLIMITED, UNLIMITED)
            provider.apply(plan)

    def _new(self) -> Any:
        """A provider; each remembers what it has read."""
        return _made(self._name, self._arguments)

    def _read(self, name: str, provider: Any) -> Any:
        from octodns.zone import Zone

        zone = Zone(f"{name}.", [])
        with self._errors(name):
            exists = provider.populate(zone, target=True, lenient=True)
        if not exists and not zone.records:
            raise DnsError(
                f"{self._name} has no zone {name}, or its key may not see it",
                hint="create the zone there and delegate it, or correct `dns.zone` in the plan",
            )
        return zone

    @contextmanager
    def _errors(self, zone: str) -> Iterator[None]:
        """Any error of a provider, as one of ours."""
        try:
            yield
        except DnsError:
            raise
        except Exception as error:  # each provider has errors of its own
            raise DnsError(f"{self._name}, zone {zone}: {_message(error)}", hint=_hint(error)) from error


def _made(name: str, arguments: Mapping[str, object]) -> Any:
    module, cls, package, needed = _provider(name)
    try:
        found = getattr(importlib.import_module(module), cls)
    except ImportError as error:
        raise UsageError(f"the DNS provider {name} is not installed", hint=missing_part("dns", package)) from error
    except AttributeError:
        raise UsageError(f"{module} has no provider {cls}", hint=f"see the documentation of {package}") from None
    if missing := [item for item in needed if item not in arguments]:
        raise UsageError(
            f"the DNS provider {name} needs {', '.join(missing)}",
            hint="set it in `dns.options` of the plan, or `dns.secrets` if it is a secret",
        )
    known = {name for item in inspect.getmro(found) if "__init__" in vars(item) for name in _parameters(item)}
    bounds = {key: value for key, value in BOUNDS.items() if key in known and key not in arguments}
    try:
        return found("shipway", **{**arguments, **bounds})
    except TypeError as error:
        raise UsageError(
            f"the DNS provider {name} doesn't take these arguments: {_message(error)}",
            hint=f"see the documentation of {package}",
        ) from error
    except Exception as error:
        raise DnsError(f"{name}: {_message(error)}", hint=_hint(error)) from error


def _parameters(cls: type) -> list[str]:
    return list(inspect.signature(vars(cls)["__init__"]).parameters)


def _provider(name: str) -> tuple[str, str, str, tuple[str, ...]]:
    if name in PROVIDERS:
        return PROVIDERS[name]
    found = OTHER.fullmatch(name)
    if found is None:
        raise UsageError(
            f"there is no DNS provider {name}",
            hint=f"one of {', '.join(PROVIDERS)}, or a class of octoDNS such as octodns_ovh.OvhProvider",
        )
    return found[1], found[2], found[1].replace("_", "-"), ()


def _typed(value: str) -> object:
    """Numbers and truth values of an option, as the provider's Python expects them."""
    if value in ("true", "false"):
        return value == "true"
    return int(value) if re.fullmatch(r"\d{1,9}", value) else value


def _full(record: Any) -> str:
    return str(record.fqdn).rstrip(".").lower()


def _plain(record: Any) -> RecordSet | None:
    """None for a record whose values the core can't compare."""
    values = getattr(record, "values", None)
    if values is None:
        values = [record.value]
    texts = [str(item) for item in values]
    if record._type in ("TXT", "SPF"):
        texts = [text.replace("\\;", ";") for text in texts]
    try:
        return record_set(_full(record), record._type, record.ttl, texts)
    except ValueError:
        return None


def _record(zone: Any, item: RecordSet) -> Any:
    from octodns.record import Record

    relative = zone.hostname_from_fqdn(f"{item.name}.")
    if item.kind == "CNAME":
        data: dict[str, Any] = {"type": item.kind, "ttl": item.ttl, "value": f"{item.values[0]}."}
    else:
        values = [text.replace(";", "\\;") for text in item.values] if item.kind == "TXT" else list(item.values)
        data = {"type": item.kind, "ttl": item.ttl, "values": values}
    return Record.new(zone, relative, data, lenient=True)


def _message(error: BaseException) -> str:
    """Its text in one line, with that of its cause if it has none."""
    text = " ".join(str(error).split()) or type(error).__name__
    return shortened(text, SHOWN)


def _hint(error: BaseException) -> str:
    text = str(error).lower()
    if any(word in text for word in ("unauthorized", "403", "401", "authentication", "badkey", "badsig", "tsig", "the signature we sent", "the key we used", "refused the key", "invalidclienttoken", "accessdenied")):  # fmt: skip
        return "the key is refused: set the right one with `shipway secret set`"
    if any(word in text for word in ("timed out", "timeout", "connection refused", "max retries", "unreachable")):
        return "the provider's server doesn't answer: check `dns.options` in the plan, and the network"
    if "notauth" in text or "refused" in text:
        return "the server doesn't have this zone, or its policy refuses the key"
    return ""
