"""Processes that die while a preview is made or closed: the next tick completes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.previews.wishes import want_closed
from shipway.domain.preview import Preview
from shipway.testing.faults import Death, Killed, every
from tests.matrix import FULL
from tests.unit.actions.previews.place import Place, place

__all__ = ["place"]


def killed(place: Place, preview: Preview, at: int, *, after: bool) -> bool:
    death = Death(at, after=after)
    with suppress(Killed):
        place.do(preview, dies=death)
    place.world.now += 16
    return death.done


def points(effects: int) -> Iterator[tuple[int, bool]]:
    return (point for number, point in enumerate(every(effects)) if FULL or number % 5 == 0)


def effects_of(place: Place, preview: Preview) -> int:
    counted = Death(0, after=False)
    place.do(preview, dies=counted)
    return counted.effects


@pytest.mark.every_point
def test_the_next_tick_completes_what_a_dead_process_was_making(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    (tmp_path / "count").mkdir()
    first = Place(tmp_path / "count")
    effects = effects_of(first, first.want())
    assert effects > 20
    for number, (at, after) in enumerate(points(effects)):
        (tmp_path / str(number)).mkdir()
        place = Place(tmp_path / str(number))
        if not killed(place, place.want(), at, after=after):
            break
        if number % 2:
            place.tick()
            assert (place.known().state, place.serves()) == ("ready", place.known().release), (at, after)
            want_closed(place.ctx, place.known(), "done")
        else:
            want_closed(place.ctx, place.known(), "closed meanwhile")
        place.tick()
        assert not any(place.left().values()), (at, after, place.left())
        place.world.close()
    assert number > 5


@pytest.mark.every_point
def test_the_next_tick_completes_what_a_dead_process_was_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    (tmp_path / "count").mkdir()
    first = Place(tmp_path / "count")
    first.made()
    effects = effects_of(first, want_closed(first.ctx, first.known(), "done"))
    assert effects > 8
    for number, (at, after) in enumerate(points(effects)):
        (tmp_path / str(number)).mkdir()
        place = Place(tmp_path / str(number))
        place.made()
        if not killed(place, want_closed(place.ctx, place.known(), "done"), at, after=after):
            break
        again = number % 3 == 0 and bool(place.ctx.ledger.previews())
        if again:  # the pull request was opened again
            place.want()
        place.tick()
        if again:
            assert (place.known().state, place.serves()) == ("ready", place.known().release), (at, after)
        else:
            assert not any(place.left().values()), (at, after, place.left())
        place.world.close()
    assert number > 3
