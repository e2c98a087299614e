"""The conformance suite of secret stores. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shipway.domain.errors import SecretError
from shipway.ports import Secrets


class SecretsSuite:
    """Fixtures: `secrets` is a new one; `again` opens the same one again, as another process would."""

    def test_versions_stay_readable(self, secrets: Secrets, again: Callable[[], Secrets]) -> None:
        assert (secrets.set("shop/staging", "KEY", "one"), secrets.set("shop/staging", "KEY", "two")) == (1, 2)
        assert secrets.get("shop/staging", "KEY") == "two"
        assert secrets.get("shop/staging", "KEY", 1) == "one"
        assert secrets.get("shop/staging", "KEY", 3) is None
        assert secrets.get("shop/production", "KEY") is None
        assert again().names("shop/staging") == {"KEY": 2}
        assert again().get("shop/staging", "KEY") == "two"

    @pytest.mark.parametrize("blank", ["", " ", "\n\t"])
    def test_a_blank_value_is_refused_and_nothing_is_written(self, secrets: Secrets, blank: str) -> None:
        with pytest.raises(SecretError, match="KEY is blank") as caught:
            secrets.set("shop/staging", "KEY", blank)
        assert "shipway secret set staging KEY" in caught.value.hint
        assert secrets.names("shop/staging") == {}

    @pytest.mark.parametrize(
        "value", [" two words \n", "ünïcode 漢字", "a" * 200_000, "\udcff\udc80 no UTF-8", "swk1_"]
    )
    def test_any_text_comes_back_as_it_is(self, secrets: Secrets, again: Callable[[], Secrets], value: str) -> None:
        secrets.set("shop/staging", "KEY", value)
        assert again().get("shop/staging", "KEY") == value

    def test_fingerprints_tell_equal_values_and_nothing_else(self, secrets: Secrets) -> None:
        for value in ("one", "two", "one"):
            secrets.set("shop/staging", "KEY", value)
        secrets.set("shop/staging", "OTHER", "one")
        secrets.set("shop/production", "KEY", "one")
        first, second, third = secrets.fingerprints("shop/staging", "KEY")
        assert first == third != second
        others = {*secrets.fingerprints("shop/staging", "OTHER"), *secrets.fingerprints("shop/production", "KEY")}
        assert len({first, second, *others}) == 4
        assert secrets.fingerprints("shop/staging", "MISSING") == ()

    def test_the_newest_value_set_again_stays_its_version(self, secrets: Secrets) -> None:
        assert [secrets.set("shop/staging", "KEY", value) for value in ("one", "one", "two", "one")] == [1, 1, 2, 3]

    def test_a_removed_one_is_not_set_and_its_versions_stay_readable(
        self, secrets: Secrets, again: Callable[[], Secrets]
    ) -> None:
        assert not secrets.remove("shop/staging", "KEY")
        secrets.set("shop/staging", "KEY", "one")
        secrets.set("shop/staging", "OTHER", "other")
        assert secrets.remove("shop/staging", "KEY")
        assert not secrets.remove("shop/staging", "KEY")
        assert again().names("shop/staging") == {"OTHER": 1}
        assert again().names("shop/staging", removed=True) == {"KEY": 2, "OTHER": 1}
        assert again().get("shop/staging", "KEY") is None
        assert again().get("shop/staging", "KEY", 2) is None
        assert again().get("shop/staging", "KEY", 1) == "one"
        assert again().set("shop/staging", "KEY", "one") == 3
        assert again().get("shop/staging", "KEY") == "one"
        assert again().names("shop/staging") == {"KEY": 3, "OTHER": 1}

    def test_since_when_and_from_where_a_version_is_known(self, secrets: Secrets, again: Callable[[], Secrets]) -> None:
        assert secrets.origins("shop/staging") == {}
        secrets.set("shop/staging", "KEY", "one")
        for version in ("7", "7", "8"):
            secrets.set("shop/staging", "KEY", "two", source="vault https://vault", source_version=version)
        secrets.set("shop/staging", "KEY", "three", source="vault https://vault", source_version="9")
        secrets.set("shop/production", "OTHER", "one")
        found = again().origins("shop/staging")
        assert found.keys() == {"KEY"}
        assert [(item.version, item.source, item.source_version) for item in found["KEY"]] == [
            (1, "", ""),
            (2, "vault https://vault", "7"),
            (2, "vault https://vault", "8"),
            (3, "vault https://vault", "9"),
        ]
        assert [item.at for item in found["KEY"]] == sorted(item.at for item in found["KEY"])
        assert found["KEY"][0].at > 0

    def test_writers_side_by_side_lose_nothing(self, secrets: Secrets, again: Callable[[], Secrets]) -> None:
        keepers = [secrets, *(again() for _ in range(3))]
        with ThreadPoolExecutor(8) as pool:
            numbers = list(pool.map(lambda index: keepers[index % 4].set("shop/p", "KEY", f"value-{index}"), range(24)))
        assert sorted(numbers) == list(range(1, 25))
        assert {secrets.get("shop/p", "KEY", number) for number in numbers} == {f"value-{index}" for index in range(24)}
