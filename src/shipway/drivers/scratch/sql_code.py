"""Compare code in SQL or PL/pgSQL without white space and comments."""

from __future__ import annotations

import re

# What pg_get_functiondef writes: a head with the language, and a body between `$function$`, with more letters if the
# body contains that.
_FUNCTION = re.compile(
    r"(?P<head>.*?\n LANGUAGE (?:sql|plpgsql)\n.*?)(?P<mark>\$function\w*\$)(?P<body>.*)(?P=mark)\s*", re.DOTALL
)
_TOKEN = re.compile(
    r"""(?P<gap>\s+|--[^\n\r]*|/\*(?!\+).*?\*/)
    |[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    |\w+ | (?:(?!--|/\*)[-+*/<>=~!@#%^&|`?:])+ | .""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = re.compile(r"\\'")


def same_function(before: str, after: str) -> bool:
    """Whether two definitions of a function, as PostgreSQL writes them, differ at most in white space and comments of
    their bodies, and in the order of their settings. Bodies in other languages, and those with an escaped quote, must be equal."""
    old, new = _FUNCTION.fullmatch(before), _FUNCTION.fullmatch(after)
    if old is None or new is None or _ESCAPED.search(old["body"] + new["body"]):
        return before == after
    return sorted(old["head"].splitlines()) == sorted(new["head"].splitlines()) and _tokens(old["body"]) == _tokens(
        new["body"]
    )


def _tokens(code: str) -> list[str]:
    """Without comments but hints (`/*+`), which an extension may read. A comment within a comment ends at the first end:
    the rest then counts as code, so that nothing is ignored by mistake."""
    return [match[0] for match in _TOKEN.finditer(code) if match["gap"] is None]
