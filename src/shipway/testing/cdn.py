"""The conformance suite of CDNs. A test module subclasses the suite and provides the fixture."""

from __future__ import annotations

from typing import Protocol

import pytest

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Batch
from shipway.domain.errors import CdnError
from shipway.ports import CdnProvider

LIMIT, BROKEN, SILENT, REFUSED, RESET = "429", "500", "silent", "refused", "reset"  # what a provider does for a while
AFTER = 7  # seconds of the Retry-After


class CdnLab(Protocol):
    """A provider, and the caches behind it."""

    provider: CdnProvider
    origin: str  # scheme and host name of an address that it serves
    token: str

    def keep(self, url: str, *tags: str) -> None:
        """Bring what it answers to a URL into the caches."""

    def kept(self, url: str) -> bool:
        """Whether it is still there."""

    def fail(self, how: str, times: int = 1) -> None:
        """Make the next requests to the provider fail."""


class CdnSuite:
    """Fixture: `lab`."""

    def test_a_path_is_purged_and_no_other(self, lab: CdnLab) -> None:
        wanted, other = f"{lab.origin}/news", f"{lab.origin}/news/today"
        lab.keep(wanted)
        lab.keep(other)
        lab.provider.purge(Batch(PATH, (wanted,)), "path-1")
        assert (lab.kept(wanted), lab.kept(other)) == (False, True)

    def test_a_prefix_is_purged(self, lab: CdnLab) -> None:
        self._require(lab, PREFIX)
        wanted, other = f"{lab.origin}/docs/a.b+c/one", f"{lab.origin}/docs/aXb+c/two"
        lab.keep(wanted)
        lab.keep(other)
        lab.provider.purge(Batch(PREFIX, (f"{lab.origin}/docs/a.b+c/",)), "prefix-1")
        assert (lab.kept(wanted), lab.kept(other)) == (False, True)

    def test_a_tag_is_purged_as_a_whole_word(self, lab: CdnLab) -> None:
        self._require(lab, TAG)
        wanted, other = f"{lab.origin}/tagged", f"{lab.origin}/tagged-else"
        lab.keep(wanted, "menu", "pages")
        lab.keep(other, "pages-of-others")
        lab.provider.purge(Batch(TAG, ("pages",)), "tag-1")
        assert (lab.kept(wanted), lab.kept(other)) == (False, True)

    def test_everything_is_purged(self, lab: CdnLab) -> None:
        urls = [f"{lab.origin}/{name}" for name in ("", "one", "two/three?four=5")]
        for url in urls:
            lab.keep(url)
        lab.provider.purge(Batch(ALL, (lab.origin,)), "all-1")
        assert [lab.kept(url) for url in urls] == [False] * 3

    def test_an_address_with_escapes_and_a_query(self, lab: CdnLab) -> None:
        wanted = f"{lab.origin}/a%20b/%C3%A9(1)?q=x&r=%2F"
        lab.keep(wanted)
        lab.provider.purge(Batch(PATH, (wanted,)), "escapes-1")
        assert not lab.kept(wanted)

    def test_it_is_repeated_without_an_error(self, lab: CdnLab) -> None:
        for _ in range(2):
            lab.provider.purge(Batch(PATH, (f"{lab.origin}/never-kept",)), "again-1")

    def test_the_largest_batch_is_accepted(self, lab: CdnLab) -> None:
        size = lab.provider.capabilities.batch[PATH]
        urls = tuple(f"{lab.origin}/many/{number}" for number in range(size))
        for url in (urls[0], urls[-1]):
            lab.keep(url)
        lab.provider.purge(Batch(PATH, urls), "many-1")
        assert not lab.kept(urls[0])
        assert not lab.kept(urls[-1])

    def test_too_many_requests(self, lab: CdnLab) -> None:
        error = self._failing(lab, LIMIT)
        assert error.retry_after >= AFTER
        assert not error.refused

    @pytest.mark.parametrize("how", [BROKEN, SILENT, RESET])
    def test_a_failure_that_passes(self, lab: CdnLab, how: str) -> None:
        error = self._failing(lab, how)
        assert not error.refused

    def test_a_refused_token(self, lab: CdnLab) -> None:
        error = self._failing(lab, REFUSED)
        assert error.refused
        assert lab.token not in f"{error} {error.hint} {error.__cause__}"

    def test_what_it_answers(self, lab: CdnLab) -> None:
        lab.keep(f"{lab.origin}/asked")
        answers = lab.provider.ask(f"{lab.origin}/asked")
        assert [item.status for item in answers] == [200] * len(answers) != []

    def _failing(self, lab: CdnLab, how: str) -> CdnError:
        """The error; afterwards the same request succeeds."""
        url = f"{lab.origin}/failing"
        lab.keep(url)
        lab.fail(how, 2)  # a driver may repeat a request whose connection was closed
        with pytest.raises(CdnError) as caught:
            lab.provider.purge(Batch(PATH, (url,)), f"failing-{how}")
        assert lab.kept(url)
        lab.fail(how, 0)
        lab.provider.purge(Batch(PATH, (url,)), f"failing-{how}")
        assert not lab.kept(url)
        return caught.value

    @staticmethod
    def _require(lab: CdnLab, kind: str) -> None:
        if not lab.provider.capabilities.can(kind):
            pytest.skip(f"it can't purge by {kind}")
