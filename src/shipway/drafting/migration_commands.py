"""Commands of a plan's tool `command`, for migration tools without a driver of their own.

They run in the image, in the folder of the project. Each `list` works without a database; each `current` fails if its tool
does, since an empty answer would mean an empty database.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from shipway.drafting.dependencies import Project
from shipway.drafting.draft import DatabaseDraft


@dataclass
class Found:
    """A tool in a folder. evidence: the file that identifies it; migrations: a path that the image must have."""

    database: DatabaseDraft
    folder: str
    evidence: str
    migrations: str


def _found(folder: str, evidence: str, migrations: str, given: dict[str, str]) -> Found:
    return Found(DatabaseDraft(tool="command", commands=given), folder, evidence, migrations)


def rails(folder: str) -> Found:
    """Rails."""
    query = (
        "c = ActiveRecord::Base.connection; "
        'puts c.select_values("SELECT version FROM schema_migrations ORDER BY version") if c.table_exists?("schema_migrations")'
    )
    given = {
        "list": "ls db/migrate | sed -n 's/^\\([0-9]*\\)_.*[.]rb$/\\1/p' | sort",
        "current": f"bin/rails runner '{query}'",
        "up": "bin/rails db:migrate VERSION={to}",
        "down": "bin/rails db:migrate VERSION={to}",
        "base": "0",
    }
    return _found(folder, "db/migrate", _join(folder, "db/migrate"), given)


def laravel(folder: str) -> Found:
    """Laravel. `migrate:status` fails in a database that was never migrated; before Laravel 9 it prints a table."""
    status = (
        'found=$(php artisan migrate:status --no-ansi) || case "$found" in *"table not found"*) exit 0;; *) echo "$found"; exit 1;; esac; '
        "echo \"$found\" | sed -n -e 's/^ *\\([0-9][0-9_]*_[a-z0-9_]*\\) .*Ran *$/\\1/p' -e 's/^| Yes *| *\\([^ ]*\\) .*/\\1/p'"
    )
    given = {
        "list": "ls database/migrations | sed -n 's/[.]php$//p' | sort",
        "current": status,
        "up": "php artisan migrate --force",
        "down": "php artisan migrate:rollback --step=1 --force",
    }
    return _found(folder, "database/migrations", _join(folder, "database/migrations"), given)


def prisma(schema: str, folder: str) -> Found:
    """Prisma has no down migrations of its own: a file `down.sql` beside `migration.sql` is used where there is one."""
    path = posixpath.relpath(schema, folder)
    applied = "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name"
    current = (
        'node -e \'const {PrismaClient} = require("@prisma/client"), p = new PrismaClient(); (async () => {'
        ' const [t] = await p.$queryRawUnsafe("SELECT to_regclass($1)::text AS found", "_prisma_migrations");'
        f' if (t.found) for (const r of await p.$queryRawUnsafe("{applied}")) console.log(r.migration_name);'
        " await p.$disconnect() })().catch(e => { console.error(e); process.exit(1) })'"
    )
    newest = f"to=$({current} | tail -n 1)"
    down = (
        f'{newest} && test -s "prisma/migrations/$to/down.sql" && {{ cat "prisma/migrations/$to/down.sql";'
        " echo \";DELETE FROM _prisma_migrations WHERE migration_name = '$to';\"; } | npx --no-install prisma db execute --stdin"
        f" --schema {path}/schema.prisma"
    )
    given = {
        "list": f"ls -d {path}/migrations/*/ | xargs -n 1 basename | sort",
        "current": current,
        "up": f"npx --no-install prisma migrate deploy --schema {path}/schema.prisma",
        "down": down,
        "script": f"cat {path}/migrations/{{to}}/down.sql 2>/dev/null || true",
    }
    return _found(folder, f"{path}/schema.prisma", _join(schema, "migrations"), given)


def typeorm(folder: str, source: str, migrations: str) -> Found:
    """TypeORM. A revision is the time in the migration's name. The image has compiled files in dist/."""
    compiled = posixpath.relpath(source, folder).removesuffix(".ts").removeprefix("src/")
    compiled = f"dist/{compiled}.js" if source.endswith(".ts") else posixpath.relpath(source, folder)
    path = posixpath.relpath(migrations, folder)
    path = f"dist/{path.removeprefix('src/')}" if source.endswith(".ts") else path
    given = {
        "list": f"ls {path} | sed -n 's/^\\([0-9]*\\)-.*[.]js$/\\1/p' | sort",
        "current": f"found=$(npx --no-install typeorm migration:show -d {compiled}) && echo \"$found\" | sed -n 's/^.*\\[X\\].*[^0-9]\\([0-9]\\{{13\\}}\\)$/\\1/p'",
        "up": f"npx --no-install typeorm migration:run -d {compiled}",
        "down": f"npx --no-install typeorm migration:revert -d {compiled}",
    }
    return _found(folder, posixpath.relpath(source, folder), migrations, given)


def drizzle(folder: str, config: str, out: str, project: Project | None) -> Found:
    """Drizzle has no down migrations of its own: a file NAME.down.sql is used where there is one."""
    journal = f'require("./{out}/meta/_journal.json").entries'
    if project and project.has("postgres"):
        client = (
            'const p = require("postgres"), c = (p.default ?? p)(process.env.DATABASE_URL, {onnotice() {}}),'  # Bun has a module
            " q = s => c.unsafe(s);"
        )
    else:
        client = 'const c = new (require("pg").Client)(process.env.DATABASE_URL), q = async s => (await c.query(s)).rows; await c.connect();'
    body = (
        client
        + " const [t] = await q(\"SELECT to_regclass('drizzle.__drizzle_migrations')::text AS found\");"
        + ' const last = t.found ? Number((await q("SELECT max(created_at) AS at FROM drizzle.__drizzle_migrations"))[0].at ?? 0) : 0;'
        + f" const done = {journal}.filter(e => e.when <= last);"
    )

    # Quotation marks: the programs below are in a shell's single ones.
    def program(rest: str) -> str:
        text = f"(async () => {{ {body} {rest} await c.end() }})().catch(e => {{ console.error(e); process.exit(1) }})"
        return "node -e '" + text.replace("'", "'\\''") + "'"

    down = (
        f'const e = done.at(-1), text = require("fs").readFileSync("{out}/" + e.tag + ".down.sql", "utf8");'
        ' await q("BEGIN;" + text + ";DELETE FROM drizzle.__drizzle_migrations WHERE created_at = " + e.when + ";COMMIT");'
    )
    given = {
        "list": f"node -p '{journal}.map(e => e.tag).join(\"\\n\")'",
        "current": program("for (const e of done) console.log(e.tag);"),
        "up": f"npx --no-install drizzle-kit migrate --config {config}",
        "down": program(down),
        "script": f"cat {out}/{{to}}.down.sql 2>/dev/null || true",
    }
    return _found(folder, config, _join(folder, out), given)


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))
