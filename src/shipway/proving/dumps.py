"""Compare the dumps of two schemas whose catalogs are equal: a safety net for what the catalogs' comparison leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shipway.domain.catalog import Difference
from shipway.domain.own_tables import OwnTables

Dump = Mapping[str, str]  # statements by kind and name of their object
KIND = "dump"  # of the differences


def compare_dumps(before: Dump, after: Dump, own: OwnTables) -> tuple[Difference, ...]:
    """Objects whose lines differ, without the tool's migration history. The order of lines doesn't count: that of columns is
    reported by itself, and statements about one object come in no fixed order."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = _lines(before.get(key, "")), _lines(after.get(key, ""))
        if old == new or _is_history(key, own):
            continue
        change = "added" if key not in before else "removed" if key not in after else "changed"
        found.append(Difference(change, KIND, key, {"lines": (_text(old - new), _text(new - old))}))
    return tuple(found)


def _lines(text: str) -> Counter[str]:
    return Counter(line.strip().rstrip(",") for line in text.splitlines() if line.strip())


def _text(lines: Counter[str]) -> str:
    return "\n".join(lines.elements())


def _is_history(key: str, own: OwnTables) -> bool:
    """Objects are named `TABLE public.name`, `CONSTRAINT public.name name_pkey` or `SEQUENCE public.name_id_seq`."""
    words = [word.rpartition(".")[2].strip('"`') for word in key.split()[1:]]
    return any(word == name or word.startswith(f"{name}_") for word in words for name in own.history)
