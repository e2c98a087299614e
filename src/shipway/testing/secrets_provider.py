"""The conformance suite of providers of secrets. A test module subclasses `SecretsProviderSuite` and provides the fixture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from shipway.domain.errors import SecretError, SecretUnavailable
from shipway.domain.secret_source import ProvidedSecret
from shipway.domain.secret_value import as_bytes, as_text
from shipway.ports import SecretProvider

VALUE = "correct horse battery staple"
BINARY = as_text(bytes(range(1, 256)))


class MemoryProvider:
    """Values in memory; fails on request."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[str, int]] = {}  # with their version
        self.error: SecretError | None = None
        self.asked: list[tuple[str, ...]] = []  # keys of each call

    def write(self, values: Mapping[str, str]) -> None:
        """Set these values."""
        for key, value in values.items():
            self.values[key] = (value, self.values.get(key, ("", 0))[1] + 1)

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """Those that are set."""
        self.asked.append(tuple(keys))
        if self.error is not None:
            raise self.error
        return {
            key: ProvidedSecret(self.values[key][0], str(self.values[key][1])) for key in keys if key in self.values
        }


@dataclass
class Lab:
    """One provider under test. Functions that it has no way to do are None."""

    write: Callable[[Mapping[str, str]], object]  # replaces all values of the provider
    open: Callable[[], SecretProvider]  # as a new process does
    unreachable: Callable[[], object] | None = None
    refused: Callable[[], object] | None = None  # no permission
    expired: Callable[[], object] | None = None  # the token or the identity is not valid anymore
    versions: bool = True  # whether it has versions of its own
    binary: bool = False  # whether it can hold bytes that are no text
    hidden: tuple[str, ...] = field(default=())  # texts that no message may have, such as tokens


class SecretsProviderSuite:
    """Fixture: `lab`."""

    def test_values_come_as_they_are_and_only_those_asked_for(self, lab: Lab) -> None:
        lab.write({"KEY": VALUE, "OTHER": "other-value"})
        found = lab.open().fetch(["KEY"])
        assert {key: item.value for key, item in found.items()} == {"KEY": VALUE}

    def test_a_missing_name_is_missing(self, lab: Lab) -> None:
        lab.write({"KEY": VALUE})
        assert lab.open().fetch(["KEY", "NOSUCH"]).keys() == {"KEY"}
        assert lab.open().fetch(["NOSUCH"]) == {}

    @pytest.mark.parametrize(
        "value",
        [" two words ", "first\nsecond", "line\n\nend\n\n", "ünïcode 漢字", "a$b'c\"d\\e#f=g`h`", "x" * 64 * 1024],
        ids=["blanks", "lines", "line-ends", "unicode", "signs", "64-KB"],
    )
    def test_any_text_comes_back_as_it_is(self, lab: Lab, value: str) -> None:
        lab.write({"KEY": value, "OTHER": "other-value"})
        assert lab.open().fetch(["OTHER", "KEY"])["KEY"].value == value

    def test_bytes_come_whole_or_not_at_all(self, lab: Lab) -> None:
        if not lab.binary:
            pytest.skip("it holds text only")
        lab.write({"KEY": BINARY})
        assert as_bytes(lab.open().fetch(["KEY"])["KEY"].value) == bytes(range(1, 256))

    def test_a_new_value_has_another_version(self, lab: Lab) -> None:
        lab.write({"KEY": VALUE})
        before = lab.open().fetch(["KEY"])["KEY"]
        lab.write({"KEY": "another-value"})
        after = lab.open().fetch(["KEY"])["KEY"]
        assert after.value == "another-value"
        assert (before.version != after.version) == lab.versions
        assert bool(after.version) == lab.versions
        assert VALUE not in repr(before)

    @pytest.mark.parametrize("failure", ["unreachable", "refused", "expired"])
    def test_what_can_not_be_read_is_an_error_without_values(self, lab: Lab, failure: str) -> None:
        lab.write({"KEY": VALUE})
        fail = getattr(lab, failure)
        if fail is None:
            pytest.skip("it can't happen")
        fail()
        with pytest.raises(SecretError) as caught:
            lab.open().fetch(["KEY"])
        if failure == "unreachable":
            assert isinstance(caught.value, SecretUnavailable)
        text = f"{caught.value.message} {caught.value.hint}"
        assert not [item for item in (VALUE, *lab.hidden) if item in text]
        assert caught.value.hint
