"""Shell syntax in a command that runs without a shell."""

from __future__ import annotations

import re
import shlex

_SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"}
_OPERATORS = {"&&", "||", "|", ";", "&", "<", ">", ">>", "2>", "2>&1", "<<"}
_EXPANSION = re.compile(r"\$(\{[^}]*\}|[A-Za-z_]\w*|\([^)]*\)|[@*#?!0-9])|`[^`]*`")
_REDIRECTION = re.compile(r"\d?>>?(&\d|\S+)?$|<\S+$")


def shell_syntax(command: str) -> list[str]:
    """Return the parts that only a shell would interpret, in order; none if the command calls a shell itself."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    if not words or (
        words[0].rpartition("/")[2] in _SHELLS and any(re.fullmatch("-[a-z]*c", word) for word in words[1:3])
    ):
        return []
    found = [part for word in words for part in _parts(word)]
    return list(dict.fromkeys(found))


def through_shell(command: str) -> str:
    """The same command, run by a shell."""
    return f"sh -c {shlex.quote(command)}"


def _parts(word: str) -> list[str]:
    if word in _OPERATORS or _REDIRECTION.fullmatch(word):
        return [word]
    expansions = [match[0] for match in _EXPANSION.finditer(word)]
    ends = [";"] if word.endswith(";") and not expansions else []
    return [*expansions, *ends]
