"""The conformance suite of webhooks."""

from __future__ import annotations

import dataclasses

from shipway.domain.webhook import Received, Webhook
from shipway.ports import WebhookLedger

SHOP = Webhook("shop", "github", "https://github.com/acme/shop.git", "ada@example.com", 5.5)


class WebhookSuite:
    """They are added once, listed, and removed; and so is what they have received."""

    def test_webhooks(self, ledger: WebhookLedger) -> None:
        other = dataclasses.replace(SHOP, name="another")
        assert ledger.webhooks() == []
        assert ledger.add_webhook(SHOP)
        assert ledger.add_webhook(other)
        assert not ledger.add_webhook(dataclasses.replace(SHOP, forge="gitlab"))
        assert ledger.webhooks() == [other, SHOP]
        assert ledger.remove_webhook("shop")
        assert not ledger.remove_webhook("shop")
        assert ledger.webhooks() == [other]

    def test_received(self, ledger: WebhookLedger) -> None:
        first, again = Received("shop", "a", 7, 5.5, 0.0), Received("shop", "a", 8, 9.5, 0.0)
        for item in (
            first,
            again,
            dataclasses.replace(first, digest="b", told=0.0),
            dataclasses.replace(first, webhook="blog"),
        ):
            ledger.add_received(item)
        found = ledger.received("shop", 7)
        assert [(item.digest, item.told) for item in found] == [("a", 5.5), ("b", 0.0)]
        assert ledger.received("shop", 8) == []
        assert ledger.forget_received(found[0].at) == 0
        assert ledger.forget_received(found[-1].at + 3600) == 3
        assert ledger.received("shop", 7) == []
