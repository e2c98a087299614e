"""The dialect that the settings of a project of Alembic or Django name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.drivers.database.sql_folder import folder_contents

MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', '{}')\n"
ENGINE = 'DATABASES = {{"default": {{"ENGINE": "django.db.backends.{}"}}}}\n'
INI = "[alembic]\nscript_location = {}\nsqlalchemy.url = {}\n"
DRIVER = "driver://user:pass@localhost/dbname"  # of a new project


@pytest.mark.parametrize(
    ("files", "dialect"),
    [
        ({"alembic.ini": INI.format("alembic", "sqlite:///app.db")}, "sqlite"),
        ({"alembic.ini": INI.format("alembic", "mysql+pymysql://shop@db/shop")}, "mysql"),
        ({"alembic.ini": INI.format("alembic", DRIVER)}, None),
        ({"alembic.ini": INI.format("alembic", DRIVER), "alembic/env.py": 'url = "sqlite+aiosqlite:///x.db"\n'}, "sqlite"),
        ({"alembic.ini": INI.format("%(here)s/db", DRIVER), "db/env.py": 'url = f"mariadb://{user}@x/y"\n'}, "mysql"),
        ({"alembic.ini": "# url = sqlite:///x\n[alembic]\n", "env.py": "# as sqlite:///x\nfrom flask import app\n"}, None),
        ({"alembic.ini": INI.format("a", DRIVER), "a/env.py": 'url.replace("mysql://", "mysql+pymysql://")\n'}, None),
        ({"manage.py": MANAGE.format("shop.settings"), "shop/settings.py": ENGINE.format("sqlite3")}, "sqlite"),
        ({"manage.py": MANAGE.format("settings"), "settings.py": ENGINE.format("mysql")}, "mysql"),
        ({"manage.py": MANAGE.format("settings"), "settings.py": "url = given('URL', 'sqlite:///' + NAME)\n"}, "sqlite"),
        (
            {
                "manage.py": 'os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings.local"\n',
                "shop/settings/local.py": ENGINE.format("sqlite3"),
                "shop/settings/base.py": ENGINE.format("postgresql"),
            },
            None,
        ),
        ({"manage.py": "import os\n"}, None),
    ],
)  # fmt: skip
def test_the_only_one_that_is_named(files: Mapping[str, str], dialect: str | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert folder_contents(tmp_path).dialect == dialect
