"""The page that visitors see from a launch's first deployment until its system test has passed."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.launch import begun

HOLDING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Opening soon</title>
<style>body{font:18px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;color:#223}</style>
</head><body><h1>Opening soon</h1><p>This site is not open yet. Please come back later.</p></body></html>
"""


def holding_page(ctx: Context, app: str, environment: str) -> str | None:
    """The page that a first deployment shows, by whatever command, while a launch has begun and not opened the address; None:
    visitors see the release."""
    if ctx.ledger.current(app, environment) is not None:
        return None
    records = ctx.ledger.launch_records(app, environment)
    return HOLDING if records and begun(records, ctx.ledger.destroyed(app, environment)) else None
