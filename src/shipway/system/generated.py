"""Which secrets can be generated, by their names."""

from __future__ import annotations

import re

# Secrets of the application's own: any random value is right. Those of other services (STRIPE_SECRET_KEY) never are.
_OWN = re.compile(
    r"((APP|DJANGO|FLASK|RAILS|NEXTAUTH|AUTH|SESSION|COOKIE|CSRF|JWT)_)?"
    r"(SECRET|SECRET_KEY|SECRET_KEY_BASE|SIGNING_KEY|SALT)"
)
_ADMIN = re.compile(r"([A-Z0-9]+_)*(ADMIN|SUPERUSER|OWNER)(_[A-Z0-9]+)*_PASSWORD")


def is_generated(name: str) -> bool:
    """Whether any random value is right for a secret of this name."""
    return _OWN.fullmatch(name) is not None or is_admin_password(name)


def is_admin_password(name: str) -> bool:
    """Whether a person needs a generated value: it is shown once."""
    return _ADMIN.fullmatch(name) is not None
