"""Conformance suite for drivers of the port `Notifier`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import pytest

from shipway.domain.errors import NotifyError
from shipway.domain.outbox import DEPLOYED, FAILED, Notice
from shipway.ports import Notifier

URL = "https://ship.example.org/apps/shop"
NOTICE = Notice(DEPLOYED, "shop", "staging", "shop/staging: release 5 was deployed", "a <b> & c\nby ada", 7.5, URL)
TOKEN = "s3cret-token-of-the-chat"


class NotifierLab(Protocol):
    """A receiver, and what has arrived there."""

    notifier: Notifier

    def arrived(self) -> Sequence[tuple[str, str]]:
        """Title and text with the address, in order."""

    def refuse(self) -> None:
        """From now on, it takes nothing, and repeats the token that it was given."""

    def stay_silent(self) -> None:
        """From now on, it does not answer."""


class NotifierSuite:
    """Fixture: `lab`."""

    def test_a_notice_arrives_whole(self, lab: NotifierLab) -> None:
        lab.notifier.check()
        assert lab.arrived() == []
        lab.notifier.send(NOTICE)
        lab.notifier.send(dataclasses.replace(NOTICE, event=FAILED, title="it failed", url=""))
        assert lab.arrived() == [(NOTICE.title, f"{NOTICE.text}\n{URL}"), ("it failed", NOTICE.text)]

    def test_a_refusal_is_an_error_without_the_token(self, lab: NotifierLab) -> None:
        lab.refuse()
        with pytest.raises(NotifyError) as caught:
            lab.notifier.send(NOTICE)
        assert TOKEN not in f"{caught.value.message} {caught.value.hint} {caught.value!r} {lab.notifier!r}"

    def test_silence_ends(self, lab: NotifierLab) -> None:
        lab.stay_silent()
        with pytest.raises(NotifyError, match="did not end within"):
            lab.notifier.send(NOTICE)
