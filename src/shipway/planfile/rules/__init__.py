"""The rules of a plan beyond its structure. Every rule reports all its problems."""

from __future__ import annotations

from collections.abc import Callable

from shipway.domain.plan import Plan
from shipway.planfile.report import Report
from shipway.planfile.rules import (
    builds,
    clusters,
    develop,
    environments,
    pipeline,
    previews,
    proofs,
    provisioned,
    routes,
    secret_sources,
    services,
    volumes,
)
from shipway.planfile.rules import files as config_files

Files = Callable[[str], bool]  # whether a path, relative to the plan's folder, exists


def check(plan: Plan, report: Report, files: Files | None) -> None:
    """Apply all rules. Without `files`, folders and Dockerfiles aren't checked."""
    services.check(plan, report)
    routes.check(plan, report)
    volumes.check(plan, report)
    config_files.check(plan, report)
    pipeline.check(plan, report)
    builds.check(plan, report)
    develop.check(plan, report)
    environments.check(plan, report)
    clusters.check(plan, report)
    secret_sources.check(plan, report)
    proofs.check(plan, report)
    provisioned.check(plan, report)
    previews.check(plan, report)
    if files:
        pipeline.check_dockerfiles(plan, report, files)
        builds.check_contexts(plan, report, files)
        config_files.check_sources(plan, report, files)
        develop.check_folders(plan, report, files)
