"""Slack, Teams, Discord, e-mail and others, by Apprise."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any
from urllib.parse import unquote

from shipway.domain.errors import NotifyError, UsageError
from shipway.domain.outbox import Notice
from shipway.ports import NotifierAccess
from shipway.system.installation import missing_part
from shipway.system.redact import shortened

SHOWN = 300  # characters of what Apprise says
SHORTEST = 4  # characters of a part of the URL that is masked
LOGGER = "apprise"
MARKUP = re.compile(r"(?<![\w.])@(?=\w)|@(?=everyone|here|channel|all)|<(?=[!@#]|\w+:)|\](?=\()", re.IGNORECASE)


class AppriseNotifier:
    """Implements ports.Notifier. Apprise is imported when it is needed: that takes half a second."""

    def __init__(self, access: NotifierAccess) -> None:
        self._url, self._timeout = access.url, access.timeout

    def check(self) -> None:
        """Apprise must know such a URL."""
        self._made()

    def send(self, notice: Notice) -> None:
        """In a thread, since Apprise limits only each silence of a server."""
        made = self._made()
        kind = "failure" if notice.trouble else "info"
        title, body = _mentioning_nobody(notice.title), _mentioning_nobody(notice.text)
        body = f"{body}\n{notice.url}".strip() or title
        said, done = list[str](), list[bool]()

        def work() -> None:
            with _Heard(said):
                done.append(bool(made.notify(title=title, body=body, notify_type=kind, body_format="text")))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self._timeout)
        if thread.is_alive():
            raise NotifyError(f"Apprise did not end within {self._timeout:g} seconds")
        if done != [True]:
            why = self._masked("; ".join(said)) or "it says nothing more"
            raise NotifyError(f"Apprise could not send it: {why}", hint="`shipway notify test` tries it again")

    def _made(self) -> Any:
        try:
            import apprise
        except ImportError as error:
            raise UsageError(f"Apprise is missing: {error.name}", hint=missing_part("notify")) from error
        made, said = apprise.Apprise(), list[str]()
        with _Heard(said):
            known = made.add(self._url)
        if not known or len(made) != 1:
            raise NotifyError(
                "Apprise does not understand the URL, which is not shown here",
                hint="such as slack://TOKEN_A/TOKEN_B/TOKEN_C/#CHANNEL, see https://appriseit.com/services",
                refused=True,
            )
        return made

    def _masked(self, text: str) -> str:
        """Without the parts of the URL: tokens, names and servers."""
        words = re.split(r"[/:@?&=,;#+]+", self._url)[1:]
        parts = {part for word in words for part in (word, unquote(word)) if len(part) >= SHORTEST}
        for part in sorted([self._url, *parts], key=len, reverse=True):
            text = text.replace(part, "***")
        return shortened(" ".join(text.split()), SHOWN)


def _mentioning_nobody(text: str) -> str:
    """A text in which chats see no mention and no link that is named differently: what a commit says must not decide who is
    called. Some of them see a mention of everybody within an address too."""
    return MARKUP.sub(lambda found: f"{found[0]}\u200b", text)


class _Heard(logging.Handler):
    """Keeps the warnings that Apprise logs in this thread, and no others."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said, self._thread = said, threading.get_ident()

    def __enter__(self) -> None:
        logging.getLogger(LOGGER).addHandler(self)

    def __exit__(self, *error: object) -> None:
        logging.getLogger(LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if threading.get_ident() == self._thread:
            self._said.append(record.getMessage())
