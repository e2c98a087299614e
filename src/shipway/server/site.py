"""What the parts of the web application share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipway.actions.people.commanded import Commanded
from shipway.actions.projects.push_limits import LARGEST
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.value import dataclass
from shipway.ports import Forge
from shipway.server.observer import Boards
from shipway.system.openid import Provider
from shipway.system.passwords import Passwords


def no_commands(words: Sequence[str]) -> Commanded:
    """Where the command line is not known."""
    raise UsageError("this server runs no commands of others")


@dataclass(frozen=True)
class Site:
    """What the pages need. url: the public address, if it is another one than that on which it listens."""

    ctx: Context
    observer: Boards
    passwords: Passwords
    forge: Callable[[str], Forge]
    url: str = ""
    provider: Provider | None = None  # by which people sign in too
    open_metrics: bool = False  # whether everybody may read them, without a token
    largest_push: int = LARGEST  # bytes

    parse: Callable[[Sequence[str]], Commanded] = (
        no_commands  # what was typed elsewhere; UsageError if it is no command
    )

    @property
    def secure(self) -> bool:
        """Whether browsers reach it only by TLS."""
        return self.url.startswith("https://")
