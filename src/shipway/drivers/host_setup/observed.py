"""From the output of `observe.sh` to the state of a host."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shipway.domain.host_setup import HostChoices, HostState, UserState
from shipway.drivers.host_setup.firewall import read_rules

ENGINES = ("docker.io", "docker-ce", "moby-engine")
TIME_SERVICES = ("systemd-timesyncd", "chrony", "ntpsec", "openntpd")  # packages, and their services
# Packages by the part that needs them; of alternatives, the first is installed if there is none.
PACKAGES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "engine": (
        ENGINES,
        ("apparmor",),
        ("ca-certificates",),
    ),  # without apparmor's program, Debian's kernel starts no container
    "upgrades": (("unattended-upgrades",),),
    "time": (TIME_SERVICES,),
    "firewall": (("nftables",),),
}
SYNONYMS = {"without-password": "prohibit-password"}


def state(output: str, user: str) -> HostState:
    """The state that the script has printed. user: of deployments."""
    lines = [line.partition(" ")[::2] for line in output.splitlines()]
    found = dict(lines)
    options = _options(_decoded(found.get("ssh", "")))
    firewall = read_rules(
        _decoded(found.get("firewall", "")),
        "firewall_loaded" in found and "firewall_at_boot" in found,
        found.get("firewall_other", ""),
    )
    listening = [value for name, value in _pairs(_decoded(found.get("ssh", ""))) if name == "port"]
    return HostState(
        system=found.get("system", ""),
        missing=_missing(found.get("packages", "").split()),
        engine=found.get("engine", ""),
        engine_at_boot="engine_at_boot" in found,
        settings=_settings(_decoded(found.get("settings", ""))),
        user=UserState(
            exists="user" in found,
            uses_engine="user_engine" in found,
            keys=tuple(filter(None, _decoded(found.get("keys", "")).splitlines())),
            safe=_is_safe([value for name, value in lines if name == "user_path"], user),
        ),
        upgrades=_upgrades(found),
        time="time" in found,
        synchronized={"yes": True, "no": False}.get(found.get("synchronized", "")),
        swap=int(found.get("swap") or 0),
        firewall=firewall,
        ssh=options,
        ssh_ports=tuple(sorted({f"{port}/tcp" for port in [*listening, found.get("ssh_port", "")] if port.isdigit()})),
        ssh_drop_ins="ssh_drop_ins" in found,
        disk_free=int(found.get("disk_free") or 0),
        recorded=_recorded(_decoded(found.get("recorded", ""))),
    )


def _missing(installed: Collection[str]) -> dict[str, tuple[str, ...]]:
    found = {part: tuple(each[0] for each in groups if not {*each} & {*installed}) for part, groups in PACKAGES.items()}
    return {part: names for part, names in found.items() if names}


def _recorded(text: str) -> HostChoices | None:
    try:
        found = json.loads(text)
        return HostChoices(
            tuple(found["ports"]),
            tuple(found["trusted"]),
            tuple(found["private"]),
            int(found["swap"]),
            tuple(found["without"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _upgrades(found: Mapping[str, str]) -> bool:
    values = dict(item.partition("=")[::2] for item in found.get("upgrades", "").split())
    on = all(values.get(name, "0") not in ("0", "") for name in ("Update-Package-Lists", "Unattended-Upgrade"))
    return on and "upgrades_at_boot" in found


def _is_safe(paths: Iterable[str], user: str) -> bool:
    """paths: owner and mode of each."""
    for path in paths:
        owner, mode = path.split()
        if owner != user or int(mode, 8) & 0o022:
            return False
    return True


def _settings(text: str) -> Mapping[str, Any] | None:
    """None if it isn't a JSON object."""
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("log-opts", {}), dict) else None


def _options(text: str) -> dict[str, str]:
    return {name: SYNONYMS.get(value, value) for name, value in _pairs(text)}


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines()]


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")
