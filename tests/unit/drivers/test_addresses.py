"""Addresses that a container keeps for good are never those that the engine chooses from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from shipway.drivers.runtime.addresses import choose, split

NETWORK = {"Name": "net", "IPAM": {"Config": [split("10.213.5.0/25")]}, "Containers": {}}


def attached(**addresses: str) -> list[dict[str, Any]]:
    return [
        {"NetworkSettings": {"Networks": {"net": {"IPAMConfig": {"IPv4Address": each}, "IPAddress": ""}}}}
        for each in addresses.values()
    ]


def test_the_engine_has_a_quarter() -> None:
    assert split("10.213.5.0/25") == {"Subnet": "10.213.5.0/25", "IPRange": "10.213.5.96/27", "Gateway": "10.213.5.1"}
    assert split("172.19.0.0/16") == {"Subnet": "172.19.0.0/16", "IPRange": "172.19.192.0/18", "Gateway": "172.19.0.1"}


@pytest.mark.parametrize("subnet", ["fd00:1::/64", "10.0.0.0/29"])
def test_other_subnets_are_not_split(subnet: str) -> None:
    assert split(subnet) == {"Subnet": subnet}
    assert choose({"Name": "net", "IPAM": {"Config": [{"Subnet": subnet}]}}, "a", []) is None


def test_all_others_are_given_once_also_while_a_container_is_stopped() -> None:
    given: dict[str, str] = {}
    while (address := choose(NETWORK, f"c{len(given)}", attached(**given))) is not None:
        given[f"c{len(given)}"] = address
    assert len(set(given.values())) == len(given) == 94
    found = [IPv4Address(each) for each in given.values()]
    assert not any(each in IPv4Network("10.213.5.96/27") for each in found)
    assert IPv4Address("10.213.5.1") not in found
    assert IPv4Address("10.213.5.0") not in found


def test_what_runs_keeps_its_own() -> None:
    first = choose(NETWORK, "a", [])
    running = {**NETWORK, "Containers": {"1": {"IPv4Address": f"{first}/25"}}}
    assert choose(running, "a", []) not in (first, None)
