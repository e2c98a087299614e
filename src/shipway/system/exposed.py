"""Files that are often left in a public folder, and how to tell them from a page that is served for every path."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shipway.domain.system_test import Page

# What must not be public: path, and how its content begins or looks. A page that a front end serves for every path doesn't match.
PRIVATE: Mapping[str, str] = {
    "/.env": r"(?m)^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=",
    "/.env.production": r"(?m)^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=",
    "/.git/config": r"\[core\]",
    "/.git/HEAD": r"^(ref: refs/|[0-9a-f]{40})",
    "/.svn/entries": r"^\d+\s",
    "/.hg/requires": r"(?m)^(revlogv1|store|dotencode)",
    "/.aws/credentials": r"aws_secret_access_key",
    "/.ssh/id_rsa": r"PRIVATE KEY",
    "/shipway.yaml": r"(?m)^\"?(app|services)\"?\s*:|\"app\"\s*:",
    "/docker-compose.yml": r"(?m)^services\s*:",
    "/Dockerfile": r"(?m)^FROM\s",
    "/backup.sql": r"(?i)(create table|insert into|pg_dump)",
    "/dump.sql": r"(?i)(create table|insert into|pg_dump)",
    "/wp-config.php.bak": r"DB_PASSWORD",
    "/actuator/env": r"propertySources",
    "/phpinfo.php": r"phpinfo\(\)",
    "/server-status": r"Apache Server Status",
    "/_profiler/phpinfo": r"phpinfo\(\)",
    "/debug/pprof/": r"goroutine",
    "/.DS_Store": r"^\x00\x00\x00\x01Bud1",
}  # fmt: skip


def is_exposed(path: str, page: Page) -> bool:
    """Whether a response shows what must not be public. An HTML page of a front end is none."""
    if page.status != 200 or not page.body:
        return False
    text = page.body.decode("utf-8", "replace")
    html = text.lstrip()[:200].lower().startswith(("<!doctype html", "<html"))
    return not html and re.search(PRIVATE[path], text) is not None
