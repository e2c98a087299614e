"""Generate docs/plan.md from the annotated reference."""

from __future__ import annotations

from shipway.planfile import reference
from shipway.planfile.sections import PLAN

_INTRODUCTION = """\
# The plan file

<!-- Generated from src/shipway/planfile/reference by `python -m shipway.planfile.schema --docs`. Edit the reference. -->

`shipway.yaml` is in the root of the repository. `shipway init` generates a first one, `shipway check` lists all its
problems with line and column, and `shipway check --schema` prints a JSON Schema for your editor. Together, the sections below
are one valid plan that contains every key. Only `app` and `services` are required.

It is YAML 1.2: `on` is an ordinary string. An unknown or duplicate key is an error. As in Compose files, keys that begin with `x-`
are ignored, wherever Shipway defines keys; use them for anchors: `x-web: &web {build: .}`, then `web: {<<: *web, route: /}`. The file
has at most 256 KB of UTF-8.

| value | format |
|---|---|
| names | at most 40 lower-case letters, digits and hyphens, a letter first |
| variables and secrets | letters, digits and underscores, no digit first |
| durations | `250ms`, `30s`, `5m`, `1h`, `7d` |
| sizes | `512M`, `1G` (K, M, G of 1024) |
| lists | `[a, b]`; a single value needs no brackets |
| variables' values | text, numbers, `true` and `false`, taken literally |
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(_section(name) for name in PLAN.fields)])


def _section(name: str) -> str:
    return f"## {name}\n\n{reference.prose(name)}\n\n```yaml\n{reference.body(name)}```\n"
