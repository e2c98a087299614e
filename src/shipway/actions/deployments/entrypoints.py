"""Detect an image whose ENTRYPOINT would not run the `command` that a service sets for the first time."""

from __future__ import annotations

import re

from shipway.actions.environment.jobs import never_started
from shipway.context import Context
from shipway.domain.container import ContainerSpec
from shipway.domain.plan import Plan, Service
from shipway.domain.release import Release
from shipway.steps.starting import beginning

_ARGUMENTS = re.compile(rb"\$(\{?[@*1-9]|argv)|sys\.argv|process\.argv|ARGV")


def swallowed_commands(ctx: Context, release: Release, before: Release | None) -> list[str]:
    """Return the warnings. before: the current release, whose services were reported before. ctx: of a host with the
    images."""
    return [
        warning for service in release.plan.services.values()
        if service.command and not service.entrypoint and _is_new(service, before.plan if before else None)
        and (warning := _warning(ctx, service, release.images.get(service.name, "")))
    ]  # fmt: skip


def _is_new(service: Service, before: Plan | None) -> bool:
    old = before.services.get(service.name) if before else None
    return old is None or (old.command, old.entrypoint) != (service.command, service.entrypoint)


def _warning(ctx: Context, service: Service, image: str) -> str:
    config = (ctx.images.inspect(image) or {}).get("Config")
    entrypoint = config.get("Entrypoint") if isinstance(config, dict) else None
    if not isinstance(entrypoint, list) or not entrypoint:
        return ""
    why = _why(ctx, [str(word) for word in entrypoint], image)
    return why and (
        f"warning: the image of {service.name} has the ENTRYPOINT {' '.join(map(str, entrypoint))[:80]}, {why}: `command: "
        f'{service.command}` may never run. Set `entrypoint:` beside it in the plan, or end the script with `exec "$@"`'
    )


def _why(ctx: Context, entrypoint: list[str], image: str) -> str:
    if len(entrypoint) >= 3 and entrypoint[0].rpartition("/")[2] in ("sh", "bash") and entrypoint[1] == "-c":
        return (
            "" if "$" in entrypoint[2] and re.search(r"\$[@*0-9]", entrypoint[2]) else "whose shell ignores arguments"
        )
    scripts = [word for word in entrypoint[:2] if "/" in word]
    if not scripts:
        return ""
    spec = ContainerSpec(name="shipway_entrypoint", image=image, labels={})
    with never_started(ctx, spec) as container:
        contents = [beginning(ctx, container, script) or b"" for script in scripts]
    texts = [content for content in contents if content.startswith(b"#!")]
    return "a script that reads no arguments" if texts and not any(map(_ARGUMENTS.search, texts)) else ""
