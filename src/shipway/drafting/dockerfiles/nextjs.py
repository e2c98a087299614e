"""Next.js, as a server; with `output: 'export'` it is a static site."""

from __future__ import annotations

import re

from shipway.drafting.dockerfiles import health, node
from shipway.drafting.dockerfiles.recipe import Recipe, command, stage
from shipway.drafting.dockerfiles.sources import Sources

PORT = 3000
PUBLIC = ("NEXT_PUBLIC_",)
_ROUTE = re.compile(r"(?:src/)?(?:app/(.+)/route|pages/(api/.+))\.[jt]s")
_NAME = re.compile(health.NAME)


def config(sources: Sources) -> tuple[str, str]:
    """Name and text of its configuration."""
    name = sources.first("next.config.ts", "next.config.mjs", "next.config.js", "next.config.cjs") or ""
    return name, sources.text(name) if name else ""


def output(sources: Sources) -> str:
    """`standalone`, `export`, or nothing."""
    match = re.search(r"""\boutput\s*:\s*["'`](\w+)["'`]""", config(sources)[1])
    return match[1] if match else ""


def find(sources: Sources) -> Recipe | None:
    """None for a folder without Next.js, or one that it exports as files."""
    if "next" not in node.needs(sources) or output(sources) == "export":
        return None
    chosen = node.manager(sources)
    version, base = node.base(sources, chosen, "ENV NEXT_TELEMETRY_DISABLED=1")
    alone = output(sources) == "standalone"
    path = _health(sources)
    script = chosen.run("build") if node.script(sources, "build") else chosen.execute("next build")
    build = stage(
        "FROM dependencies AS build",
        node.public_variables(sources, PUBLIC),
        "COPY . .",
        f"RUN --mount=type=cache,target=/app/.next/cache {script}",
    )
    public = "COPY --from=build /app/public ./public" if sources.has("public") else ""
    if alone:
        copies = [
            "COPY --from=build --chown=node:node /app/.next/standalone ./",
            "COPY --from=build --chown=node:node /app/.next/static ./.next/static",
            public,
        ]
        words, stages = ["node", "server.js"], tuple[str, ...]()
    else:
        copies = [
            "# Smaller with `output: 'standalone'` in the configuration of Next.js: then write this file again.",
            "COPY --from=production-dependencies /app ./",
            "COPY --from=build --chown=node:node /app/.next ./.next",
            public,
            f"COPY {name} ./" if (name := config(sources)[0]) else "",
        ]
        words, stages = ["node", "node_modules/next/dist/bin/next", "start"], (node.production(sources, chosen),)
    final = stage(
        "FROM base",
        f"ENV NODE_ENV=production PORT={PORT} HOSTNAME=0.0.0.0",
        copies,
        "USER node",
        f"EXPOSE {PORT}",
        health.check(health.node(PORT, health.path_of(path)), path),
        command(words),
    )
    facts = (
        version,
        chosen.fact,
        f"Output: {'standalone' if alone else 'the usual one'}, {config(sources)[0] or 'without a configuration'}",
    )
    ignored = (*node.IGNORED, ".next", "out", "next-env.d.ts", *node.public_files(sources, PUBLIC))
    return Recipe("Next.js", facts, (base, node.dependencies(sources, chosen), build, *stages, final), ignored)


def _health(sources: Sources) -> tuple[str, str] | None:
    for name, _ in sources.tree(".js", ".ts"):
        match = _ROUTE.fullmatch(name)
        path = (match[1] or match[2]) if match else ""
        if path and _NAME.fullmatch(path):
            return f"/{path}", name
    return None
