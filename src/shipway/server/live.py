"""Pages and programs that follow something: server-sent events, and who may still read them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

EVENTS = "text/event-stream"
LOOK = 5.0  # seconds between looks whether who reads still may
ALIVE = 15.0  # seconds after which a stream without news sends a sign of life
STILL_HERE = ": still here\n\n"  # the sign


def stream(lines: AsyncIterator[str]) -> Response:
    """Events as they come; no proxy is to keep them back."""
    return StreamingResponse(lines, media_type=EVENTS, headers={"X-Accel-Buffering": "no"})


def event(seq: int, data: str) -> str:
    """One, after which a browser whose connection was lost goes on. data: JSON."""
    return f"id: {seq}\ndata: {data}\n\n"


def number_of(text: str) -> int:
    """A number that the ledger can have; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
