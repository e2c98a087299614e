"""HTML and SVG that is always well-formed: all text is escaped, unless `tag` itself created it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = {"meta", "rect", "line", "path"}  # elements without content


class Markup(str):
    """Escaped text."""

    __slots__ = ()


Child = str | None | Iterable["str | None"]


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """An element. `class_` and `http_equiv` are written `class` and `http-equiv`; an attribute that is None or False is omitted, True has no value."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{visible(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID and not children:
        return Markup(f"<{name}{written}>" if name == "meta" else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Concatenate."""
    return Markup("".join(_child(child) for child in children))


def visible(text: str) -> str:
    """Escape, and remove what hides or reorders the surrounding text: control characters and marks of the writing
    direction."""
    return escape("".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return visible(child)
    return "".join(_child(each) for each in child)
