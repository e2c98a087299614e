"""Values that reveal what a migration loses: leading zeros, mixed case, fractions, trailing spaces, fractions of a
second."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# By type, as PostgreSQL names it without its modifier. The texts differ in their first characters, for short columns.
_VALUES: Mapping[str, Sequence[str]] = {
    "text": ("007", "Ærlig Ünicode, \"quoted\"  ", "mIxed CASE o'clock"),
    "smallint": ("7", "-42", "30000"),
    "integer": ("7", "-42", "2000000"),
    "bigint": ("7", "-42", "9007199254740993"),  # not representable as a double
    "numeric": ("1.25", "-0.125", "12345678901234567.5"),
    "real": ("1.5", "-0.25", "1000000"),
    "double precision": ("1.5", "-0.1", "1e15"),
    "money": ("12.34", "-0.01", "99999.99"),
    "boolean": ("true", "false", "true"),
    "date": ("2024-02-29", "1969-12-31", "2038-01-20"),
    "timestamp": ("2024-02-29 23:59:59.123456", "1969-12-31 00:00:00.5", "2038-01-20 12:00:00"),
    "time": ("23:59:59.123456", "00:00:00.5", "12:00:00"),
    "interval": ("1 mon 2 days 03:04:05.678", "-00:00:00.5", "400 days"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000001", "ffffffff-ffff-4fff-bfff-fffffffffffe"),
    "json": ('{"b": 1, "a": [1.50, null], "b": "Æ "}', "[]", '{"A":"00"}'),
    "bytea": (r"\x00ff", r"\x", r"\x41420a"),
    "inet": ("10.0.0.7/8", "::1", "192.168.1.255"),
    "cidr": ("10.0.0.0/8", "::1/128", "192.168.0.0/24"),
    "macaddr": ("08:00:2b:01:02:03", "00:00:00:00:00:07", "ff:ff:ff:00:00:01"),
    "macaddr8": ("08:00:2b:01:02:03:04:05", "00:00:00:00:00:00:00:07", "ff:ff:ff:00:00:00:00:01"),
    "xml": ("<a>Æ </a>", "<b/>", "<c>00</c>"),
    "tsvector": ("'Fat':2 'cat':3", "", "'7':1"),
    "tsquery": ("'fat' & 'cat'", "'dog'", "'7'"),
    "point": ("(1.5,-2)", "(0,0)", "(1e6,0.1)"),
    "line": ("{1,-1,0}", "{0,1,2.5}", "{1,0,3}"),
    "lseg": ("[(0,0),(1,1)]", "[(0,0),(1.5,2)]", "[(3,3),(4,4)]"),
    "box": ("(1,1),(0,0)", "(2.5,2),(1,1)", "(4,4),(3,3)"),
    "path": ("((0,0),(1,1),(2,0))", "[(0,0),(1.5,1)]", "((3,3),(4,4))"),
    "polygon": ("((0,0),(1,1),(2,0))", "((0,0),(1.5,1),(2,0))", "((3,3),(4,4),(5,3))"),
    "circle": ("<(0,0),1.5>", "<(1,1),2>", "<(2,2),0.25>"),
    "pg_lsn": ("0/7", "16/B374D848", "FF/0"),
    # They don't overlap: two bookings of one room.
    "int4range": ("[1,5)", "[10,15)", "[20,)"),
    "int8range": ("[1,5)", "[10,15)", "[20,)"),
    "numrange": ("[0.5,1.25)", "[10,10.5]", "(20,)"),
    "daterange": ("[2024-02-29,2024-03-02)", "[1969-12-31,1970-01-02)", "[2038-01-20,)"),
    "tsrange": ("[2024-02-29 10:00:00.5,2024-02-29 11:00)", "[1969-12-31 10:00,1969-12-31 11:00)", "[2038-01-20 10:00,)"),
    "tstzrange": ("[2024-02-29 10:00:00.5+00,2024-02-29 11:00+00)", "[1969-12-31 10:00+00,1969-12-31 11:00+00)", "[2038-01-20 10:00+00,)"),
}  # fmt: skip
# For migrations that reject the values above.
_SMALL: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), ("7", "42", "100")),
    **dict.fromkeys(("numeric", "real", "double precision"), ("1.25", "0.5", "2.75")),
}
# Texts that a migration converts to another type, in another form than that type is written in, where it has one.
_SHAPES: Mapping[str, Sequence[Sequence[str]]] = {
    "integer": (("007", "10", "29"), ("7", "1", "0")),
    "numeric": (("007.50", "-0.125", "29"), ("7", "1", "0")),
    "boolean": (("yes", "f", "TRUE"),),
    "uuid": (("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "00000000-0000-0000-0000-000000000001", "ffffffff-ffff-4fff-bfff-fffffffffffe"),),
    "date": (
        ("2024-02-29", "1969-12-31", "2038-01-20"), ("29.02.2024", "31.12.1969", "20.01.2038"), ("02/29/2024", "12/31/1969", "01/20/2038"),
        ("29/02/2024", "31/12/1969", "20/01/2038"), ("20240229", "19691231", "20380120"), ("12:30", "07:00", "23:59"),
    ),
    "json": (('{"b": 1, "a": [1.50, null], "b": "Æ "}', '{"a": "00"}', '{"A":  7}'), ('{"a": 7}', '{"a": 1}', '{"a": 0}')),
    "array": (("{7,42}", "{}", "{1}"),),
    "hex": (("00FF", "41420a", "7f"),),
    "base64": (("AP8=", "QUIK", "fw=="),),
    "parts of integer": tuple((f"7{sign}10{sign}29", f"1{sign}2{sign}3", f"0{sign}42{sign}7") for sign in "-.,/ :_"),
}  # fmt: skip
_JSON = {"object": ('{"a": [1.50, null]}', '{"A": "00"}', "{}"), "array": ('[{"a": 1.50}]', "[]", '[{"A": "00"}]')}
_ALIKE = {
    "character varying": "text", "character": "text", "bpchar": "text", "name": "text", "citext": "text", "jsonb": "json",
    "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamp",
    "time without time zone": "time", "time with time zone": "time",
}  # fmt: skip
# Other formats that a text may need: an address, a name, a code …
FORMS = (
    "Ann.O-7@Example.test", "ben@example.test", "https://Example.test/Path?q=07", "a-slug-07", "ABC", "abc", "1", "+4512345678", "en", "EUR", "#00ff00",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "2024-02-29", "07:30", "10.0.0.7", "1.0.7", "{}", "sha256:" + "0" * 64,
)  # fmt: skip
_TYPE = re.compile(r"(?P<name>.*?)(?:\((?P<sizes>[\d,-]+)\))?(?P<zone> with(?:out)? time zone)?(?P<array>(?:\[\])*)")


def values(type_: str, row: int, *, small: bool = False, json: str = "") -> str | None:
    """Text of a row's value (rows count from 0) for a built-in type of PostgreSQL; None for an unknown type. Rows get
    different values, as far as the type has that many. `small` numbers; `json`: only `object` or `array`."""
    match = _TYPE.fullmatch(type_)
    if match is None:
        return None
    base = f"{match['name']}{match['zone'] or ''}"
    sizes = [int(size) for size in (match["sizes"] or "").split(",") if size]
    if match["array"]:
        parts = [_value(base, sizes, row + step, small) for step in range(2)]
        quoted = ['"' + part.replace("\\", r"\\").replace('"', r"\"") + '"' for part in parts if part is not None]
        return f"{{{','.join(quoted)}}}" if quoted else "{}"
    return _JSON[json][row % 3] if json and _ALIKE.get(base, base) == "json" else _value(base, sizes, row, small)


def shape_of(type_: str) -> str:
    """The shape of texts that can be converted to this type; "" if any can, or it is not known."""
    if type_.endswith("[]"):
        return "array"
    match = _TYPE.fullmatch(type_)
    base = f"{match['name']}{match['zone'] or ''}" if match else ""
    known = _ALIKE.get(base, base)
    if known in ("smallint", "bigint"):
        return "integer"
    if known in ("real", "double precision", "money"):
        return "numeric"
    return known if known in _VALUES and known not in ("text", "bytea") else ""


def shaped(shape: str, row: int, attempt: int, labels: Sequence[str] = (), *, json: str = "") -> str | None:
    """A text of this shape; another variant at each attempt. `labels` of an enum are its only texts."""
    if labels:
        return labels[row % len(labels)]
    if shape == "json" and json:
        return _JSON[json][row % 3]
    if shape in _SHAPES:
        variants = _SHAPES[shape]
        return variants[attempt % len(variants)][row % 3]
    return values(shape, row)


def _value(name: str, sizes: Sequence[int], row: int, small: bool) -> str | None:
    if name in ("bit", "bit varying"):
        length = sizes[0] if sizes else 1 if name == "bit" else 8
        return format((row + 1) % 2 ** min(length, 30), "b").zfill(length)[-length:]
    bare = name.rpartition(".")[2]  # of an extension
    known = _ALIKE.get(bare, bare)
    if known not in _VALUES:
        return None
    first, *_ = found = _SMALL.get(known, _VALUES[known]) if small else _VALUES[known]
    text = found[row] if row < len(found) else _more(known, row, first)
    if known == "text" and sizes:
        return text[: sizes[0]]
    if known == "numeric" and sizes:
        scale = sizes[1] if len(sizes) > 1 else 0
        return _number(row, min(sizes[0], scale + 1) if small else sizes[0], scale)
    return text


def _more(name: str, row: int, first: str) -> str:
    """For rows beyond the lists above."""
    if name == "text":
        return f"{row} more"
    if name in ("smallint", "integer", "bigint", "numeric", "real", "double precision", "money"):
        return str(100 + row)
    if name in ("date", "timestamp"):
        return f"2025-{row // 28 % 12 + 1:02}-{row % 28 + 1:02}"
    if name == "uuid":
        return f"00000000-0000-0000-0000-{row:012}"
    return first


def _number(row: int, precision: int, scale: int) -> str:
    """As many digits as permitted, up to six before the point: 1.23, -0.04, 987654.87."""
    whole = max(0, precision - scale)
    size = min(whole, 6)
    digits = (("1" * min(size, 1), "23456789"), ("", "04545454"), ("987654"[:size], "87654321"))[row % 3]
    if row >= 3:
        digits = (str(row)[-size:] if size else "", "5" * 8)
    fraction = digits[1][: max(0, scale)].ljust(max(0, scale), "5")
    return f"{'-' if row == 1 else ''}{digits[0] or '0'}{'.' + fraction if fraction else ''}"
