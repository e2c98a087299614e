"""Find statements that reach beyond their database: a folder's proof runs them as a superuser of the user's own server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from shipway.domain.value import dataclass

MYSQL = ("mysql", "mariadb")
_FUNCTIONS = (
    r"pg_read_\w*file|pg_ls_\w+|pg_stat_file|pg_file_\w+|lo_import|lo_export|dblink\w*|pg_terminate_backend|pg_cancel_backend"
    r"|pg_reload_conf|pg_replication_origin_(?:create|drop|advance)|pg_rotate_logfile\w*|pg_promote|pg_(?:create|drop|copy)_\w*replication_slot|load_extension|load_file"
    r"|writefile|readfile|xp_cmdshell|sys_exec|sys_eval"
)
# Any of these words, or a backslash where psql's commands have one, is a reason to look closer.
_BETWEEN = r"(?:\s|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)+"
_WORDS = (
    rf"\b(?:create|drop|alter){_BETWEEN}(?:database|system|subscription)\b"
    r"|\b(?:copy|attach|vacuum|use\s|load\s|outfile|dumpfile|global|persist|shutdown|plugin|component|soname|master|replication"
    rf"|on\s+database|in\s+database|reassign|plpython\w*|plperlu|pltclu|plsh|file_fdw|{_FUNCTIONS})|^[ \t]*\\|\\g"
)
_SUSPECT = re.compile(_WORDS, re.IGNORECASE | re.MULTILINE)
_MYSQL_SUSPECT = re.compile(rf"{_WORDS}|\bschema\b|[\w`]\s*\.\s*[^\W\d`]|`\s*\.\s*`", re.IGNORECASE | re.MULTILINE)
_TOKEN = re.compile(
    r"""
    (?P<line> --[^\n]* )
  | (?P<block> /\*(?:M?!\d*)? )
  | (?P<text> (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) )
  | (?P<name> "(?:[^"]|"")*(?:"|\Z) )
  | (?P<dollar> (?<![\w$])\$(?:[^\W\d]\w*)?\$ )
    """,
    re.VERBOSE | re.DOTALL,
)
_BACKSLASHES = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|\Z)", re.DOTALL)  # strings of MySQL
_COPY = re.compile(r"^[ \t]*copy\b[^;\n]*\bfrom\s+stdin\b[^;\n]*;", re.IGNORECASE | re.MULTILINE)
_COPY_END = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
_CLIENT = re.compile(r"(?:^[ \t]*\\(?P<first>[A-Za-z!?]\w*|!)|\\(?P<later>g(?:exec|set|desc|x)?)\b)", re.MULTILINE)
_STATEMENTS = (
    (r"(?:create|drop)\s+database\b", "creates or drops a database"),
    (r"alter\s+database\s+(?!character\b|default\b|collate\b)", "alters a database by its name"),
    (r"(?:grant|revoke)\b[^;]*\bon\s+database\b|comment\s+on\s+database\b", "changes a database by its name"),
    (r"alter\s+(?:role|user)\b[^;]*\bin\s+database\b", "changes a database by its name"),
    (r"reassign\s+owned\b", "may change the owner of other databases"),
    (r"alter\s+system\b", "changes the settings of the server"),
    (r"create\s+subscription\b(?![^;]*\bconnect\s*=\s*(?:false|off|0|no)\b)", "connects to another server"),
    (r"alter\s+subscription\b[^;]*\b(?:enable|refresh|connection|publication)\b", "connects to another server"),
    (r"copy\b[^;]*?\b(?:from|to)\s+program\b", "runs a program of the server"),
    (r"copy\b[^;]*?\b(?:from|to)\s+(?:(?:e|u&)?''|\$\$)", "reads or writes a file of the server"),
    (r"create\s+(?:extension|server)\b[^;]*\bfile_fdw\b", "reads files of the server"),
    (r"do\b[^;]*\blanguage\s+(?:plpython\w*|plperlu|pltclu|plsh)\b", "runs code that may do anything on the server"),
    (r"attach\b", "opens another database"),
    (r"vacuum\b[^;]*\binto\b", "writes another file"),
    (r"use\s+[\w`]", "changes to another database"),
    (r"load\s+(?:data|xml)\b", "reads a file"),
    (r"[^;]*\binto\s+(?:outfile|dumpfile)\b", "writes a file of the server"),
    (r"set\s+(?:@@)?(?:global|persist|persist_only)\b", "changes the settings of the server"),
    (r"(?:shutdown\b|(?:un)?install\s+(?:plugin|component|soname)\b|reset\s+master\b|change\s+(?:master|replication)\b)", "administers the server"),
)  # fmt: skip
# What a statement of any rule begins with, or contains.
_FIRST = re.compile(
    r"(?:create|drop|alter|grant|revoke|comment|reassign|copy|do|attach|vacuum|use|load|set|shutdown|install|uninstall|reset|change)\b"
    r"|[^;]*\b(?:outfile|dumpfile)\b",
    re.IGNORECASE,
)
_MYSQL_FIRST = re.compile(rf"{_FIRST.pattern}|(?:truncate|rename|insert|replace|update|delete)\b", re.IGNORECASE)
_RULES = tuple((re.compile(pattern, re.IGNORECASE), reason) for pattern, reason in _STATEMENTS)
_QUALIFIED = r"(?:if\s+(?:not\s+)?exists\s+)?(?:`[^`]+`|\w+)\s*\.\s*(?:`[^`]+`|\w+)"
_MYSQL_RULES = (
    (re.compile(r"(?:create|drop)\s+schema\b", re.IGNORECASE), "creates or drops a database"),
    (re.compile(rf"(?:create|alter|drop|truncate|rename)\s+(?:temporary\s+)?(?:table|view)\s+{_QUALIFIED}", re.IGNORECASE), "names another database"),
    (re.compile(rf"(?:insert|replace)\s+(?:ignore\s+)?into\s+{_QUALIFIED}|(?:update|delete\s+from)\s+{_QUALIFIED}", re.IGNORECASE), "names another database"),
)  # fmt: skip
_CALL = re.compile(rf"\b(?P<name>{_FUNCTIONS})\"?(?:{_BETWEEN})?\(", re.IGNORECASE)
_PROGRAM = re.compile(r"\bcopy\b[^;]{0,9999}?\b(?:from|to)\s+(?:program\b|''?[/\w])", re.IGNORECASE)
_DEFINES = re.compile(
    r"(?:grant|revoke|comment|alter|drop|security|create\s+(?:or\s+replace\s+)?(?:function|procedure))\b", re.IGNORECASE
)


@dataclass(frozen=True)
class _Statement:
    """A statement without comments and strings; `bodies` are its dollar-quoted strings."""

    text: str
    line: int
    bodies: tuple[str, ...]

    @property
    def runs_code(self) -> bool:
        return self.text[:2].lower() == "do" and not self.text[2:3].isalnum()


@lru_cache(maxsize=64)  # a migration runs several times
def beyond(script: str, dialect: str | None = None) -> str:
    """Why a script is not run; empty if it may be. Code in functions is only searched if the script runs it with DO."""
    if not (_MYSQL_SUSPECT if dialect in MYSQL else _SUSPECT).search(script):
        return ""
    masked, bodies = _mask(_without_rows(script), mysql=dialect in MYSQL)
    if client := _CLIENT.search(masked):
        line = masked.count("\n", 0, client.end()) + 1
        return f"line {line}: \\{client['first'] or client['later']} is a command of psql, not SQL: it was not run"
    rules = (*_RULES, *_MYSQL_RULES) if dialect in MYSQL else _RULES
    here = "current_database" in masked.lower()
    calls = _CALL.search(script) is not None
    first = _MYSQL_FIRST if dialect in MYSQL else _FIRST
    for statement in _statements(masked, bodies):
        reason = ""
        if first.match(statement.text):
            reason = next((reason for pattern, reason in rules if pattern.match(statement.text)), "")
        if not reason and (calls or statement.runs_code):
            reason = _calls(statement, own_database=here)
        if reason:
            return f"line {statement.line}: {reason}: it would reach beyond its database, so it was not run"
    return ""


def _without_rows(script: str) -> str:
    """Without the rows after COPY … FROM stdin: they are no SQL."""
    parts: list[str] = []
    at = 0
    while (copy := _COPY.search(script, at)) and (end := _COPY_END.search(script, copy.end())):
        parts += [script[at : copy.start()], "\n" * script.count("\n", copy.start(), end.end())]
        at = end.end()
    return "".join([*parts, script[at:]])


def _calls(statement: _Statement, *, own_database: bool) -> str:
    """own_database: whether the script asks for the name of its database, to connect to it with dblink."""
    searched = [] if _DEFINES.match(statement.text) else [statement.text]
    if statement.runs_code:
        searched += statement.bodies
        if any(_PROGRAM.search(body) for body in statement.bodies):
            return "runs a program of the server, or uses its files"
    names = [call["name"].lower() for text in searched for call in _CALL.finditer(text)]
    return next((f"calls {name}" for name in names if not (own_database and name.startswith("dblink"))), "")


def _statements(masked: str, bodies: list[tuple[int, str]]) -> Iterator[_Statement]:
    line, counted, following = 1, 0, 0
    for match in re.finditer(r"[^;]+", masked):
        text = match[0].lstrip()
        if not text:
            continue
        start = match.end() - len(text)
        line += masked.count("\n", counted, start)
        counted = start
        own = []
        while following < len(bodies) and bodies[following][0] < match.end():
            own.append(bodies[following][1])
            following += 1
        yield _Statement(text, line, tuple(own))


def _mask(text: str, *, mysql: bool) -> tuple[str, list[tuple[int, str]]]:
    """The text without comments and the content of strings, with its lines; and the strings in dollar quotes or after
    DO, with their positions in it."""
    parts: list[str] = []
    bodies: list[tuple[int, str]] = []
    length = at = 0

    def keep(part: str) -> None:
        nonlocal length
        parts.append(part)
        length += len(part)

    while match := _TOKEN.search(text, at):
        keep(text[at : match.start()])
        at = match.end()
        if match["line"]:
            keep(" ")
            continue
        if match["block"]:
            if match["block"] == "/*":
                at = _comment_end(text, at, nested=not mysql)
                keep(" " + "\n" * text.count("\n", match.start(), at))
            continue  # a comment that MySQL executes
        if match["dollar"]:
            end = text.find(match["dollar"], at)
            inside, at = (text[at:end], end + len(match["dollar"])) if end >= 0 else (text[at:], len(text))
            bodies.append((length, _without_comments(inside)))
            keep("$$" + "\n" * inside.count("\n"))
            continue
        if mysql and match["text"] and (string := _BACKSLASHES.match(text, match.start())):
            at = string.end()
        inside = text[match.start() : at]
        if match["text"]:
            bodies.append((length, inside))
        keep(("''" if match["text"] else '"_"') + "\n" * inside.count("\n"))
    keep(text[at:])
    return "".join(parts), bodies


def _comment_end(text: str, at: int, *, nested: bool) -> int:
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += (1 if nested else 0) if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return len(text)


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
