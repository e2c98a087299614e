"""Workflows of Woodpecker CI: one file for the checks, and one for each environment."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.drafting.ci import script
from shipway.drafting.ci.model import Job, Pipeline
from shipway.drafting.ci.patterns import branch_regex, deployed_branches, is_plain, tag_regex
from shipway.drafting.ci.scalars import block, scalar, scalars

FILE = ".woodpecker/shipway.yml"
RUNNER = "backend=local"
WHERE = "the repository's Settings > Secrets, for the events push, tag and deployment"


def files(pipeline: Pipeline) -> Mapping[str, str]:
    """The texts, by their paths."""
    found = {FILE: _file(_checks(pipeline))}
    for job in pipeline.jobs:
        found[f".woodpecker/shipway-{job.key}.yml"] = _file(_deployment(pipeline, job))
    return found


def secrets_of(job: Job) -> list[str]:
    """Names of the secrets that a person sets."""
    return [secret.name.lower() for secret in job.required]


def _file(lines: list[str]) -> str:
    """What a brace follows is replaced in the whole file, before it is read as YAML."""
    return "\n".join(lines).replace("${", "$${") + "\n"


def _checks(pipeline: Pipeline) -> list[str]:
    commands = [
        *script.begin(),
        *script.install(script.word(pipeline.package)),
        *script.on_path(),
        *script.checks(pipeline, "woodpecker", '"$CI_COMMIT_SHA"'),
    ]
    conditions = ["  - event: pull_request"]
    for name in pipeline.tagged_branches:
        conditions += _pushed(name)
    asked = [job.trigger.tag for job in pipeline.jobs if job.trigger.tag and job.asks]
    for tag in dict.fromkeys(asked):  # a pipeline that can be deployed
        conditions += ["  - event: tag", f"    evaluate: {_matches('CI_COMMIT_TAG', tag_regex(tag))}"]
    return [
        "# No secrets: a pull request can't reach the ledger, the hosts or the registry.",
        "when:",
        *conditions,
        *_usual(pipeline),
        "steps:",
        "  - name: checks",
        "    image: bash",
        "    commands:",
        "      - |",
        block(commands, 8),
    ]


def _deployment(pipeline: Pipeline, job: Job) -> list[str]:
    commands = [
        *script.begin(),
        *script.require(job),
        *script.install(script.word(pipeline.package)),
        *script.on_path(),
        'export SHIPWAY_ACTOR="$CI_PIPELINE_AUTHOR"',
        'case "$CI_COMMIT_REF" in',
        '  refs/heads/*) git update-ref "$CI_COMMIT_REF" "$CI_COMMIT_SHA"; revision=$CI_COMMIT_SHA ;;',
        "  *) revision=$CI_COMMIT_REF ;;",
        "esac",
        'if [ "$CI_PIPELINE_EVENT" = deployment ]; then',
        "  " + script.deploy(job, '"$revision"'),
        "else",
        "  " + script.run(job, '"$CI_COMMIT_REF"'),
        "fi",
    ]
    conditions: list[str] = []
    if not job.asks:
        for name in deployed_branches(job.trigger):
            conditions += _pushed(name)
        if job.trigger.tag:
            conditions += ["  - event: tag", f"    evaluate: {_matches('CI_COMMIT_TAG', tag_regex(job.trigger.tag))}"]
    return [
        "when:",
        *conditions,
        "  - event: deployment # a person's word: Deploy, on the page of a pipeline",
        f"    evaluate: {scalar(f'CI_PIPELINE_DEPLOY_TARGET == {scalar(job.key)}')}",
        "concurrency: # one deployment at a time",
        "  limit: 1",
        f"  group: {job.group}",
        *_usual(pipeline),
        "steps:",
        "  - name: deploy",
        "    image: bash",
        "    environment:",
        *(f"      {secret.name}: {{from_secret: {secret.name.lower()}}}" for secret in job.required),
        "    commands:",
        "      - |",
        block(commands, 8),
    ]


def _pushed(pattern: str) -> list[str]:
    if is_plain(pattern):
        return ["  - event: push", f"    branch: {scalars([pattern])}"]
    return ["  - event: push", f"    evaluate: {_matches('CI_COMMIT_BRANCH', branch_regex(pattern))}"]


def _matches(variable: str, regex: str) -> str:
    """A condition: a text of its language has the escapes of JSON, and `$` ends the expression's text, not a variable."""
    return scalar(f"{variable} matches {scalar(regex)}")


def _usual(pipeline: Pipeline) -> list[str]:
    pairs = [label.strip().partition("=") for label in (pipeline.runner or RUNNER).split(",")]
    return [
        "labels: # an agent with the local backend, on a machine with a Docker Engine",
        *(f"  {name}: {scalar(value or 'true')}" for name, _, value in pairs),
        "clone:",
        "  git:",
        "    image: woodpeckerci/plugin-git",
        "    settings: {depth: 0, partial: false, tags: true} # authors and rules need all commits and tags",
    ]
