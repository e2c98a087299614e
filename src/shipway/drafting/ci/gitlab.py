"""Jobs of GitLab CI: a file, or a part that the team's own file includes."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.drafting.ci import script
from shipway.drafting.ci.model import Job, Pipeline
from shipway.drafting.ci.patterns import branch_regex, deployed_branches, is_plain, tag_regex
from shipway.drafting.ci.scalars import block, scalar, scalars

FILE = ".gitlab-ci.yml"
PART = ".gitlab/shipway.yml"  # where the repository has a file of its own
RUNNER = "shipway"
WHERE = "Settings > CI/CD > Variables: masked, protected, with the environment as their scope"


def files(pipeline: Pipeline) -> Mapping[str, str]:
    """The text, by its path."""
    return {
        FILE: "\n".join([*_checks(pipeline), *(line for job in pipeline.jobs for line in _deployment(pipeline, job))])
        + "\n"
    }


def secrets_of(job: Job) -> list[str]:
    """Names of the secrets that a person sets."""
    return [secret.name for secret in job.secrets]


def _checks(pipeline: Pipeline) -> list[str]:
    commands = [
        *script.begin(),
        *script.without_secrets(pipeline),
        *script.install(script.word(pipeline.package)),
        *script.on_path(),
        *script.checks(pipeline, "gitlab", '"$CI_COMMIT_SHA"'),
    ]
    pushed = [f'$CI_PIPELINE_SOURCE == "push" && {_is_branch(name)}' for name in pipeline.tagged_branches]
    return [
        "shipway:checks: # no secrets: protected variables, and those of an environment, are not for merge requests",
        *_usual(pipeline, "test"),
        "  interruptible: true",
        "  rules:",
        *(f"    - if: {scalar(rule)}" for rule in ['$CI_PIPELINE_SOURCE == "merge_request_event"', *pushed]),
        "  script:",
        "    - |",
        block(commands, 6),
    ]


def _deployment(pipeline: Pipeline, job: Job) -> list[str]:
    commands = [
        *script.begin(),
        *script.require(job),
        *script.install(script.word(pipeline.package)),
        *script.on_path(),
        *script.by_ssh(job, until_end=True),
        'export SHIPWAY_ACTOR="$GITLAB_USER_EMAIL"',
        'if [ "$CI_PIPELINE_SOURCE" = web ]; then',
        "  " + script.deploy(job, '"$DEPLOY_REVISION"'),
        'elif [ -n "$CI_COMMIT_TAG" ]; then',
        "  " + script.run(job, '"refs/tags/$CI_COMMIT_TAG"'),
        "else",
        '  git update-ref "refs/heads/$CI_COMMIT_BRANCH" "$CI_COMMIT_SHA"',
        "  " + script.run(job, '"refs/heads/$CI_COMMIT_BRANCH"'),
        "fi",
    ]
    return [
        f"shipway:{job.key}:",
        *_usual(pipeline, "deploy"),
        "  environment:",
        f"    name: {job.key}",
        f"    url: {scalar(job.url)}",
        f"  resource_group: {job.group} # one deployment at a time",
        "  interruptible: false # and none is ended in the middle",
        "  rules:",
        *_rules(job),
        "  script:",
        "    - |",
        block(commands, 6),
    ]


def _rules(job: Job) -> list[str]:
    conditions = [_is_branch(name) for name in deployed_branches(job.trigger)]
    conditions += [f"$CI_COMMIT_TAG =~ /{tag_regex(job.trigger.tag)}/"] if job.trigger.tag else []
    lines = []
    for condition in conditions:
        lines.append("    - if: " + scalar(f'$CI_PIPELINE_SOURCE == "push" && {condition}'))
        lines += ["      when: manual # the plan asks for approvals", "      allow_failure: false"] if job.asks else []
    return [*lines, "    - if: " + scalar(f'$CI_PIPELINE_SOURCE == "web" && $DEPLOY_TO == "{job.key}"')]


def _usual(pipeline: Pipeline, stage: str) -> list[str]:
    labels = [label.strip() for label in (pipeline.runner or RUNNER).split(",")]
    return [
        f"  stage: {stage}",
        f"  tags: {scalars(labels)} # a runner with the shell executor, on a machine with a Docker Engine",
        "  variables:",
        '    GIT_DEPTH: "0" # authors and rules need all commits and tags',
    ]


def _is_branch(pattern: str) -> str:
    return (
        f"$CI_COMMIT_BRANCH == {_text(pattern)}"
        if is_plain(pattern)
        else f"$CI_COMMIT_BRANCH =~ /{branch_regex(pattern)}/"
    )


def _text(value: str) -> str:
    """A text of an expression, of plain characters."""
    return f'"{value}"'
