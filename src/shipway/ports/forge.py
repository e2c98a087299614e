"""Forges: GitHub and others, which host the repository and its pull requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.forge import Delivery, PullRequest, Reviewed, State, Status


class Forge(Protocol):
    """One forge. Raises ForgeError: with `retry_after` if the forge says when, and `refused` if only a person can help.

    repository: the full name, such as owner/name. commit: in full. Requests that a forge turns away for a moment are repeated
    until `patience` is over; what could be done twice by that is not. Lists are read to their end, or fail."""

    def receive(self, headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
        """What a webhook request tells. headers: names in any case. Forged if it isn't signed with the secret, or the secret is
        blank; Unreadable if it isn't what this forge sends. Nothing else, for any bytes. Sends no request."""

    def set_status(
        self, repository: str, commit: str, context: str, state: State, description: str = "", url: str = ""
    ) -> None:
        """Set the status of that name, in place of an earlier one. description: cut to what the forge takes. url: of the page
        with more."""

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """The latest status of each name, those of the forge's own CI included. What hasn't ended is
        `pending`; a state that isn't known is `error`."""

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """Update this token's comment with the marker below a pull request, or add one. text: in
        Markdown; what is too long for a comment is left out. marker: letters, digits, `-`, `_`."""

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """The latest verdict of each person who has one that was not dismissed."""

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """The pull request that has the commit: an open one, else the one that merged it. action: `opened`, `closed` or
        `merged`."""


@dataclass(frozen=True)
class ForgeAccess:
    """What a driver needs. To receive webhooks, nothing."""

    token: str = field(default="", repr=False)  # value
    user: str = ""  # Bitbucket: the address of the account that an API token belongs to; empty: an access token
    endpoint: str = ""  # of the API; empty: of the forge's public one
    timeout: float = 10.0  # seconds of each silence of the forge
    patience: float = 20.0  # seconds that one request may wait in all until another attempt
