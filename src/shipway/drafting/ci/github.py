"""A workflow of GitHub Actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from shipway.drafting.ci import script
from shipway.drafting.ci.model import REGISTRY, Job, Pipeline
from shipway.drafting.ci.patterns import beginning, deployed_branches, is_plain
from shipway.drafting.ci.scalars import block, scalar, scalars

FILE = ".github/workflows/shipway.yml"
RUNNER = "ubuntu-latest"
WHERE = "Settings > Secrets and variables > Actions, or of each environment: Settings > Environments"
CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
CACHE = "actions/cache@5a3ec84eff668545956fd18022155c47e93e2684 # v4.2.3"
OWN_REGISTRY = "ghcr.io"  # takes the token of the job
CHECKS = "checks"


def files(pipeline: Pipeline) -> Mapping[str, str]:
    """The text of the workflow, by its path."""
    return {FILE: "\n".join([*_head(pipeline), "jobs:", *_checks(pipeline), *_deployments(pipeline)]) + "\n"}


def secrets_of(job: Job) -> list[str]:
    """Names of the secrets that a person sets."""
    return [secret.name for secret in job.secrets if secret.name != REGISTRY or not _own(job)]


def branch_filter(pattern: str) -> str:
    """A branch of a trigger as a filter, which may match more branches: a question mark means something else here, and the
    beginning of an expression is an error."""
    return _escaped(pattern.replace("?", "*").replace("${{", "**"))


def tag_filter(pattern: str) -> str:
    """A pattern of tags as a filter, which may match more of them."""
    wide = re.sub(r"\*+|\?|\[!?\]?[^\]]*\]", "**", pattern)
    return _escaped(wide.replace("${{", "**"))


def _escaped(text: str) -> str:
    """What is special in a filter, but for stars."""
    return re.sub(r"[+\[!]", lambda found: f"\\{found[0]}", re.sub(r"\*{3,}", "**", text))


def _head(pipeline: Pipeline) -> list[str]:
    branches = [name for job in pipeline.jobs for name in deployed_branches(job.trigger)]
    pushed = dict.fromkeys(map(branch_filter, [*branches, *pipeline.tagged_branches]))
    tags = dict.fromkeys(map(tag_filter, pipeline.tags))
    lines = ["name: shipway", "on:", "  pull_request:"]
    if pushed or tags:
        lines.append("  push:")
    lines += [f"    branches: {scalars(pushed)}"] if pushed else []
    lines += [f"    tags: {scalars(tags)}"] if tags else []
    if pipeline.jobs:
        lines += [
            "  workflow_dispatch: # a person deploys a release, or a tag that was approved after it was pushed",
            "    inputs:",
            f"      environment: {{type: choice, required: true, options: {scalars(job.key for job in pipeline.jobs)}}}",
            '      revision: {type: string, required: true, description: "A tag, a branch, a commit, or a release such as r12"}',
        ]
    return [*lines, "permissions:", "  contents: read"]


def _checks(pipeline: Pipeline) -> list[str]:
    refs = [f"(github.event_name == 'push' && {_is_branch(name)})" for name in pipeline.tagged_branches]
    return [
        f"  {CHECKS}: # no secrets: a pull request can't reach the ledger, the hosts or the registry",
        f"    if: {scalar(' || '.join(['github.event_name == ' + _text('pull_request'), *refs]))}",
        f"    runs-on: {_runner(pipeline)}",
        "    concurrency:",
        "      group: shipway-checks-${{ github.ref }}",
        "      cancel-in-progress: true",
        "    steps:",
        *_checkout(),
        f"      - uses: {CACHE}",
        "        with:",
        "          path: ~/.cache/pip",
        f"          key: shipway-{sha256(pipeline.package.encode()).hexdigest()[:16]}",
        *_install(pipeline),
        "      - name: Check",
        "        run: |",
        block(script.checks(pipeline, "github", '"$GITHUB_SHA"'), 10).replace("${{", "${{ '${{' }}"),
    ]


def _deployments(pipeline: Pipeline) -> list[str]:
    lines: list[str] = []
    for job in pipeline.jobs:
        lines += [
            f"  deploy_{job.key}:",
            f"    if: {scalar(_when(job))}",
            f"    runs-on: {_runner(pipeline)}",
            "    environment: # its settings name who must approve, and which branches and tags may use its secrets",
            f"      name: {job.key}",
            f"      url: {_literal(job.url)}",
            "    concurrency: # one deployment at a time, and none is ended in the middle",
            f"      group: {job.group}",
            "      cancel-in-progress: false",
            *(["    permissions:", "      contents: read", "      packages: write"] if _own(job) else []),
            "    steps:",
            *_checkout(),
            *_install(pipeline),
            "      - name: Deploy",
            "        env:",
            *(f"          {name}: {value}" for name, value in _variables(job).items()),
            "        run: |",
            block(_commands(job), 10).replace("${{", "${{ '${{' }}"),
        ]
    return lines


def _checkout() -> list[str]:
    return [
        f"      - uses: {CHECKOUT}",
        "        with:",
        "          fetch-depth: 0 # authors and rules need all commits and tags",
    ]


def _install(pipeline: Pipeline) -> list[str]:
    commands = [
        'work="$RUNNER_TEMP/shipway-job"',
        *script.install('"$SHIPWAY_PACKAGE"'),
        'echo "$work/shipway/bin" >> "$GITHUB_PATH"',
        'echo "SHIPWAY_HOME=$work/home" >> "$GITHUB_ENV"',
    ]
    return [
        "      - name: Install Shipway",
        "        env:",
        f"          SHIPWAY_PACKAGE: {_literal(pipeline.package)}",
        "        run: |",
        block(commands, 10),
    ]


def _commands(job: Job) -> list[str]:
    # A process that takes the place of the shell gets the signal of a cancelled job.
    return [
        *script.require(job),
        *script.by_ssh(job, until_end=False),
        'if [ "$GITHUB_EVENT_NAME" = workflow_dispatch ]; then',
        "  exec " + script.deploy(job, '"$REVISION"'),
        "fi",
        "exec " + script.run(job, '"$GITHUB_REF"'),
    ]


def _variables(job: Job) -> dict[str, str]:
    own = {
        "SHIPWAY_ACTOR": "${{ github.triggering_actor }}@users.noreply.github.com",
        "REVISION": "${{ inputs.revision }}",
    }
    if _own(job) and job.registry:
        login = '{"user": "shipway", "password": "${{ secrets.GITHUB_TOKEN }}"}'
        own[REGISTRY] = scalar(f'{{"{job.registry.address}": {login}}}')
    return own | {name: f"${{{{ secrets.{name} }}}}" for name in secrets_of(job)}


def _when(job: Job) -> str:
    refs = [_is_branch(name) for name in deployed_branches(job.trigger)]
    refs += ["startsWith(github.ref, 'refs/tags/')"] if job.trigger.tag else []
    pushed = [f"(github.event_name == 'push' && ({' || '.join(refs)}))"] if refs else []
    asked = f"(github.event_name == 'workflow_dispatch' && inputs.environment == {_text(job.key)})"
    return " || ".join([*pushed, asked])


def _is_branch(pattern: str) -> str:
    if is_plain(pattern):
        return f"github.ref == {_text('refs/heads/' + pattern)}"
    return f"startsWith(github.ref, {_text('refs/heads/' + beginning(pattern))})"


def _own(job: Job) -> bool:
    """Whether the token of the job logs in to its registry."""
    if job.registry is None or job.registry.password or job.registry.token:
        return False
    return job.registry.address.partition("/")[0] == OWN_REGISTRY


def _runner(pipeline: Pipeline) -> str:
    labels = [label.strip() for label in (pipeline.runner or RUNNER).split(",")]
    return labels[0] if len(labels) == 1 else scalars(labels)


def _text(value: str) -> str:
    """A text of an expression, of plain characters."""
    return f"'{value}'"


def _literal(text: str) -> str:
    """A scalar in which nothing is an expression."""
    return scalar(text.replace("${{", "${{ '${{' }}"))
