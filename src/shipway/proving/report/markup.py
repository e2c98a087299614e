"""HTML and SVG that can't be written wrongly: all text is escaped, unless `tag` itself made it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = {"meta", "rect", "line", "path"}  # nothing stands in them


class Markup(str):
    """Escaped already."""

    __slots__ = ()


Child = str | None | Iterable["str | None"]


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """An element. `class_` and `http_equiv` are written `class` and `http-equiv`; an attribute that is None or False is left out, True has no value."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{visible(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID and not children:
        return Markup(f"<{name}{written}>" if name == "meta" else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """One after the other."""
    return Markup("".join(_child(child) for child in children))


def visible(text: str) -> str:
    """Escaped, with nothing in it that hides or turns the text around it: controls, and marks of the writing direction."""
    return escape("".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return visible(child)
    return "".join(_child(each) for each in child)
