"""The conformance suite of webhooks."""

from __future__ import annotations

import dataclasses

from shipway.domain.webhook import Webhook
from shipway.ports import WebhookLedger

SHOP = Webhook("shop", "github", "https://github.com/acme/shop.git", "ada@example.com", 5.5)


class WebhookSuite:
    """They are added once, listed, and removed."""

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
