"""Split a PostgreSQL script into its statements, by psql's rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Tokens in which a semicolon doesn't end a statement. An unclosed one reaches to the end of the script.
_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\* )
  | (?P<quoted> (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) )
  | (?P<dollar> (?<![\w$])\$(?:[^\W\d]\w*)?\$ )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<sign> [;()] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ROUTINE = re.compile(r"create(?: or replace)? (?:function|procedure)")


def split(script: str) -> Sequence[str]:
    """Statements without semicolons; those of only white space and comments are omitted."""
    parts: list[str] = []
    start = at = depth = blocks = 0
    words: list[str] = []  # the first words, which show whether BEGIN and END enclose a block
    something = False
    while match := _TOKEN.search(script, at):
        something = something or bool(script[at : match.start()].strip())
        at = match.end()
        if match["comment"]:
            at = _comment_end(script, at) if match["comment"] == "/*" else at
            continue
        if match["dollar"]:
            end = script.find(match["dollar"], at)
            at = end + len(match["dollar"]) if end >= 0 else len(script)
        if match["word"]:
            word = match["word"].lower()
            words.append(word)
            if blocks or (word == "begin" and _ROUTINE.match(" ".join(words[:4]))):
                blocks += 1 if word in ("begin", "case") else -1 if word == "end" else 0
        sign = match["sign"]
        depth = max(0, depth + {"(": 1, ")": -1}.get(sign or "", 0))
        if sign == ";" and not depth and not blocks:
            if something:
                parts.append(script[start : match.start()].strip())
            start, words, something = at, [], False
        else:
            something = True
    if something or script[at:].strip():
        parts.append(script[start:].strip())
    return parts


def _comment_end(script: str, at: int) -> int:
    """Comments nest."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(script, at):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return len(script)
