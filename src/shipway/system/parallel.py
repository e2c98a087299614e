"""Run work in parallel, or all of several steps despite errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from shipway.domain.errors import ShipwayError

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], items: Iterable[T], *, most: int = 32) -> list[R]:
    """Process all items in parallel, at most `most` at a time. The first error is raised when all have ended."""
    things = list(items)
    # Ctrl-C is raised in the main thread and must not interrupt a call there: so even a single one gets a thread.
    if not things or (len(things) == 1 and threading.current_thread() is not threading.main_thread()):
        return [work(item) for item in things]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(things), most)) as pool:
        return list(pool.map(work, things))


def in_background(work: Callable[..., R], *given: object) -> Future[R]:
    """Begin work in a thread that does not keep the process alive. Its result, or error, is asked for later."""
    from concurrent.futures import Future

    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(work(*given))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def attempt_all(*steps: Callable[[], object], on_error: Callable[[BaseException], None] = lambda error: None) -> None:
    """Run every step, even after errors; then raise the first error, with the messages of the others appended.

    For clean-up, where a failing step must not skip the rest. Only KeyboardInterrupt aborts it.
    """
    errors: list[BaseException] = []
    for step in steps:
        try:
            step()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            on_error(error)
            errors.append(error)
    _raise_together(errors)


def attempt_side_by_side(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Process all items in parallel, even after errors; then raise like `attempt_all`."""

    def attempt(item: T) -> BaseException | None:
        try:
            work(item)
        except BaseException as error:
            return error
        return None

    _raise_together([error for error in side_by_side(attempt, items) if error is not None])


def _raise_together(errors: Sequence[BaseException]) -> None:
    if not errors:
        return
    if isinstance(errors[0], ShipwayError):
        others = (str(error) for error in errors[1:] if str(error) not in str(errors[0]))
        errors[0].message = "; and ".join([errors[0].message, *others])
    raise errors[0]


@contextmanager
def errors_of(host: str) -> Iterator[None]:
    """Prefix errors with the host, if there are several ('': there is only one)."""
    try:
        yield
    except ShipwayError as error:
        if host and host not in error.message:
            error.within(host)
        raise
