"""Asks repositories for new commits, as long as the server or a worker runs."""

from __future__ import annotations

import threading

from shipway.actions.runs.polling import ask_due
from shipway.context import Context
from shipway.domain.errors import StoreError

LOOK = 1.0  # seconds between looks at what is due


class Poller:
    """Any number of machines may do this: each look is for one of them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def run(self, over: threading.Event) -> None:
        """Until `over`."""
        while not over.is_set():
            try:
                ask_due(self._ctx)
            except StoreError:  # the ledger is away, which the dispatcher reports
                pass
            over.wait(LOOK)
