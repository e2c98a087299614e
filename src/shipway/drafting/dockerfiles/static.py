"""Static sites, built by Vite and others or already there, served by Caddy."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shipway.drafting.dockerfiles import health, nextjs, node
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear, stage
from shipway.drafting.dockerfiles.sources import Sources, get, mapping

PORT = 8080
# Package that builds: its name, its command, the folder it writes, and whether one page serves all paths.
_BUILDERS: Mapping[str, tuple[str, str, str, bool]] = {
    "astro": ("Astro", "astro build", "dist", False),
    "gatsby": ("Gatsby", "gatsby build", "public", False),
    "next": ("Next.js, exported", "next build", "out", False),
    "@docusaurus/core": ("Docusaurus", "docusaurus build", "build", False),
    "@11ty/eleventy": ("Eleventy", "eleventy", "_site", False),
    "@sveltejs/kit": ("SvelteKit", "vite build", "build", True),
    "react-scripts": ("React", "react-scripts build", "build", True),
    "@vue/cli-service": ("Vue", "vue-cli-service build", "dist", True),
    "@angular/cli": ("Angular", "ng build", "dist", True),
    "parcel": ("Parcel", "parcel build", "dist", True),
    "vite": ("Vite", "vite build", "dist", True),
}
_PUBLIC = ("VITE_", "REACT_APP_", "VUE_APP_", "PUBLIC_", "GATSBY_", *nextjs.PUBLIC)


def find(sources: Sources) -> Recipe | None:
    """None for a folder without a builder of static sites and without an index.html in the root."""
    needs = node.needs(sources)
    builder = next((name for name in _BUILDERS if name in needs), None)
    if builder is None:
        return _plain(sources) if sources.folder == "." and not sources.has("package.json") else None
    if "@sveltejs/kit" in needs and "@sveltejs/adapter-static" not in needs:
        raise Unclear(
            "SvelteKit writes no static site here: use @sveltejs/adapter-static, or write a Dockerfile for your adapter"
        )
    if "@astrojs/node" in needs:
        raise Unclear("Astro runs as a server here: write a Dockerfile that runs dist/server/entry.mjs")
    name, program, _, _ = _BUILDERS[builder]
    folder, folder_fact = _folder(sources, builder)
    chosen = node.manager(sources)
    version, base = node.base(sources, chosen)
    script = chosen.run("build") if node.script(sources, "build") else chosen.execute(program)
    build = stage("FROM dependencies AS build", node.public_variables(sources, _PUBLIC), "COPY . .", f"RUN {script}")
    final = _served(f"COPY --from=build /app/{folder} /srv", one_page=_BUILDERS[builder][3])
    ignored = (*node.IGNORED, folder.split("/")[0], *node.public_files(sources, _PUBLIC))
    facts = (version, chosen.fact, f"Files of the site: {folder}, {folder_fact}")
    return Recipe(name, facts, (base, node.dependencies(sources, chosen), build, final), ignored)


def _plain(sources: Sources) -> Recipe | None:
    """Files that need no build."""
    if not sources.has("index.html"):
        return None
    final = _served("COPY . /srv", one_page=False)
    return Recipe(
        "Static site",
        ("Files of the site: this folder, since it has index.html and no package.json",),
        (final,),
        ("*.md",),
    )


def _folder(sources: Sources, builder: str) -> tuple[str, str]:
    """Where the build writes the site."""
    usual = _BUILDERS[builder][2]
    if builder == "@angular/cli":
        return _angular(sources)
    file = sources.first(
        *(f"{stem}.config.{ending}" for stem in ("vite", "astro", "vue") for ending in ("ts", "mts", "js", "mjs"))
    )
    match = (
        re.search(r"""\b(?:outDir|outputDir)\s*:\s*["'](?:\./)?([\w-][\w./-]*)["']""", sources.text(file))
        if file
        else None
    )
    return (match[1].strip("/"), f"from {file}") if match else (usual, "the usual folder")


def _angular(sources: Sources) -> tuple[str, str]:
    projects = mapping(sources.json("angular.json").get("projects"))
    for name, project in projects.items():
        build = mapping(get(mapping(project), "architect", "build"))
        path = get(build, "options", "outputPath")
        below = "/browser" if str(build.get("builder")).endswith(":application") else ""
        path = path if isinstance(path, str) else get(mapping(path), "base") or f"dist/{name}"
        if isinstance(path, str) and node.safe(path):
            return path.strip("/") + below, "from angular.json"
    raise Unclear("angular.json names no project with a build: write the Dockerfile by hand")


_ONE_PAGE = ("  try_files {path} /index.html",)
_PAGES = (
    "  try_files {path} {path}.html {path}/index.html",
    "  handle_errors {", "    rewrite * /404.html", "    file_server", "  }",
)  # fmt: skip


def _served(copy: str, *, one_page: bool) -> str:
    """The last stage. Lines of a Caddyfile, since a site has no file of its own for it."""
    rules = _ONE_PAGE if one_page else _PAGES
    lines = ("{", "  admin off", "}", f":{PORT} {{", "  root * /srv", "  encode gzip", *rules, "  file_server", "}")
    written = " \\\n    ".join(f"'{line}'" for line in lines)
    return stage(
        "FROM caddy:2",
        "# Unknown paths get index.html, whose script has the routes." if one_page else "",
        f"RUN printf '%s\\n' {written} \\\n    > /etc/caddy/Caddyfile",
        copy,
        "# Caddy may write only here.",
        "ENV XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp",
        "USER 1000:1000",
        f"EXPOSE {PORT}",
        health.line(health.wget(PORT, "/"), 5),
    )
