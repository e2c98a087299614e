"""`dataclass` of `domain.value` makes what the standard decorator makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from shipway.domain import value


def made(decorator: Callable[..., Any]) -> Any:
    @decorator(frozen=True)
    class Thing:
        """A thing."""

        name: str
        size: int = 3
        parts: dict[str, int] = dataclasses.field(default_factory=dict)
        secret: str = dataclasses.field(default="s", repr=False)
        note: str = dataclasses.field(default="", compare=False)
        total: int = dataclasses.field(default=7, init=False)

    return Thing


OURS, STANDARD = made(value.dataclass), made(dataclasses.dataclass)


@pytest.mark.parametrize("thing", [OURS, STANDARD])
def test_it_is_a_frozen_dataclass(thing: Any) -> None:
    one = thing("a", parts={"x": 1})
    assert (one.name, one.size, one.parts, one.secret, one.total) == ("a", 3, {"x": 1}, "s", 7)
    assert repr(one).endswith("Thing(name='a', size=3, parts={'x': 1}, note='', total=7)")
    assert one == thing("a", 3, {"x": 1}, note="not compared")
    assert one != thing("b", 3, {"x": 1})
    assert one != "a"
    assert thing("a").parts is not thing("a").parts
    assert dataclasses.replace(one, size=4) == thing("a", 4, {"x": 1})
    assert dataclasses.asdict(one)["size"] == 3
    assert copy.deepcopy(one) == one
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'size'"):
        one.size = 4
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'size'"):
        del one.size
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        thing()
    with pytest.raises(TypeError, match="unexpected keyword argument 'total'"):
        thing("a", total=1)
    match one:
        case thing(name, size):
            assert (name, size) == ("a", 3)


def test_both_name_the_same_fields() -> None:
    names = [[(item.name, item.init, item.repr, item.compare) for item in dataclasses.fields(each)] for each in (OURS, STANDARD)]  # fmt: skip
    assert names[0] == names[1]


@value.dataclass(frozen=True)
class Point:
    x: int
    y: int = 0

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError(f"{self.x} is negative")


@value.dataclass(frozen=True)
class Single:
    only: str


@value.dataclass(frozen=True)
class Empty:
    pass


@value.dataclass(frozen=True)
class Own:
    x: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def __hash__(self) -> int:
        return 1


def test_equal_ones_have_equal_hashes() -> None:
    assert {Point(1, 2): "a"}[Point(1, 2)] == "a"
    assert len({Single("a"), Single("a"), Single("b")}) == 2
    assert len({Empty(), Empty()}) == 1
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)


def test_what_a_class_defines_itself_stays() -> None:
    assert len({Own(1), Own(2)}) == 1
    with pytest.raises(ValueError, match="-1 is negative"):
        Point(-1)


def test_one_that_is_not_frozen_is_the_standard_one() -> None:
    @value.dataclass
    class Counter:
        count: int = 0

    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)
