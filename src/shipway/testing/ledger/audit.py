"""The conformance suite of the audit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shipway.domain.audit import BEGINNING, ENDED, NEW, Acting, AuditFilter, Fact, digest, verified
from shipway.domain.errors import StoreError
from shipway.domain.permissions import Grant
from shipway.domain.release import SUCCEEDED, Approval
from shipway.ports import Ledger
from shipway.system.acting import acting_in_request
from shipway.testing.ledger.queue import pushed
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE

ADA = Acting("ada@example.org", "session 4, password and code", "192.0.2.1")
WRITERS, ENTRIES = 4, 25


class AuditSuite:
    """A chain that begins with its first entry, that no writers fork, and in which each change of it is found."""

    def test_a_new_chain_says_that_it_begins(self, ledger: Ledger) -> None:
        [first] = ledger.audit_chain()
        assert (first.number, first.kind, first.what, first.previous) == (1, BEGINNING, NEW, "")
        assert first.digest == digest(first)

    def test_an_entry_says_who_did_what_and_from_where(self, ledger: Ledger) -> None:
        with acting_in_request(dataclasses.replace(ADA, entry=1)):
            number = ledger.add_entry(Fact("command", "restart staging", "shop", "staging", "x 1", "began"))
        found = ledger.audit_entry(number)
        assert found is not None
        assert (found.actor, found.proof, found.origin, found.part_of) == (ADA.actor, ADA.proof, ADA.origin, 1)
        assert (found.kind, found.app, found.environment, found.what) == (
            "command",
            "shop",
            "staging",
            "restart staging",
        )
        assert found.at == pytest.approx(ledger.now(), abs=60)
        assert verified(ledger.audit_chain()).problems == ()

    def test_what_is_recorded_and_its_entry_are_one_transaction(
        self, ledger: Ledger, execute: Callable[[str], object]
    ) -> None:
        ledger.add_release(RELEASE)
        before = verified(ledger.audit_chain())
        with pytest.raises(StoreError):
            ledger.add_approval(
                Approval("shop", "staging", 99, "sha256:1", "eve@example.org", "", 1.0)
            )  # no such release
        assert verified(ledger.audit_chain()) == before
        ledger.add_approval(Approval("shop", "staging", 1, "sha256:1", "eve@example.org", "it is fine", 1.0))
        [entry] = ledger.audit(AuditFilter(kind="approval"))
        assert (entry.actor, entry.subject) == ("eve@example.org", "release 1")
        assert "it is fine" in entry.what

    def test_an_end_is_part_of_what_it_ends(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        id = ledger.begin_deployment(DEPLOYMENT)
        [begun] = ledger.audit(AuditFilter(kind="deployment"))
        assert ledger.audit_ends([begun.number]) == {}
        ledger.end_deployment(id, SUCCEEDED, 12.0, None, "")
        end = ledger.audit_ends([begun.number, 999])[begun.number]
        assert (end.kind, end.outcome, end.app, end.environment) == (ENDED, SUCCEEDED, begun.app, begun.environment)
        assert ledger.audit_ends([]) == {}

    def test_what_changed_nothing_has_no_entry(self, ledger: Ledger) -> None:
        assert not ledger.add_grant(Grant("unknown@example.org", "admin"))
        assert ledger.add_person("ada@example.org", 1.0)
        assert not ledger.add_person("ada@example.org", 2.0)
        first, again = ledger.enqueue(pushed("a")), ledger.enqueue(pushed("a"))
        assert first.id == again.id
        kinds = [entry.kind for entry in ledger.audit(AuditFilter())]
        assert kinds == ["push", "person", BEGINNING]

    def test_entries_are_found(self, ledger: Ledger) -> None:
        for at, who in enumerate(("ada", "bob", "ada")):
            with acting_in_request(Acting(who)):
                ledger.add_entry(Fact("command", f"{at}", "shop", "staging" if at else "production"))
        with acting_in_request(Acting("ada")):
            ledger.add_entry(Fact(ENDED, "", "other", part_of=2))

        def found(only: AuditFilter, limit: int = 50) -> list[int]:
            return [entry.number for entry in ledger.audit(only, limit)]

        assert found(AuditFilter()) == [5, 4, 3, 2, 1]
        assert found(AuditFilter(ends=False)) == [4, 3, 2, 1]
        assert found(AuditFilter(actor="ada", app="shop")) == [4, 2]
        assert found(AuditFilter(environment="staging", kind="command")) == [4, 3]
        assert found(AuditFilter(before=4), 2) == [3, 2]
        now = ledger.now()
        assert found(AuditFilter(since=now + 3600)) == []
        assert found(AuditFilter(until=now + 3600, since=now - 3600)) == [5, 4, 3, 2, 1]

    def test_writers_at_once_neither_fork_it_nor_lose_an_entry(
        self, ledger: Ledger, again: Callable[[], Ledger]
    ) -> None:
        ledgers = [again() for _ in range(WRITERS)]

        def write(at: int) -> None:
            for number in range(ENTRIES):
                ledgers[at].add_entry(Fact("command", f"{at} {number}"))
                if number % 5 == 0:
                    ledgers[at].add_person(f"p{at}.{number}@example.org", 1.0)

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(write, range(WRITERS)))
        chain = list(ledger.audit_chain())
        assert [entry.number for entry in chain] == list(range(1, 2 + WRITERS * (ENTRIES + ENTRIES // 5)))
        written = [entry.what for entry in chain if entry.kind == "command"]
        assert sorted(written) == sorted(f"{at} {number}" for at in range(WRITERS) for number in range(ENTRIES))
        assert verified(chain, chain[-1].digest).problems == ()

    def test_two_entries_never_follow_the_same_one(self, ledger: Ledger, execute: Callable[[str], object]) -> None:
        ledger.add_entry(Fact("command", "one"))
        fork = "INSERT INTO audit SELECT 3, at, actor, proof, origin, kind, app, environment, subject, what, outcome, part_of, previous, digest FROM audit WHERE number = 2"
        with pytest.raises(StoreError):
            execute(fork)

    @pytest.mark.parametrize(
        ("statements", "told"),
        [
            (("UPDATE audit SET what = 'nothing' WHERE number = 3",), ["entry 3 was changed"]),
            (("UPDATE audit SET actor = 'eve' WHERE number = 5",), ["entry 5 was changed"]),
            (("UPDATE audit SET at = at - 1 WHERE number = 2",), ["entry 2 was changed"]),
            (("DELETE FROM audit WHERE number = 3",), ["entry 3 was removed"]),
            (("DELETE FROM audit WHERE number IN (2, 3)",), ["entries 2 to 3 were removed"]),
            (("DELETE FROM audit WHERE number = 1",), ["entry 1 was removed"]),
            (("DELETE FROM audit",), ["all entries were removed"]),
            (
                ("DELETE FROM audit WHERE number = 4", "UPDATE audit SET number = 4 WHERE number = 5"),
                ["entry 4 was removed"],
            ),
            (
                (
                    "UPDATE audit SET number = 6 WHERE number = 5",
                    "INSERT INTO audit SELECT 5, at, actor, proof, origin, kind, app, environment, subject, 'more', outcome, part_of, 'x', 'y' FROM audit WHERE number = 3",
                ),
                ["entry 5 was changed", "an entry was inserted before entry 6"],
            ),
        ],
    )
    def test_what_was_changed_is_named(
        self, ledger: Ledger, execute: Callable[[str], object], tampering: Callable[[], None], statements: tuple[str, ...],
        told: list[str],
    ) -> None:  # fmt: skip
        for word in ("one", "two", "three", "four"):
            ledger.add_entry(Fact("command", word))
        tampering()
        for statement in statements:
            execute(statement)
        found = verified(ledger.audit_chain()).problems
        assert len(found) == len(told)
        for problem, start in zip(found, told, strict=True):
            assert problem.startswith(start), found

    def test_a_removed_end_is_found_by_a_head_that_was_noted(
        self, ledger: Ledger, execute: Callable[[str], object], tampering: Callable[[], None]
    ) -> None:
        ledger.add_entry(Fact("command", "one"))
        noted = verified(ledger.audit_chain()).head
        ledger.add_entry(Fact("command", "two"))
        assert verified(ledger.audit_chain(), noted).problems == ()
        tampering()
        execute("DELETE FROM audit WHERE number >= 2")
        assert verified(ledger.audit_chain()).problems == ()
        [problem] = verified(ledger.audit_chain(), noted).problems
        assert noted in problem

    def test_a_chain_that_was_rewritten_is_found_by_a_head_that_was_noted(
        self, ledger: Ledger, execute: Callable[[str], object], tampering: Callable[[], None]
    ) -> None:
        for word in ("one", "two"):
            ledger.add_entry(Fact("command", word))
        noted = verified(ledger.audit_chain()).head
        tampering()
        execute("DELETE FROM audit WHERE number >= 2")
        for word in ("nothing", "two"):
            ledger.add_entry(Fact("command", word))
        assert verified(ledger.audit_chain()).problems == ()
        assert verified(ledger.audit_chain(), noted).problems
