"""The key `previews` of a plan: environments of their own for pull requests."""

from __future__ import annotations

from shipway.domain.value import dataclass

SEED, EMPTY = "seed", "empty"  # of `data`; any other is an environment
NUMBER = "{number}"  # in `domain`


@dataclass(frozen=True)
class Previews:
    """How previews are made. Only those of the protected branch's plan count."""

    like: str  # the environment whose services and settings they copy
    domain: str  # host name, with {number}
    keep: float = 7 * 86400.0  # seconds from the newest push to their end
    most: int = 5  # how many stand at a time
    sleep: float = 7200.0  # seconds without a request until one sleeps; 0: none does
    data: str = SEED  # or EMPTY, or the environment whose newest snapshot is cloned
    mask: tuple[str, ...] = ()  # SQL, after `prove: mask`
    secrets: tuple[str, ...] = ()  # those of `like` that they get; all others are generated

    @property
    def source(self) -> str | None:
        """The environment whose data they get."""
        return self.data if self.data not in (SEED, EMPTY) else None
