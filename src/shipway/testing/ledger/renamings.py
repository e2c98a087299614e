"""The conformance suite of names that apps and environments were given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shipway.domain.renaming import Renaming
from shipway.ports import Ledger
from shipway.system.parallel import side_by_side
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE, RENAMING


class RenamingSuite:
    """Renamings come back whole, oldest first; a name belongs to one app or environment, for ever."""

    def test_renamings_come_back(self, ledger: Ledger) -> None:
        again = replace(RENAMING, name="public", at=2.5)
        app = Renaming("shop", "", "store", "bob", "", 3.5)
        assert ledger.renamings() == []
        assert [ledger.rename(item) for item in (RENAMING, again, app)] == [True, True, True]
        assert ledger.renamings() == [RENAMING, again, app]
        assert ledger.rename(replace(RENAMING, name=RENAMING.environment)), "back to its first name"

    def test_a_name_is_given_once(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        ledger.begin_deployment(DEPLOYMENT)
        assert ledger.rename(RENAMING)
        assert not ledger.rename(replace(RENAMING, environment="other"))
        assert not ledger.rename(replace(RENAMING, name=DEPLOYMENT.environment)), "it was deployed to"
        assert ledger.rename(replace(RENAMING, app="blog")), "another app's environment"
        assert not ledger.rename(Renaming("blog", "", RELEASE.app, "ada", "", 1.0)), "it has releases"
        assert ledger.rename(Renaming("blog", "", "journal", "ada", "", 1.0))
        assert not ledger.rename(Renaming(RELEASE.app, "", "journal", "ada", "", 1.0))

    def test_two_that_want_one_name_at_once(self, again: Callable[[], Ledger]) -> None:
        wanted = [replace(RENAMING, environment=name) for name in ("one", "two", "three", "four")]
        done = side_by_side(lambda item: again().rename(item), wanted)
        assert sorted(done) == [False, False, False, True]
