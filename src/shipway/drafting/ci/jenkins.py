"""A declarative pipeline of Jenkins, for a multibranch project."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.drafting.ci import script
from shipway.drafting.ci.model import Job, Pipeline
from shipway.drafting.ci.patterns import branch_regex, deployed_branches, tag_regex
from shipway.drafting.ci.scalars import groovy, groovy_block

FILE = "Jenkinsfile"
RUNNER = "shipway"
WHERE = "credentials of the kind secret text, with these names as their ids"


def files(pipeline: Pipeline) -> Mapping[str, str]:
    """The text, by its path."""
    lines = [
        "pipeline {",
        "  agent none",
        "  options {",
        "    disableConcurrentBuilds() // of a branch; Shipway's lock has one deployment at a time for an environment",
        "    skipDefaultCheckout()",
        "  }",
        *_parameters(pipeline),
        "  stages {",
        *_checks(pipeline),
        *(line for job in pipeline.jobs for line in _deployment(pipeline, job)),
        "  }",
        "}",
    ]
    return {FILE: "\n".join(lines) + "\n"}


def secrets_of(job: Job) -> list[str]:
    """Names of the secrets that a person sets."""
    return [secret.name for secret in job.required]


def _parameters(pipeline: Pipeline) -> list[str]:
    if not pipeline.jobs:
        return []
    keys = ", ".join(groovy(key) for key in ["", *(job.key for job in pipeline.jobs)])
    return [
        "  parameters { // a person deploys a release, or a tag that was approved after it was pushed",
        f"    choice(name: 'DEPLOY_TO', choices: [{keys}], description: 'The environment')",
        "    string(name: 'DEPLOY_REVISION', defaultValue: '', description: 'A tag, a branch, a commit, or a release such as r12')",
        "  }",
    ]


def _checks(pipeline: Pipeline) -> list[str]:
    commands = [
        "set +x",
        *script.begin(),
        *script.install(script.word(pipeline.package)),
        *script.on_path(),
        *script.checks(pipeline, "jenkins", '"$(git rev-parse HEAD)"'),
    ]
    pushed = [f"          {_is_branch(name)}" for name in pipeline.tagged_branches]
    return [
        "    stage('checks') { // without credentials",
        "      when {",
        "        beforeAgent true",
        "        anyOf {",
        "          changeRequest()",
        *pushed,
        "        }",
        "      }",
        _agent(pipeline),
        "      steps {",
        "        checkout scm",
        f"        sh {groovy_block(commands, 10)}",
        "      }",
        "    }",
    ]


def _deployment(pipeline: Pipeline, job: Job) -> list[str]:
    commands = [
        "set +x",
        *script.begin(),
        *script.require(job),
        *script.install(script.word(pipeline.package)),
        *script.on_path(),
        "SHIPWAY_ACTOR=$(git log -1 --format=%ae)",
        "export SHIPWAY_ACTOR",
        'if [ -n "$DEPLOY_TO" ]; then',
        "  " + script.deploy(job, '"$DEPLOY_REVISION"'),
        'elif [ -n "$TAG_NAME" ]; then',
        "  " + script.run(job, '"refs/tags/$TAG_NAME"'),
        "else",
        '  git update-ref "refs/heads/$BRANCH_NAME" HEAD',
        "  " + script.run(job, '"refs/heads/$BRANCH_NAME"'),
        "fi",
    ]
    bound = ", ".join(f"string(credentialsId: '{secret.name}', variable: '{secret.name}')" for secret in job.required)
    return [
        f"    stage('{job.key}') {{",
        "      when {",
        "        beforeAgent true",
        "        beforeInput true",
        "        not { changeRequest() }",
        "        anyOf {",
        *_conditions(job),
        "        }",
        "      }",
        *([f"      input {{ message {groovy(f'Deploy to {job.key}?')} }}"] if job.asks else []),
        _agent(pipeline),
        "      steps {",
        "        checkout scm",
        f"        withCredentials([{bound}]) {{",
        f"          sh {groovy_block(commands, 12)}",
        "        }",
        "      }",
        "    }",
    ]


def _conditions(job: Job) -> list[str]:
    pushed = [_is_branch(name) for name in deployed_branches(job.trigger)]
    if job.trigger.tag:
        pushed.append(f"tag pattern: {groovy(tag_regex(job.trigger.tag))}, comparator: 'REGEXP'")
    asked = f"          expression {{ params.DEPLOY_TO == {groovy(job.key)} }}"
    unasked = "expression { !params.DEPLOY_TO }"
    lines = [["allOf {", f"  {unasked}", f"  {condition}", "}"] for condition in pushed]
    return [*(" " * 10 + line for condition in lines for line in condition), asked]


def _is_branch(pattern: str) -> str:
    return f"branch pattern: {groovy(branch_regex(pattern))}, comparator: 'REGEXP'"


def _agent(pipeline: Pipeline) -> str:
    return f"      agent {{ label {groovy(pipeline.runner or RUNNER)} }} // a machine with a Docker Engine"
