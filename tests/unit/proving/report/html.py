"""Reads a page strictly: what isn't closed in order is an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "rect", "line", "path"}


@dataclass
class Node:
    """An element, and what stands in it."""

    name: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """It, and all elements in it."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, name: str, class_: str = "") -> list[Node]:
        """Those of a name, and of a class where one is given."""
        return [
            node
            for node in self.walk()
            if node.name == name and (not class_ or class_ in (node.attributes.get("class") or "").split())
        ]

    @property
    def text(self) -> str:
        """What a reader sees, and what a screen reader says."""
        said = [self.attributes.get("title") or ""] if self.name != "style" else []
        return "".join(
            [
                *said,
                *(child if isinstance(child, str) else child.text for child in self.children if self.name != "style"),
            ]
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, (tag, [node.name for node in self.open])
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def read(page: str) -> Node:
    """The root, which has the html element in it."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    (root,) = reader.open
    return root
