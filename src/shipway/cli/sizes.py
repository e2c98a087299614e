"""Sizes as options."""

from __future__ import annotations

import re

import click

BYTES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def byte_size(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """A callback of an option: `500M`, `2G` in bytes."""
    if text is None:
        return None
    if not re.fullmatch("[1-9][0-9]{0,5}[KMG]", text):
        raise click.BadParameter(f"{text!r} is no size: such as 500M or 2G")
    return int(text[:-1]) * BYTES[text[-1]]
