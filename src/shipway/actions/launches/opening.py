"""The page that visitors see from the first switch until the system test has passed, and its end."""

from __future__ import annotations

from shipway.actions.upkeep.maintenance import maintain, maintained
from shipway.context import Context
from shipway.domain.plan import Environment

HOLDING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Opening soon</title>
<style>body{font:18px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;color:#223}</style>
</head><body><h1>Opening soon</h1><p>This site is not open yet. Please come back later.</p></body></html>
"""


def is_closed(ctx: Context, app: str, environment: Environment) -> bool:
    """Whether visitors see a page."""
    return maintained(ctx, app, environment)


def open_address(ctx: Context, app: str, environment: Environment) -> str:
    """End the page, in one switch on each host."""
    if not is_closed(ctx, app, environment):
        return "visitors were let in before"
    maintain(ctx, app, environment, None)
    return f"{environment.url} is open"
