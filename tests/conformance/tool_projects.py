"""Small projects of Django, dbmate, Sequelize, Knex and a script of somebody's own that differ in their migrations: a folder a tool, and in it one a
project. All read where the database is from HOST and DATABASE, Django from PGHOST and PGDATABASE too. A DATABASE_URL of MySQL or
SQLite takes precedence."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

NAMES = ("one", "two", "three")
KINDS = ("good", "older", "broken", "irreversible", "empty")
NOPE = "SELECT nope FROM nowhere"

MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
print("a project prints this and that")
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
from urllib.parse import urlsplit
given = os.environ.get
url = urlsplit(given("DATABASE_URL", ""))
SECRET_KEY = "x"
INSTALLED_APPS = APPS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "USER": "postgres", "PASSWORD": "lab",
    "HOST": given("HOST", given("PGHOST")), "PORT": given("PORT", given("PGPORT", "5432")),
    "NAME": given("DATABASE", given("PGDATABASE")),
}}
if url.scheme == "mysql":
    import pymysql
    pymysql.install_as_MySQLdb()
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.mysql", "USER": url.username, "PASSWORD": url.password, "HOST": url.hostname, "PORT": url.port,
        "NAME": url.path[1:],
    }
if url.scheme == "sqlite":
    DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path[1:]}
"""
SEQUELIZE_CONFIG = """
const {HOST: host, DATABASE: database, PORT: port} = process.env
const postgres = {dialect: 'postgres', username: 'postgres', password: 'lab', host, database, port}
const mysql = {dialect: 'mysql', use_env_variable: 'DATABASE_URL'}
module.exports = {development: (process.env.DATABASE_URL || '').startsWith('mysql') ? mysql : postgres}
"""
SEQUELIZERC = "module.exports = {config: require('path').resolve('src', 'settings', 'db.js')}\n"
KNEXFILE = """
const {HOST: host, DATABASE: database, PORT: port} = process.env
const postgres = {client: 'pg', connection: {user: 'postgres', password: 'lab', host, database, port}}
const mysql = {client: 'mysql2', connection: process.env.DATABASE_URL}
module.exports = (process.env.DATABASE_URL || '').startsWith('mysql') ? mysql : postgres
"""
# What a team may have written itself.
SCRIPT = r"""
set -e
run() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
run -c 'SET client_min_messages = warning' -c 'CREATE TABLE IF NOT EXISTS applied_migrations (version text PRIMARY KEY)'
case $1 in
  current) run -c 'SELECT version FROM applied_migrations' ;;
  up) for file in *.up.sql; do
        version=${file%%_*}
        [ -z "$(run -c "SELECT 1 FROM applied_migrations WHERE version = '$version'")" ] || continue
        [ "$version" -gt "$2" ] || { echo "up $version"; run -1 -f "$file" -c "INSERT INTO applied_migrations VALUES ('$version')"; }
      done ;;
  down) for version in $(run -c "SELECT version FROM applied_migrations WHERE version > '$2' ORDER BY 1 DESC LIMIT ${3:-99}"); do
          echo "down $version"
          run -1 -f "$version"_*.down.sql -c "DELETE FROM applied_migrations WHERE version = '$version'"
        done ;;
esac
"""


def names(kind: str) -> Sequence[str]:
    """The tables that the migrations of a project make."""
    return {"older": NAMES[:2], "empty": ()}.get(kind, NAMES)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def django_migration(
    needs: Iterable[tuple[str, str]], *tables: str, broken: bool = False, one_way: bool = False
) -> str:
    model = "migrations.CreateModel({0!r}, [('id', models.BigAutoField(primary_key=True))], {{'db_table': {0!r}}})"
    operations = [model.format(table) for table in tables]
    operations += [f"migrations.RunSQL({NOPE!r})"] if broken else []
    operations += ["migrations.RunPython(lambda apps, editor: None)"] if one_way else []
    return (
        "from django.db import migrations, models\n"
        f"class Migration(migrations.Migration):\n    dependencies = {list(needs)}\n    operations = [{', '.join(operations)}]\n"
    )


def write_django(folder: Path) -> None:
    for kind in KINDS:
        shop = {"shop/__init__.py": "", "shop/models.py": ""}
        for number, name in enumerate(names(kind), 1):
            needs = [("shop", f"000{number - 1}_{NAMES[number - 2]}")] if number > 1 else []
            broken, one_way = kind == "broken" and name == "three", kind == "irreversible" and name == "two"
            text = django_migration(needs, name, broken=broken, one_way=one_way)
            shop |= {"shop/migrations/__init__.py": "", f"shop/migrations/000{number}_{name}.py": text}
        _django_project(folder / kind, ["shop"], shop)
    one = {
        "shop/migrations/0001_one.py": django_migration([], "one"),
        "stock/migrations/0001_stock.py": django_migration([], "stock"),
    }
    two = {"shop/migrations/0002_two.py": django_migration([("shop", "0001_one")], "two")}
    other = {"shop/migrations/0002_other.py": django_migration([("shop", "0001_one")], "other")}
    merge = {"shop/migrations/0003_merge.py": django_migration([("shop", "0002_two"), ("shop", "0002_other")])}
    _django_project(folder / "apps", ["shop", "stock"], one)
    _django_project(folder / "apps_two", ["shop", "stock"], {**one, **two})
    _django_project(folder / "apps_forked", ["shop", "stock"], {**one, **two, **other})
    _django_project(folder / "apps_merged", ["shop", "stock"], {**one, **two, **other, **merge})
    _django_project(folder / "without_stock", ["shop"], {**one, **two})


def _django_project(folder: Path, apps: Sequence[str], files: Mapping[str, str]) -> None:
    modules = {
        f"{part}/__init__.py": "" for path in files for part in (path.partition("/")[0], path.rpartition("/")[0])
    }
    _write(folder, {"manage.py": MANAGE, "settings.py": SETTINGS.replace("= APPS", f"= {apps!r}"), **modules, **files})


def write_dbmate(folder: Path) -> None:
    for kind in KINDS:
        _write(folder / kind / "db/migrations", {"README.md": "nothing yet"})
        for number, name in enumerate(names(kind), 1):
            more = f"{NOPE};\n" if kind == "broken" and name == "three" else ""
            down = "-- later\n" if kind == "irreversible" and name == "two" else f"DROP TABLE {name};\n"
            text = f"-- migrate:up\nCREATE TABLE {name} (id int);\n{more}\n-- migrate:down\n{down}"
            _write(folder / kind / "db/migrations", {f"2024010{number}_{name}.sql": text})

    shutil.copytree(folder / "good", folder / "named")
    _write(folder / "named", {".env": "OTHER=x\nexport DBMATE_MIGRATIONS_TABLE='applied_migrations'\n"})


def write_sequelize(folder: Path) -> None:
    for kind in KINDS:
        _write(folder / kind, {"config/config.js": SEQUELIZE_CONFIG, "migrations/README.md": "nothing yet"})
        for number, name in enumerate(names(kind), 1):
            more = f"await q.sequelize.query('{NOPE}', {{transaction}})" if kind == "broken" and name == "three" else ""
            down = "" if kind == "irreversible" and name == "two" else f"await q.dropTable('{name}')"
            text = (
                "module.exports = {\n"
                "  up: (q, Sequelize) => q.sequelize.transaction(async (transaction) => {\n"
                f"    await q.createTable('{name}', {{id: Sequelize.INTEGER}}, {{transaction}})\n    {more}\n  }}),\n"
                f"  async down(q) {{\n    // back\n    {down}\n  }},\n}}\n"
            )
            _write(folder / kind, {f"migrations/2024010{number}-{name}.js": text})

    shutil.copytree(folder / "good", folder / "named")
    table = SEQUELIZE_CONFIG.replace("dialect:", "migrationStorageTableName: 'applied_migrations', dialect:")
    _write(folder / "named", {"src/settings/db.js": table, ".sequelizerc": SEQUELIZERC})


def write_knex(folder: Path) -> None:
    for kind in KINDS:
        _write(folder / kind, {"knexfile.js": KNEXFILE, "migrations/README.md": "nothing yet"})
        for number, name in enumerate(names(kind), 1):
            more = f".raw('{NOPE}')" if kind == "broken" and name == "three" else ""
            down = "" if kind == "irreversible" and name == "two" else f"return knex.schema.dropTable('{name}')"
            text = (
                f"exports.up = (knex) => knex.schema.createTable('{name}', (t) => t.integer('id')){more}\n"
                f"exports.down = async function (knex) {{ {down} }}\n"
            )
            _write(folder / kind, {f"migrations/2024010{number}_{name}.js": text})

    shutil.copytree(folder / "good", folder / "named")
    table = KNEXFILE.replace("client:", "migrations: {tableName: 'applied_migrations'}, client:")
    _write(folder / "named", {"knexfile.js": table})


def write_script(folder: Path) -> None:
    for kind in KINDS:
        _write(folder / kind, {"migrate.sh": SCRIPT})
        for number, name in enumerate(names(kind), 1):
            more = f"{NOPE};\n" if kind == "broken" and name == "three" else ""
            _write(folder / kind, {f"000{number}_{name}.up.sql": f"CREATE TABLE {name} (id int);\n{more}"})
            if kind != "irreversible" or name != "two":
                _write(folder / kind, {f"000{number}_{name}.down.sql": f"DROP TABLE {name};\n"})


CONTRIB = ("admin", "auth", "contenttypes", "messages", "sessions", "sites")
TEMPLATES = """
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages"]}}]
SITE_ID = 1
"""
# What most releases do: a column with a default, a new table, and rows that are changed and changed back.
SHOP = {
    "0001_initial": "migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())])",
    "0002_stock": "migrations.AddField('Item', 'stock', models.IntegerField(default=5))",
    "0003_note": "migrations.CreateModel('Note', [('id', models.BigAutoField(primary_key=True)), "
    "('item', models.ForeignKey('shop.Item', models.CASCADE)), ('body', models.TextField())])",
    "0004_mark": "migrations.RunPython(mark, unmark)",
}
CHANGE = """
def mark(apps, editor):
    for item in apps.get_model('shop', 'Item').objects.all():
        item.name += '!'
        item.save()

def unmark(apps, editor):
    for item in apps.get_model('shop', 'Item').objects.all():
        item.name = item.name[:-1]
        item.save()

"""
MODELS = """
from django.db import models

class Item(models.Model):
    name = models.TextField()
    stock = models.IntegerField(default=5)

class Note(models.Model):
    item = models.ForeignKey(Item, models.CASCADE)
    body = models.TextField()
"""


def write_shop(folder: Path, last: str = "0004_mark") -> None:
    """A Django project with Django's own apps and a shop, with its migrations up to one."""
    files = {"shop/__init__.py": "", "shop/migrations/__init__.py": "", "shop/models.py": MODELS}
    before: list[tuple[str, str]] = []
    for name, operation in SHOP.items():
        if name <= last:
            files[f"shop/migrations/{name}.py"] = CHANGE + (
                "from django.db import migrations, models\n"
                f"class Migration(migrations.Migration):\n    dependencies = {before}\n    operations = [{operation}]\n"
            )
            before = [("shop", name)]
    _django_project(folder, [*(f"django.contrib.{name}" for name in CONTRIB), "shop"], files)
    (folder / "settings.py").write_text((folder / "settings.py").read_text() + TEMPLATES)
