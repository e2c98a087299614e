"""The conformance suite of purges of CDNs."""

from __future__ import annotations

import dataclasses

from shipway.domain.purge import Purge
from shipway.domain.release import FAILED, SUCCEEDED
from shipway.ports import PurgeLedger

PURGE = Purge(0, "shop", "staging", 7, 2, 1, 2, "ada@example.org", "deploy of release 2", 60.5, due=60.5)


class PurgeSuite:
    """Purges come back whole, and are over once."""

    def test_purges_come_back(self, ledger: PurgeLedger) -> None:
        first = ledger.begin_purge(PURGE)
        second = ledger.begin_purge(dataclasses.replace(PURGE, deployment=None, previous=None), '{"everything": true}')
        ledger.begin_purge(dataclasses.replace(PURGE, environment="production"))
        one = dataclasses.replace(PURGE, id=first)
        two = dataclasses.replace(PURGE, id=second, deployment=None, previous=None)
        assert ledger.pending_purges("shop", "staging") == [one, two]
        assert ledger.purges("shop", "staging") == [two, one]
        assert ledger.purges("shop", "staging", 1) == [two]
        assert (ledger.purge_targets(first), ledger.purge_targets(second)) == ("", '{"everything": true}')

    def test_what_it_purges_is_decided_later(self, ledger: PurgeLedger) -> None:
        number = ledger.begin_purge(PURGE)
        ledger.decide_purge(number, '{"paths": []}', "nothing")
        assert ledger.purge_targets(number) == '{"paths": []}'
        assert ledger.purges("shop", "staging")[0].what == "nothing"

    def test_progress_is_kept_and_an_outcome_is_the_last(self, ledger: PurgeLedger) -> None:
        number = ledger.begin_purge(PURGE)
        going = dataclasses.replace(
            PURGE, id=number, what="2 paths", done=3, rounds=1, attempts=2, due=90.5, detail="broken", verified="not yet"
        )  # fmt: skip
        assert ledger.save_purge(going)
        assert ledger.pending_purges("shop", "staging") == [going]
        ended = dataclasses.replace(going, outcome=SUCCEEDED, finished=91.5)
        assert ledger.save_purge(ended)
        assert not ledger.save_purge(dataclasses.replace(ended, outcome=FAILED))
        assert ledger.pending_purges("shop", "staging") == []
        assert ledger.purges("shop", "staging") == [ended]
