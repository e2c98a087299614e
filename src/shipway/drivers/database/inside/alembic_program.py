"""Runs in the image, with the interpreter of its `alembic`: several commands in one process, because each start of
alembic takes half a second. Passed to `python -c` as text; for Python 3.7 and all releases of alembic since 1.0.

Arguments: the folder of `alembic`, which is added to the front of sys.path as alembic itself does (`-`: only the module
exists; empty: each command starts the program); a verb, and its operands. The relevant lines of the output are marked,
since log lines and the output of a project's env.py are on the same stream. The verb `serve` answers requests on stdin.

A folder of Flask-Migrate has no script_location in its alembic.ini: commands then run in the context of the Flask app, which
is found as `flask` finds it, from $SHIPWAY_WORKDIR or from the folder's parent.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import re
import site
import subprocess
import sys
import sysconfig
import tempfile
import threading
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

BESIDE = sys.argv[1]
UNKNOWN = 64  # exit code if the image lacks the target revision
OTHER = 65  # exit code of a served command that would use another database than the given one
TABLES: set[str] = set()  # the tables with the applied revisions, as env.py configures them
APPS: list[Any] = []  # the Flask app, once it was needed


def alembic(*argv: str) -> tuple[int, list[str]]:
    """Run a command; returns its exit code and lines."""
    lines: list[str] = []
    sys.stdout.flush()
    own, (read, write) = os.dup(1), os.pipe()
    os.dup2(write, 1)
    os.close(write)

    def take() -> None:
        with open(read, encoding="utf-8", errors="replace") as output:
            lines.extend(output.read().splitlines())

    reader = threading.Thread(target=take)
    reader.start()
    try:
        code = command(argv)
    finally:
        sys.stdout.flush()
        os.dup2(own, 1)
        os.close(own)
        reader.join()
    return code, lines


def command(argv: Sequence[str]) -> int:
    """Exit code, as a shell would see it."""
    if not BESIDE:
        return subprocess.call(["alembic", *argv])
    try:
        from alembic.config import main  # type: ignore[import-not-found]  # of the image

        observe()
        if FLASK:
            in_flask(argv)
        else:
            main(argv=list(argv), prog="alembic")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 255
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def is_flask_folder() -> bool:
    """Whether the working directory is one that Flask-Migrate made."""
    try:
        with open("alembic.ini", encoding="utf-8") as settings, open("env.py", encoding="utf-8") as env:
            return not re.search(r"^\s*script_location\s*[=:]", settings.read(), re.MULTILINE) and "flask" in env.read()
    except (OSError, ValueError):
        return False


def in_flask(argv: Sequence[str]) -> None:
    """Run a command of alembic as `flask db` does. Listing the heads needs no app."""
    from alembic.config import CommandLine

    class Command(CommandLine):  # type: ignore[misc]
        def run_cmd(self, config: Any, options: Any) -> None:
            if argv[0] == "heads":
                config.set_main_option("script_location", FLASK.replace("%", "%%"))
                super().run_cmd(config, options)
                return
            app = flask_app()
            with app.app_context():
                own = app.extensions["migrate"].migrate.get_config(FLASK)
                own.cmd_opts = options
                super().run_cmd(own, options)

    Command(prog="alembic").main(argv=["-c", os.path.join(FLASK, "alembic.ini"), *argv])


def flask_app() -> Any:
    """The app that `flask` finds."""
    from flask.cli import NoAppException, ScriptInfo, load_dotenv  # type: ignore[import-not-found]

    for place in () if APPS else (os.environ.get("SHIPWAY_WORKDIR") or ".", os.path.dirname(FLASK)):
        os.chdir(place)
        load_dotenv()
        try:
            APPS.append(ScriptInfo(os.environ.get("FLASK_APP")).load_app())
            break
        except NoAppException as error:
            failure = error
    if not APPS:
        print(failure.format_message(), file=sys.stderr)
        sys.exit(1)
    if "migrate" not in APPS[0].extensions:
        print("the Flask app has no Flask-Migrate: it must call Migrate(app, db)", file=sys.stderr)
        sys.exit(1)
    return APPS[0]


def observe(given: str | None = None) -> None:
    """Note the table that env.py configures. With the name of a given database, exit before anything runs on another
    one."""
    try:
        from alembic.runtime.environment import EnvironmentContext  # type: ignore[import-not-found]
    except ImportError:
        return
    if hasattr(EnvironmentContext, "unobserved"):
        return
    original = EnvironmentContext.unobserved = EnvironmentContext.configure

    def configure(self: Any, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        context = self.get_context()
        TABLES.add(context.version_table)
        if given and context.connection is not None and given not in str(context.connection.engine.url.database):
            sys.stdout.flush()
            os._exit(OTHER)

    EnvironmentContext.configure = configure


def version_tables() -> Iterable[str]:
    """The tables of the commands so far. Those of a program that each command starts are read from the text of
    env.py; none if it sets no literal name."""
    if TABLES or BESIDE:
        return sorted(TABLES)
    try:
        with open("alembic.ini", encoding="utf-8") as file:
            found = re.search(r"^\s*script_location\s*=\s*(\S+)", file.read(), re.MULTILINE)
        with open((found.group(1) if found else "").replace("%(here)s", ".") + "/env.py", encoding="utf-8") as file:
            return sorted(set(re.findall(r"""\bversion_table\s*=\s*["']([^"']+)["']""", file.read())))
    except (OSError, ValueError):
        return []


def mark(name: str, lines: Iterable[str]) -> None:
    for line in lines:
        print(f"shipway-{name}: {line}")


def marked(name: str, *argv: str) -> int:
    code, lines = alembic(*argv)
    mark(name, [*lines, f"exit {code}"])
    return code


def state(below: str | None = None) -> int:
    """Print the state of the scripts and the database, with the files from a revision on."""
    marked("history", "history")
    if below is not None:
        files((), "-r", below + ":current")
    code = marked("current", "current")
    mark("own", version_tables() or ([] if code else ["alembic_version"]))
    return code


def files(wanted: Sequence[str], *options: str) -> None:
    """Print the files of the given revisions; of all if there are none."""
    shown = False
    for line in alembic("history", "--verbose", *options)[1]:
        if line.startswith("Rev: "):
            shown = not wanted or line[5:].split(" ")[0] in wanted
            mark("files", [line] if shown else [])
        elif shown and line.startswith("Path: "):
            mark("files", [line])
            with open(line[6:], encoding="utf-8", errors="replace") as file:
                mark("files", ["|" + text.rstrip("\n") for text in file])


def scripts(*revisions: str) -> None:
    """Print the files and the statements of the downgrade."""
    files(revisions)
    code, lines = alembic("downgrade", f"{revisions[-1]}:{revisions[0]}-1", "--sql")
    mark("sql", [] if code else lines)


def migrate(verb: str, targets: Sequence[str]) -> int:
    """Migrate to one target after the other. After a failure, print the state. Lines keep their order."""
    sys.stdout.flush()
    os.dup2(1, 2)
    for target in targets:
        failed = command([verb, target])
        if failed:
            sys.stdout.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            state()
            return failed
    return 0


def has(revision: str) -> bool:
    pattern = f" -> {re.escape(revision)}[ ,]"
    return any(re.search(pattern, line) for line in alembic("history")[1])


def serve() -> int:
    """Answer requests, lines of JSON on stdin, until its end: `env` is set for the command with the arguments `argv`,
    which must use the database `name`. Each answer has several lines of JSON, whose last one has the exit code.

    A command runs in a fork, so that env.py, the project's modules and the database are always new to it; whatever it
    does to its process ends with it. What it imports from the standard library and installed packages, not from the
    project, is then imported here, so that the next one finds it. `threads` in the answer says that this started some:
    it can't fork safely any more.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "w", encoding="ascii")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    learned = not BESIDE
    for line in iter(requests.readline, b""):
        request = json.loads(line.decode())
        with tempfile.TemporaryFile("w+", encoding="utf-8") as imported:
            read, write = os.pipe()
            child = os.fork()
            if not child:
                os.dup2(write, 1)
                os.dup2(write, 2)
                for number in (read, write, requests.fileno(), answers.fileno()):
                    os.close(number)
                code = served(request)
                if not learned:
                    json.dump(libraries(), imported)
                    imported.flush()
                end(code)
            os.close(write)
            with open(read, encoding="utf-8", errors="replace") as output:
                for text in iter(lambda: output.readline(1 << 16), ""):
                    answer(answers, {"output": text})
            status = os.waitpid(child, 0)[1]
            if status == 0 and not learned and request["argv"][0] == "state":
                imported.seek(0)
                preload(json.load(imported))
                learned = True
        code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        answer(answers, {"code": code, "threads": threading.active_count() > 1})
    return 0


def served(request: dict[str, Any]) -> int:
    os.environ.update(request["env"])
    try:
        if BESIDE:
            observe(request["name"])
        return run(request["argv"][0], request["argv"][1:])
    except BaseException:
        traceback.print_exc()
        return 1


def end(code: int) -> None:
    """End a fork as Python ends, but without freeing its memory, which would copy all that it shares."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def answer(answers: Any, what: dict[str, Any]) -> None:
    answers.write(json.dumps(what) + "\n")
    answers.flush()


def libraries() -> Sequence[str]:
    """The modules that were imported from the standard library and from installed packages, in their order."""
    paths = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    places = tuple(path + os.sep for path in paths)
    return [
        name
        for name, module in list(sys.modules.items())
        if name != "__main__" and (getattr(module, "__file__", None) or "").startswith(places)
    ]


def preload(modules: Iterable[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except BaseException:  # it is imported by each command then
            continue
    gc.freeze()  # a collection in a fork would copy all that it shares


def run(verb: str, targets: Sequence[str]) -> int:
    if verb == "serve":
        return serve()
    if verb == "heads":
        return command(["heads"])
    if verb == "state":
        return state(*targets)
    if verb in ("files", "scripts"):
        files(targets) if verb == "files" else scripts(*targets)
        return 0
    if verb == "upgrade" and targets[0] != "head" and not has(targets[0]):
        state()
        return UNKNOWN
    return migrate(verb, targets)


FLASK = os.getcwd() if BESIDE and is_flask_folder() else ""  # the folder of Flask-Migrate
sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # whatever the image's locale is
if BESIDE not in ("", "-") and sys.path[:1] == [""]:
    sys.path[0] = BESIDE
RESULT = run(sys.argv[2], sys.argv[3:])
sys.stdout.flush()
sys.exit(RESULT)
