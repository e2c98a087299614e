"""One-time codes of an authenticator app (RFC 6238): six digits by HMAC-SHA-1, each for 30 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.parse

PERIOD = 30  # seconds
DIGITS = 6
DRIFT = 1  # steps that the app's clock may be ahead or behind
ISSUER = "Shipway"


def code(secret: str, step: int) -> str:
    """The code of a step, from a secret in base 32."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: str, given: str, at: float) -> int | None:
    """The step whose code this is, of those that count at a time (seconds since the epoch); None if it is none."""
    now = int(at) // PERIOD
    steps = range(max(0, now - DRIFT), now + DRIFT + 1)
    same = [hmac.compare_digest(code(secret, step).encode(), given.encode("utf-8", "surrogatepass")) for step in steps]
    return next((step for step, matches in zip(steps, same, strict=True) if matches), None)


def is_secret(text: str) -> bool:
    """Whether it is a secret of the usual length, in base 32."""
    return len(text) == 32 and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def enrolment(secret: str, person: str) -> str:
    """The address that an authenticator app reads, usually as a picture."""
    label = urllib.parse.quote(f"{ISSUER}:{person}")
    return f"otpauth://totp/{label}?secret={secret}&issuer={ISSUER}&digits={DIGITS}&period={PERIOD}"
