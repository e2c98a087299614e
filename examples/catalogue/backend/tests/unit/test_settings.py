import pytest

from catalogue import settings
from catalogue.database import driver_url

ENV = {"DATABASE_URL": "postgresql://u:p@db:5432/c", "REDIS_URL": "redis://cache:6379/0"}


def test_defaults() -> None:
    found = settings.load(ENV)
    assert (found.version, found.revision) == ("dev", "")


def test_the_release_comes_from_the_environment() -> None:
    found = settings.load({**ENV, "SHIPWAY_VERSION": "v1.2.3", "SHIPWAY_REVISION": "abc"})
    assert (found.version, found.revision) == ("v1.2.3", "abc")


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("value", ["", "   "])
def test_a_blank_setting_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(settings.SettingsError, match=f"{name} is missing or blank"):
        settings.load({**ENV, name: value})


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_the_address_is_mapped_to_the_driver(scheme: str) -> None:
    url = driver_url(f"{scheme}://user:p%40ss@host:5433/name")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port) == ("user", "p@ss", "host", 5433)
