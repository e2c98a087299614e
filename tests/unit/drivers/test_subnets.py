"""Subnets of our own: small, private, and no one else's."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from shipway.domain.errors import EngineError
from shipway.drivers.runtime.subnets import PREFIX, configured, free, of_networks, routes

POOL = IPv4Network("10.213.0.0/16")


def test_hundreds_of_networks_fit() -> None:
    taken: list[IPv4Network] = []
    for number in range(512):
        taken.append(next(free(f"shipway_app{number}_staging", POOL, taken)))
    assert len(set(taken)) == 512
    assert all(item.subnet_of(POOL) and item.prefixlen == PREFIX for item in taken)
    assert next(free("one-more", POOL, taken), None) is None


def test_what_others_have_is_left_alone() -> None:
    others = [IPv4Network("10.0.0.0/8")]
    assert next(free("a", POOL, others), None) is None
    half = IPv4Network("10.213.0.0/17")
    assert not any(found.overlaps(half) for found in free("a", POOL, [half]))


def test_routes_of_this_machine(tmp_path: Path) -> None:
    lines = ["Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU", "eth0\t00000000\t0101A8C0\t3\t0\t0\t0\t00000000\t0",
             "tun0\t0000D50A\t00000000\t1\t0\t0\t0\t00C0FFFF\t0"]  # fmt: skip
    (tmp_path / "route").write_text("\n".join(lines))
    assert routes(tmp_path / "route") == [IPv4Network("10.213.0.0/18")]
    assert routes(tmp_path / "none") == []


def test_subnets_of_an_engine() -> None:
    listed = [
        {"IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}, {"Subnet": "fd00::/64"}]}},
        {"IPAM": {"Config": None}},
        {},
    ]
    assert of_networks(listed) == [IPv4Network("172.17.0.0/16")]


def test_the_range_is_configured() -> None:
    assert configured({}) == POOL
    assert configured({"SHIPWAY_SUBNETS": "192.168.64.0/20"}) == IPv4Network("192.168.64.0/20")
    assert configured({"SHIPWAY_SUBNETS": "none"}) is None
    for text in ("x", "8.8.0.0/16", "10.0.0.0/30", "10.0.0.1/8"):
        with pytest.raises(EngineError, match="SHIPWAY_SUBNETS"):
            configured({"SHIPWAY_SUBNETS": text})
