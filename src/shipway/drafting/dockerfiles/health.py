"""The health check of a written Dockerfile: a request by the application's own language, without curl.

Where the sources declare a path for it, it must return a success. Else any answer below 500 counts: the check then is a
command without a URL, which becomes the plan's health command too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

NAME = (
    r"(?:[\w-]+/)*_?(?:health|healthz|healthcheck|health-check|health_check|livez?|readyz?|alive|ping|up|heartbeat)/?"
)


def find(pattern: str, texts: Iterable[tuple[str, str]]) -> Found:
    """The first declared path and its file. pattern: the declaration, with `NAME` for the path without its first slash."""
    searched = re.compile(pattern.replace("NAME", f"({NAME})"), re.MULTILINE)
    for name, text in texts:
        match = searched.search(text)
        if match:
            return f"/{match[1]}", name
    return None


Found = tuple[str, str] | None  # path and file


def check(
    words: Sequence[str],
    found: Found,
    *,
    start: int = 20,
    note: str = "",
    otherwise: str = "any answer below 500 counts",
) -> list[str]:
    """The lines: where the path is from, and HEALTHCHECK. start: seconds in which failures don't count. otherwise: what
    counts without a path."""
    source = f"Health path {found[0]}: {found[1]}." if found else f"No health path was found: {otherwise}."
    return [f"# {source}{note}", line(words, start)]


def line(words: Sequence[str], start: int) -> str:
    """Without a shell."""
    test = json.dumps(list(words), ensure_ascii=False)
    return f"HEALTHCHECK --interval=30s --timeout=5s --start-period={start}s \\\n    CMD {test}"


def path_of(found: Found) -> str | None:
    return found[0] if found else None


def python(port: int, path: str | None, *, strict: bool = True) -> list[str]:
    """strict: only success counts."""
    if path and strict:
        code = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}{path}', timeout=4)"
    elif path:
        code = (
            "import sys, urllib.request as r; o = r.OpenerDirector(); o.add_handler(r.HTTPHandler()); "
            f"sys.exit(o.open('http://127.0.0.1:{port}{path}', timeout=4).status >= 500)"
        )
    else:
        code = (
            f"import sys, http.client as h; c = h.HTTPConnection('127.0.0.1', {port}, timeout=4); "
            "c.request('GET', '/'); sys.exit(c.getresponse().status >= 500)"
        )
    return ["python", "-c", code]


def node(port: int, path: str | None) -> list[str]:
    if path:
        code = f"fetch('http://127.0.0.1:{port}{path}').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"
    else:
        code = (
            f"require('http').get({{host: '127.0.0.1', port: {port}}}, r => process.exit(r.statusCode < 500 ? 0 : 1))"
            ".on('error', () => process.exit(1))"
        )
    return ["node", "-e", code]


def ruby(port: int, path: str | None) -> list[str]:
    """The header is what the edge sends: without it, `force_ssl` redirects."""
    limit = 300 if path else 500
    call = f"Net::HTTP.get_response(URI('http://127.0.0.1:{port}{path}'), {{'X-Forwarded-Proto' => 'https'}})"
    if not path:
        call = f"Net::HTTP.new('127.0.0.1', {port}).get('/', {{'X-Forwarded-Proto' => 'https'}})"
    return ["ruby", "-rnet/http", "-e", f"exit {call}.code.to_i < {limit}"]


def php(port: int, path: str | None) -> list[str]:
    if path:
        return ["php", "-r", f"exit(@file_get_contents('http://127.0.0.1:{port}{path}') === false ? 1 : 0);"]
    code = (
        f"$s = @fsockopen('127.0.0.1', {port}, $n, $e, 4) or exit(1); "
        "fwrite($s, \"GET / HTTP/1.0\\r\\n\\r\\n\"); exit(preg_match('/^HTTP\\S+ [1-4]/', (string) fgets($s)) ? 0 : 1);"
    )
    return ["php", "-r", code]


def wget(port: int, path: str | None) -> list[str]:
    """Of BusyBox, in images without an interpreter. Without a path, an open port counts."""
    if path:
        return ["wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}{path}"]
    return ["nc", "-z", "127.0.0.1", str(port)]
