"""Commands of the `docker` program for hints in messages."""

from __future__ import annotations

from shipway.domain.engine_commands import EngineCommands

COMMANDS = EngineCommands(
    build_for_platform="docker build --platform",
    prune_build_cache="docker builder prune",
    prune_images="docker image prune --all",
    # Not `docker volume prune`: older engines also remove the volume of a database that has no container.
    remove_volumes="docker volume rm",
    shell="docker exec --interactive --tty",
    unused_volumes="$(docker volume ls --quiet --filter dangling=true | grep -xE '[0-9a-f]{64}')",
)
