"""Express, Nest and other servers in Node."""

from __future__ import annotations

import re
import shlex

from shipway.drafting.dockerfiles import health, node
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, command, packages, process, stage, todo
from shipway.drafting.dockerfiles.sources import Sources

_FRAMEWORKS = {
    "@nestjs/core": "Nest", "express": "Express", "fastify": "Fastify", "koa": "Koa", "@hapi/hapi": "hapi", "hono": "Hono",
}  # fmt: skip
_PROGRAM = re.compile(r"^(?:NODE_ENV=\w+\s+|cross-env\s+NODE_ENV=\w+\s+)?node\s+((?:--[\w=-]+\s+)*)([\w./-]+)")
_SERVES = re.compile(r"""["'`](?:node:)?https?["'`][\s\S]*\bcreateServer\(""")
PLAIN = "Node"
_ENDINGS = (".js", ".mjs", ".cjs", ".ts", ".mts")


def find(sources: Sources) -> Recipe | None:
    """None for a folder whose package.json names no server."""
    needs = node.needs(sources)
    texts = list(sources.tree(*_ENDINGS))
    framework = next(
        (shown for name, shown in _FRAMEWORKS.items() if name in needs), _without_framework(sources, texts)
    )
    if framework is None:
        return None
    chosen = node.manager(sources)
    words, started = _start(sources, chosen)
    port, port_fact = _port(texts)
    path = _health(texts, framework)
    version, base = node.base(sources, chosen, packages(["tini"]))
    built = node.script(sources, "build")
    stages = [base]
    if built:
        stages += [
            node.dependencies(sources, chosen),
            stage(
                "FROM dependencies AS build", "COPY . .", f"RUN {chosen.run('build')}",
                "# The packages of the image below are those without the ones for development.", "RUN rm -rf node_modules",
            ),
        ]  # fmt: skip
    local = any(re.search(r"""listen\([^)]*["'](?:localhost|127\.0\.0\.1)["']""", text) for _, text in texts)
    final = stage(
        "FROM base",
        f"ENV NODE_ENV=production PORT={port}",
        "COPY --from=production-dependencies /app ./",
        "COPY --from=build /app ./" if built else "COPY . .",
        "USER node",
        f"EXPOSE {port}",
        todo("it listens on localhost only, which nothing outside of the container reaches: use 0.0.0.0")
        if local
        else "",
        health.check(health.node(port, health.path_of(path)), path),
        "# Node as the first process would ignore the signal to stop.",
        'ENTRYPOINT ["tini", "--"]',
        command(words),
    )
    facts = (version, chosen.fact, started, port_fact)
    ignored = (*node.IGNORED, *(("dist",) if built else ()))
    return Recipe(framework, facts, (*stages, node.production(sources, chosen), final), ignored)


def _without_framework(sources: Sources, texts: list[tuple[str, str]]) -> str | None:
    """What runs by `node` and serves by Node's own module; a site that has such a program for its tests only is none."""
    scripts = [node.script(sources, name) for name in ("start:prod", "start:production", "start")]
    runs = any(_PROGRAM.match(text) for text in (*scripts, sources.process or "") if text)
    serves = any(_SERVES.search(text) and ".listen(" in text for _, text in texts)
    return PLAIN if sources.package and runs and serves else None


def _start(sources: Sources, chosen: node.Manager) -> tuple[list[str], str]:
    """By `node` itself where a script says so: npm would keep the signals to itself."""
    for name in ("start:prod", "start:production", "start"):
        text = node.script(sources, name)
        match = _PROGRAM.fullmatch(text)
        if match:
            return ["node", *shlex.split(match[1]), match[2]], f"Start command: the script {name} in package.json"
        if text and not re.search(r"\b(nodemon|ts-node-dev|nest start|tsx watch|concurrently|vite)\b", text):
            return [chosen.name, "run", name], f"Start command: the script {name} in package.json"
    if sources.process:
        return process(sources.process, 3000), "Start command: web in Procfile"
    main = str(sources.package.get("main") or "")
    if node.safe(main) and (sources.has(main) or main.startswith(("dist/", "./dist/", "build/"))):
        return ["node", main], "Start command: main in package.json"
    file = sources.first(
        "dist/main.js", "server.js", "index.js", "app.js", "src/server.js", "src/index.js", "src/app.js"
    )
    if file is None and "@nestjs/core" in node.needs(sources):
        return ["node", "dist/main"], "Start command: what `nest build` makes"
    if file is None:
        raise Unclear(
            'package.json has no `start` script: add one that runs the built server, such as "node server.js"'
        )
    return ["node", file], f"Start command: {file}"


def _port(texts: list[tuple[str, str]]) -> tuple[int, str]:
    """What it listens on where PORT isn't set; PORT is set to the same."""
    for pattern in (
        r"""process\.env\.PORT\s*\)?\s*(?:\|\||\?\?)\s*["']?(\d{2,5})\b""",
        r"""\.listen\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b""",
        r"""\b(?:PORT|port)\s*(?::\s*number\s*)?=\s*(\d{2,5})\b""",
    ):
        for name, text in texts:
            match = re.search(pattern, text)
            if match and 0 < int(match[1]) < 65536:
                return int(match[1]), f"Port {match[1]}: {name}"
    return 3000, "Port 3000: the usual one; it should listen on PORT"


def _health(texts: list[tuple[str, str]], framework: str) -> tuple[str, str] | None:
    if framework == PLAIN:
        return health.find(r"""(?:\burl|\bpath|pathname)\s*===?\s*[\"'`]/NAME[\"'`]""", texts)
    if framework != "Nest":
        return health.find(r"\b(?:app|server|fastify)\.get\(\s*[\"'`]/NAME[\"'`]", texts)
    prefix = next(
        (
            match[1].strip("/")
            for _, text in texts
            if (match := re.search(r"setGlobalPrefix\(\s*[\"'`]([\w/-]+)", text))
        ),
        "",
    )
    found = health.find(r"@Controller\(\s*[\"'`]/?NAME[\"'`]\s*\)[\s\S]*?@Get\(\s*\)", texts)
    return (f"/{prefix}{found[0]}" if prefix else found[0], found[1]) if found else None
