"""The warm start of the reference application on a developer's machine: `shipway dev` beside `docker-compose up`, from the
command to the answers of page and API. The images are built and the accessories run; both start the same three containers
with the same commands and mounted folders."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import Row
from examples.project import APPLICATION, SHIPWAY, copy_tracked, get

TIMES = 5
PORT, PAGE, API = 8772, 8773, 8774
PATIENCE = 300.0  # seconds
COMPOSE = ("docker-compose", "docker compose")  # the first that is there


def rows() -> list[Row]:
    """The medians, and their ratio; without Compose only the first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = f"dev-{uuid.uuid4().hex[:6]}"
        copy_tracked(APPLICATION, folder / "clone")
        plan = folder / "clone" / "shipway.yaml"
        plan.write_text(plan.read_text().replace("app: catalogue", f"app: {app}"))
        for args in (
            ["init", "--quiet"],
            ["add", "--all"],
            ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--message=x"],
        ):
            subprocess.run(["git", *args], cwd=folder / "clone", check=True)
        env = {**os.environ, "SHIPWAY_HOME": str(folder / "home")}
        dev = _Started(
            [str(SHIPWAY), "dev", "--port", str(PORT)], folder / "clone", env, _both(f"{app}.localhost:{PORT}")
        )
        compose = None
        try:
            dev.once()  # builds, migrates and seeds
            compose = _compose(app, folder)
            if compose is not None:
                compose.once()
            taken: tuple[list[float], list[float]] = ([], [])
            for _ in range(TIMES):
                taken[0].append(dev.once())
                if compose is not None:
                    taken[1].append(compose.once())
        finally:
            if compose is not None:
                subprocess.run(
                    [*compose.program, "down", "--volumes"], cwd=compose.cwd, capture_output=True, check=False
                )
            down = [str(SHIPWAY), "dev", "down", "--volumes"]
            subprocess.run(down, cwd=folder / "clone", env=env, capture_output=True, check=False)
    own = statistics.median(taken[0])
    found = [Row("shipway dev, warm start of the reference application", own, "s", 5)]
    if taken[1]:
        other = statistics.median(taken[1])
        found += [
            Row("docker-compose up, the same containers", other, "s"),
            Row("shipway dev / docker-compose up", own / other, "×", 1.2),
        ]
    return found


class _Started:
    """A command that runs until Ctrl-C. answers: whether all that it starts answers."""

    def __init__(self, args: Sequence[str], cwd: Path, env: dict[str, str], answers: Callable[[], bool]) -> None:
        self.args, self.cwd, self.env, self.answers = args, cwd, env, answers
        self.program: Sequence[str] = ()

    def once(self) -> float:
        """Seconds until it answers; then it is stopped."""
        begun = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            running = subprocess.Popen(
                self.args,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                while not self.answers():
                    if running.poll() is not None or time.perf_counter() - begun > PATIENCE:
                        output.seek(0)
                        raise RuntimeError(f"{self.args} did not answer:\n{output.read().decode(errors='replace')}")
                    time.sleep(0.02)
                return time.perf_counter() - begun
            finally:
                os.killpg(running.pid, signal.SIGINT)
                running.wait(PATIENCE)


def _both(page: str, api: str | None = None) -> Callable[[], bool]:
    return lambda: all(get(f"http://{url}")[0] == 200 for url in (f"{page}/", f"{api or page}/api/healthz"))


def _compose(app: str, folder: Path) -> _Started | None:
    """The same containers as a Compose project, from what `shipway dev` made; None without Compose."""
    program = next((item.split() for item in COMPOSE if shutil.which(item.split()[0]) and _works(item.split())), None)
    if program is None:
        return None
    services: dict[str, object] = {}
    for name, port in (("frontend", f"127.0.0.1:{PAGE}:3000"), ("backend", f"127.0.0.1:{API}:8000"), ("worker", "")):
        found = _inspected(app, name)
        config, host = found["Config"], found["HostConfig"]
        given = dict(item.split("=", 1) for item in config["Env"])
        given = {key: re.sub(r"://[^@/]+@", "://catalogue:test@", value) for key, value in given.items()}
        given = {key: value.replace(f"/{app.replace('-', '_')}", "/catalogue") for key, value in given.items()}
        services[name] = {
            "image": config["Image"], "command": config["Cmd"], "environment": given, "init": True,
            **({"entrypoint": config["Entrypoint"]} if config["Entrypoint"] else {}),
            "volumes": [f"{item['Source']}:{item['Target']}" for item in host["Mounts"] if item["Type"] == "bind"],
            **({"ports": [port]} if port else {}), "stop_grace_period": "5s",
        }  # fmt: skip
    variables = {"POSTGRES_USER": "catalogue", "POSTGRES_PASSWORD": "test", "POSTGRES_DB": "catalogue"}
    services |= {"db": {"image": "postgres:15", "environment": variables}, "cache": {"image": "redis:7"}}
    where = folder / app
    where.mkdir()
    text = json.dumps({"version": "3.8", "services": services})
    (where / "docker-compose.yml").write_text(text.replace("$", "$$"))
    run = [*program, "--project-name", app]
    subprocess.run([*run, "up", "--detach", "db", "cache"], cwd=where, check=True, capture_output=True)
    ready = [*run, "exec", "-T", "db", "pg_isready", "-h", "127.0.0.1"]
    deadline = time.monotonic() + PATIENCE
    while subprocess.run(ready, cwd=where, capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError("the database of Compose is not ready")
        time.sleep(0.2)
    for command in ("alembic upgrade head", "env ADMIN_PASSWORD=test python -m catalogue.seed"):
        migrate = [*run, "run", "--rm", "--entrypoint", "sh", "backend", "-c", command]
        subprocess.run(migrate, cwd=where, check=True, capture_output=True)
    names = ["frontend", "backend", "worker"]
    made = _Started([*run, "up", *names], where, dict(os.environ), _both(f"localhost:{PAGE}", f"localhost:{API}"))
    made.program = run
    return made


def _works(program: Sequence[str]) -> bool:
    return subprocess.run([*program, "version"], capture_output=True, check=False).returncode == 0


def _inspected(app: str, service: str) -> dict:  # type: ignore[type-arg]
    labels = (f"shipway.dev={app}", f"shipway.name={service}", "shipway.role=service")
    args = ["docker", "ps", "--all", "--quiet", *(part for label in labels for part in ("--filter", f"label={label}"))]
    name = subprocess.run(args, capture_output=True, text=True, check=True).stdout.split()[0]
    found = json.loads(subprocess.run(["docker", "inspect", name], capture_output=True, check=True).stdout)
    return found[0]  # type: ignore[no-any-return]
