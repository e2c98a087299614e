import pytest

from catalogue import worker


def test_without_settings_it_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db:5432/c")
    monkeypatch.setenv("REDIS_URL", " ")
    assert worker.main() == 2
    assert "REDIS_URL is missing or blank" in caplog.text
