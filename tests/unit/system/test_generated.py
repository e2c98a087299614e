"""Which secrets can be generated."""

from __future__ import annotations

import pytest

from shipway.system.generated import is_admin_password, is_generated


@pytest.mark.parametrize(
    "name",
    ["SECRET_KEY", "DJANGO_SECRET_KEY", "SECRET_KEY_BASE", "JWT_SECRET", "ADMIN_PASSWORD", "SHOP_ADMIN_PASSWORD"],
)
def test_a_random_value_is_right(name: str) -> None:
    assert is_generated(name)
    assert is_admin_password(name) == name.endswith("ADMIN_PASSWORD")


@pytest.mark.parametrize(
    "name",
    ["STRIPE_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "SENTRY_DSN", "SMTP_PASSWORD", "DATABASE_URL", "GITHUB_TOKEN"],
)
def test_a_value_of_another_service_is_never_made_up(name: str) -> None:
    assert not is_generated(name)
