"""The conformance suite of encrypted values of secrets."""

from __future__ import annotations

from collections.abc import Callable

from shipway.ports import SecretLedger


class SealedSecretSuite:
    """Versions of secrets."""

    def test_versions_of_secrets_are_appended_once(
        self, ledger: SecretLedger, again: Callable[[], SecretLedger]
    ) -> None:
        assert ledger.add_secret("shop/staging", "KEY", 1, "f1", "s1")
        assert not again().add_secret("shop/staging", "KEY", 1, "f2", "s2")
        assert ledger.add_secret("shop/staging", "KEY", 2, "f2", "s2")
        assert again().secrets("shop/staging") == {"KEY": ["f1", "f2"]}
        assert (ledger.sealed_secret("shop/staging", "KEY", 1), ledger.sealed_secret("shop/staging", "KEY", 3)) == (
            "s1",
            None,
        )

    def test_origins_of_versions_are_appended(self, ledger: SecretLedger, again: Callable[[], SecretLedger]) -> None:
        ledger.add_secret_origin("shop/staging", "KEY", 1, "", "")
        ledger.add_secret_origin("shop/staging", "KEY", 1, "age file", "abc")
        ledger.add_secret_origin("shop/production", "KEY", 1, "", "")
        found = again().secret_origins("shop/staging")
        assert [(item.version, item.source, item.source_version) for item in found["KEY"]] == [
            (1, "", ""),
            (1, "age file", "abc"),
        ]
