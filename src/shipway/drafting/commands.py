"""What a container's command tells about its service: whether it serves requests, works, migrates or is for development."""

from __future__ import annotations

import re
import shlex

_WEB = re.compile(
    r"\b(gunicorn|uvicorn|hypercorn|daphne|granian|waitress-serve|runserver|fastapi|flask run|puma|unicorn|thin"
    r"|rails s(erver)?|bin/dev|php-fpm|apache2\S*|httpd|nginx|caddy|http-server|octane:start|artisan serve|java|dotnet"
    r"|next|nuxt|vite|webpack-dev-server|remix|((npm|pnpm|yarn|bun)( run)? (start|serve|preview|dev))|serve|flower)(?![\w-])"
)
_WORKER = re.compile(
    r"(?<![-\w])(celery\w*|rq|rqworker|rqscheduler|dramatiq|run_huey|huey|sidekiq|good_job|delayed_job|jobs:work|resque|solid_queue"
    r"|queue:(work|listen)|horizon|schedule:\w+|workers?|beat|celerybeat|scheduler|cron|crond|supercronic|consumers?|qcluster"
    r"|process_tasks|taskiq|arq|procrastinate|bin/jobs)(?![-\w=])"
)
_MIGRATES = re.compile(
    r"alembic\b[^&|;]*\bupgrade|flask\b[^&|;]*\bdb upgrade|manage\.py\S* migrate|(django-admin) migrate|prisma (migrate deploy|db push)"
    r"|sequelize(-cli)? db:migrate|knex\S* migrate:(latest|up)|(rails|rake)\b[^&|;]* db:(migrate|prepare)|artisan migrate"
    r"|typeorm\b[^&|;]*migration:run|drizzle-kit (migrate|push)|dbmate\b[^&|;]*\b(up|migrate)|goose\b[^&|;]*\bup\b"
    r"|\bmigrate\b[^&|;]*-path|-path\b[^&|;]*-database\b[^&|;]*\bup\b|flyway\b[^&|;]*migrate|liquibase\b[^&|;]*update"
    r"|diesel migration run|sqlx migrate run|((npm|pnpm|yarn|bun)( run)? \S*migrat\S*)|\bmigrate(\.sh)?$"
)
_DEVELOPMENT = re.compile(
    r"\b(nodemon|next dev|nuxt dev|runserver|ts-node-dev|tsx watch|cargo watch|bin/dev|artisan serve|webpack-dev-server"
    r"|((npm|pnpm|yarn|bun)( run)? (dev|develop|watch|start:dev))|flask run\b.*--(debug|reload)|sleep infinity"
    r"|tail -[fF] /dev/null|fastapi dev|vite)\b(?! (build|preview))|(^| )air( |$)"
)
_PORT = re.compile(
    r"(?:--(?:port|http-port|server\.port)[ =]|-p |(?:--bind|-b|--host|--addr|--listen|-l)[ =]?\S*?:|(?:0\.0\.0\.0|\[::\]|127\.0\.0\.1):)(\d{2,5})\b"
)
_SHELLED = re.compile(r"^(?:/bin/)?(?:ba|da|a)?sh -\w*c ")
_READ = 4096  # characters of a command that are searched
_MONITORS = ("--reload", "--autoreload", "--debug-mode")


def serves(command: str) -> bool | None:
    """Whether the program answers requests; None if its command doesn't tell."""
    if _WEB.search(command[:_READ]):
        return True
    return False if _WORKER.search(command[:_READ]) else None


def migrates(command: str) -> bool:
    """Whether a part of it runs migrations."""
    return any(_MIGRATES.search(part.strip()[:_READ]) for part in _parts(command))


def without_migrations(command: str) -> str:
    """The command without its parts that migrate: `sh -c 'alembic upgrade head && exec gunicorn app'` starts gunicorn."""
    kept = [part for part in _parts(command) if not _MIGRATES.search(part.strip()[:_READ])]
    if not kept:
        return ""
    if len(kept) == 1 and not re.search(r"[$`<>|*?~]", kept[0]):
        return kept[0].strip().removeprefix("exec ")
    return f"sh -c {shlex.quote(' && '.join(part.strip() for part in kept))}"


def _parts(command: str) -> list[str]:
    """The commands of a shell's line that run one after the other; the whole command if it isn't one."""
    inner = command
    if _SHELLED.match(command):
        try:
            inner = shlex.split(command)[2]
        except (ValueError, IndexError):
            return [command]
    elif "&&" not in command:
        return [command]
    return [part for part in re.split(r"&&|;|\n", inner) if part.strip()]


def is_for_development(command: str) -> bool:
    """Whether it runs a development server or nothing at all."""
    return _DEVELOPMENT.search(command[:_READ]) is not None


def without_reload(command: str) -> str:
    """The command without options that restart a server when its source changes."""
    words = command.split(" ")
    kept = [word for word in words if word.strip("'\"") not in _MONITORS]
    return command if len(kept) == len(words) else " ".join(kept)


def port_of(command: str) -> int | None:
    """The port that it is told to listen on."""
    match = _PORT.search(command[:_READ])
    return int(match[1]) if match and 0 < int(match[1]) < 65536 else None
