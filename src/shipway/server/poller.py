"""Asks repositories for new commits, as long as the server or a worker runs."""

from __future__ import annotations

import threading

from shipway.actions.runs.polling import ask, due
from shipway.context import Context
from shipway.domain.errors import StoreError
from shipway.domain.poll import Poll

LOOK = 1.0  # seconds between looks at what is due
AT_ONCE = 8  # repositories


class Poller:
    """Any number of machines may do this: each look is for one of them. A repository that hangs keeps none of the others
    waiting, nor the end."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._asking: dict[str, threading.Thread] = {}

    def run(self, over: threading.Event) -> None:
        """Until `over`."""
        while not over.is_set():
            self._asking = {name: thread for name, thread in self._asking.items() if thread.is_alive()}
            try:
                self._ask_due(over)
            except StoreError:  # the ledger is away, which the dispatcher reports
                pass
            over.wait(LOOK)
        for thread in self._asking.values():
            thread.join()

    def _ask_due(self, over: threading.Event) -> None:
        found = due(self._ctx, self._asking)
        while len(self._asking) < AT_ONCE and (poll := next(found, None)):
            thread = threading.Thread(target=self._ask, args=(poll, over), daemon=True)
            self._asking[poll.name] = thread
            thread.start()

    def _ask(self, poll: Poll, over: threading.Event) -> None:
        try:
            ask(self._ctx, poll, over)
        except StoreError:
            pass
        except Exception as error:  # of one repository: the others are asked
            self._ctx.reporter.note(f"poll {poll.name}: {type(error).__name__}")
