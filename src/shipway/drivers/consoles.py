"""Consoles of well-known frameworks; the first one that an image has counts."""

from __future__ import annotations

from shipway.domain.console import Console

CONSOLES = (
    Console("Rails", ("bin/rails", "console"), ("bin/rails",)),
    Console("Django", ("python", "manage.py", "shell"), ("manage.py",), pattern=r"django"),
    Console("Laravel", ("php", "artisan", "tinker"), ("artisan",)),
    Console(
        "Flask",
        ("flask", "shell"),
        ("requirements.txt", "pyproject.toml", "Pipfile", "setup.cfg"),
        pattern=r"(?im)^[\s\"']*flask\b",
        variable="FLASK_APP",
    ),
    Console("Node.js", ("node",), ("package.json",)),
)
