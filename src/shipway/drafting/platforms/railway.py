"""railway.json or railway.toml."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from shipway.drafting.draft import ServiceDraft
from shipway.drafting.platforms.declared import MAIN, Declared, command
from shipway.drafting.tree import Tree, join, mapping, number_of, text_of

PORT = 8080


def read(tree: Tree) -> Iterator[Declared]:
    """One for each file."""
    for path in tree.named("railway.json", "railway.toml"):
        folder, name = posixpath.split(path)
        data = mapping(tree.json(path)) if name.endswith("json") else tree.toml(path)
        build, deploy = mapping(data.get("build")), mapping(data.get("deploy"))
        found = Declared(path, folder or ".", sets_port=PORT)
        if text_of(deploy.get("cronSchedule")):
            found.notes.append(f"{path} was ignored: a plan runs nothing on a schedule")
            yield found
            continue
        draft = ServiceDraft(MAIN, why=[path])
        draft.command = command(text_of(deploy.get("startCommand")))
        health = text_of(deploy.get("healthcheckPath"))
        if health and health.startswith("/"):
            draft.health, draft.serves = health, True
            draft.why.append(f"health {health} from healthcheckPath")
        count = number_of(deploy.get("numReplicas"), 100)
        draft.replicas = count if count and count > 1 else None
        before = deploy.get("preDeployCommand")
        found.release = text_of(before[0] if isinstance(before, list) and before else before)
        file = text_of(build.get("dockerfilePath"))
        if file:
            # Paths begin at the root of the repository or at the folder of the service.
            inside = join(".", file.lstrip("/"))
            options = [join(found.folder, inside), inside]
            chosen = next((option for option in options if tree.is_file(option)), None)
            if chosen and ".." not in chosen:
                found.dockerfiles[draft.name] = chosen
        found.services.append(draft)
        yield found
