"""Parse YAML to a small tree with the position of each key and value. The only module that uses ruamel.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from shipway.domain.value import dataclass
from shipway.planfile.bounds import DEPTH, NODES, SIZE, VALUES
from shipway.planfile.problem import Mark

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node as YamlNode

Type = Literal["text", "number", "boolean", "nothing"]
_TYPES: dict[str, Type] = {
    "str": "text", "timestamp": "text", "merge": "text",
    "int": "number", "float": "number", "bool": "boolean", "null": "nothing",
}  # fmt: skip


class Unreadable(Exception):
    """The text is not YAML, or uses a feature of YAML that plans don't support."""

    def __init__(self, message: str, mark: Mark, expected: str = "") -> None:
        super().__init__(message)
        self.message, self.mark, self.expected = message, mark, expected


@dataclass(frozen=True)
class Scalar:
    """A single value as written, without quotes."""

    text: str
    type: Type
    mark: Mark


@dataclass(frozen=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True)
class Entries:
    """A mapping, in the order of the file; duplicate keys are kept."""

    pairs: tuple[tuple[Scalar, Node], ...]
    mark: Mark


Node = Scalar | Items | Entries


def compose(text: str) -> Node:
    """Parse the text to a tree; raises Unreadable. `on`, `yes` and `no` are strings, as in YAML 1.2."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > SIZE:
        raise Unreadable(f"the file is longer than {SIZE // 1024} KB", Mark(1, 1), "a plan of a few hundred lines")
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = _bounded()
        root = yaml.compose(text.removeprefix("\ufeff"))
    except MarkedYAMLError as error:
        raise _plain(error, text) from error
    except (
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        IndexError,
        AssertionError,
    ) as error:  # of the parser itself
        raise Unreadable(f"not valid YAML: {str(error)[:200] or type(error).__name__}", Mark(1, 1)) from error
    except YAMLError as error:  # a character not allowed in YAML
        place = getattr(error, "position", 0)
        mark = Mark(text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place))
        raise Unreadable(f"the character {text[place : place + 1]!r} is not allowed in YAML", mark) from error
    if root is None:
        raise Unreadable("the file is empty", Mark(1, 1), "a plan; `shipway init` writes a first one")
    return _Conversion().convert(root)


def _bounded() -> Any:
    """The library's composer, aborting when a text exceeds the limits of a plan."""
    from ruamel.yaml.composer import Composer

    class Bounded(Composer):
        depth = values = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            self.values += 1
            if self.depth > DEPTH or self.values > VALUES:
                at = self.parser.peek_event().start_mark
                what = (
                    f"lists or mappings are nested deeper than {DEPTH} levels"
                    if self.depth > DEPTH
                    else f"there are more than {VALUES} values"
                )
                raise Unreadable(what, Mark(at.line + 1, at.column + 1))
            found = super().compose_node(parent, index)
            self.depth -= 1
            return found

    return Bounded


class _Conversion:
    """Aliases refer to the same node: each node is converted once."""

    def __init__(self) -> None:
        self.done: dict[int, Node] = {}
        self.open: set[int] = set()
        self.sizes: dict[int, int] = {}  # of converted nodes: number of values in them, with aliases expanded

    def convert(self, node: YamlNode) -> Node:
        known = self.done.get(id(node))
        if known is not None:
            return known
        mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        if id(node) in self.open:
            raise Unreadable("contains itself through an alias", mark)
        self.open.add(id(node))
        result = self._convert(node, mark)
        self.open.discard(id(node))
        self.done[id(node)] = result
        self.sizes[id(result)] = 1 + sum(self.sizes.get(id(part), 1) for part in _parts(result))
        if self.sizes[id(result)] > NODES:
            raise Unreadable(f"it has more than {NODES} values when aliases (`*name`) are expanded", mark)
        return result

    def _convert(self, node: YamlNode, mark: Mark) -> Node:
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if tag == "map":
            return Entries(tuple(self._pairs(node.value)), mark)
        if tag == "seq":
            return Items(tuple(self.convert(item) for item in node.value), mark)
        if tag not in _TYPES or not isinstance(node.value, str):
            raise Unreadable(f"the tag `{node.tag}` is not supported", mark, "the plain value, without a tag")
        return Scalar(node.value, _TYPES[tag], mark)

    def _pairs(self, pairs: Any) -> Iterator[tuple[Scalar, Node]]:
        """The mapping's own pairs, then those of a merge key (`<<: *name`) that it lacks."""
        own = set[str]()
        merged: list[tuple[Scalar, Node]] = []
        for key_node, value_node in pairs:
            key, value = self.convert(key_node), self.convert(value_node)
            if not isinstance(key, Scalar):
                raise Unreadable("a key can't be a list or a mapping", key.mark, "a word before the colon")
            if str(key_node.tag) == "tag:yaml.org,2002:merge":
                for source in value.nodes if isinstance(value, Items) else (value,):
                    merged.extend(source.pairs if isinstance(source, Entries) else ())
            else:
                own.add(key.text)
                yield key, value
        for key, value in merged:
            if key.text not in own:
                own.add(key.text)
                yield key, value


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, Items):
        yield from node.nodes
    elif isinstance(node, Entries):
        for key, value in node.pairs:
            yield key
            yield value


_EXPLANATIONS = (  # part of the parser's message, and its meaning for the author
    ("mapping values are not allowed", "there is a second `: ` in this value, or the line is indented too far",
     "text with a colon in quotes; the keys of one mapping in the same column"),
    ("character '\\t'", "a tab is used for indentation", "spaces"),
    ("undefined alias", "a value that begins with `*` refers to an earlier `&name`, which is missing", 'quotes: "*"'),
    ("scanning an alias", "a value that begins with `*` refers to an earlier `&name`, which is missing", 'quotes: "*"'),
    ("scanning an anchor", "a value can't begin with `&` without quotes", 'quotes: "&…"'),
    ("that cannot start any token", "a value can't begin with this character without quotes", "the value in quotes"),
    ("scanning a quoted scalar", "a quotation mark is not closed", "a closing quotation mark"),
    ("parsing a flow sequence", "a `[` is not closed, or a comma is missing", "[a, b, c]"),
    ("parsing a flow mapping", "a `{` is not closed, or a comma is missing", "{key: value, key: value}"),
    ("but found '-'", "a list item (`- `) was found where a key is expected", "key: value"),
    ("parsing a block mapping", "this line's indentation matches no line above",
     "the keys of one mapping in the same column"),
    ("parsing a block collection", "a list item or key is expected in this column", "all items of a list in one column"),
    ("could not find expected ':'", "a key has no colon", "key: value"),
    ("single document", "a second document begins here (`---`)", "one plan per file"),
)  # fmt: skip


def _plain(error: Any, text: str) -> Unreadable:
    """The parser's message, explained, at the relevant position."""
    technical = f"{error.context or ''} {error.problem or ''}".strip()
    at = error.problem_mark or error.context_mark
    began = any(part in technical for part in ("flow", "quoted", "simple key"))
    if began and error.context_mark:  # the end of the file is not helpful; the opening bracket, quote or key is
        at = error.context_mark
    mark = Mark(at.line + 1, at.column + 1)
    for part, message, expected in _EXPLANATIONS:
        if part in technical:
            return Unreadable(f"not valid YAML: {message}", mark, expected)
    return Unreadable(f"not valid YAML: {technical}", mark)
