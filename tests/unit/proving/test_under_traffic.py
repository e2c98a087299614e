"""Whose waits count, and whose session it is."""

from __future__ import annotations

from shipway.domain.server_log import REPLAYED, Blocker, LockWait
from shipway.proving.clients import network_of
from shipway.proving.under_traffic import waits_between

OURS = {"database": "172.20.0.2", "traffic": "172.20.16.2"}
TOOL, APP = "172.20.0.7", "172.20.16.9"


def wait(client: str, statement: str, *blockers: tuple[str, str], seconds: float = 1.0) -> LockWait:
    found = tuple(Blocker(*item) for item in blockers)
    return LockWait(client, statement, "public.pets", "AccessShareLock", found, 0.5, seconds)


def test_the_network_of_a_client_is_the_one_with_the_longest_common_prefix() -> None:
    assert network_of(TOOL, OURS) == "database"
    assert network_of(APP, OURS) == "traffic"
    assert network_of("172.20.1.1", {"a": "172.20.0.255", "b": "172.20.1.254"}) == "b"
    assert network_of("", OURS) == network_of("127.0.0.1", OURS) == network_of("172.20.0.2", OURS) == ""
    assert network_of("fd00::7", {"a": "172.20.0.2", "b": "fd00::1"}) == "b"


def test_waits_between_the_sides_count_and_those_among_the_traffic_do_not() -> None:
    found = waits_between(
        [
            wait(TOOL, "ALTER  TABLE\npets", (APP, "SELECT 1"), seconds=4.0),
            wait(APP, "UPDATE pets", (APP, "UPDATE pets")),
            wait(APP, "SELECT 2", (APP, "UPDATE pets"), ("", "ALTER TABLE pets")),
            wait(APP, "SELECT 2", (TOOL, "ALTER TABLE pets"), seconds=3.0),
        ],
        "traffic", OURS,
    )  # fmt: skip
    (repeated,) = waits_between([wait(REPLAYED, "SELECT 3", (TOOL, "ALTER TABLE pets"))], "traffic", OURS)
    assert (repeated.waiting, repeated.statement) == ("traffic", "SELECT 3")
    assert [(item.waiting, item.statement, item.blocked_by, item.seconds, item.count) for item in found] == [
        ("migration", "ALTER TABLE pets", "SELECT 1", 4.0, 1),
        ("traffic", "SELECT 2", "ALTER TABLE pets", 3.0, 2),
    ]


def test_secrets_are_masked_and_long_statements_cut() -> None:
    (found,) = waits_between(
        [wait(TOOL, "secret " + "x" * 400, (APP, "secret"))],
        "traffic",
        OURS,
        lambda text: text.replace("secret", "***"),
    )
    assert found.statement.startswith("*** xxx")
    assert found.statement.endswith("x …")
    assert found.blocked_by == "***"
