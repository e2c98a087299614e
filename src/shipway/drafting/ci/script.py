"""The shell commands of the jobs. POSIX shell without braces around variables, which Woodpecker would replace."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from shipway.domain.plan import PLAN_FILE
from shipway.drafting.ci.model import Job, Pipeline

WAIT = 600  # seconds for another deployment to the environment


def begin() -> list[str]:
    """A folder for this job alone, which goes with it."""
    return [
        "set -e",
        "work=$(mktemp -d)",
        """trap 'rm -rf "$work"' EXIT""",
        'export CI=true SHIPWAY_HOME="$work/home"',
    ]


def install(package: str) -> list[str]:
    """Shipway in an environment of its own, below $work."""
    return [
        'python3 -m venv "$work/shipway"',
        f'"$work/shipway/bin/pip" install --quiet --disable-pip-version-check {package}',
    ]


def on_path() -> list[str]:
    """What `install` made, for the commands that follow."""
    return ['export PATH="$work/shipway/bin:$PATH"']


def require(job: Job) -> list[str]:
    """End with a message if the platform lacks a secret: an empty address of the ledger would be one in the job's folder."""
    names = " ".join(secret.name for secret in job.required)
    return [
        f"for name in {names}; do",
        '  if [ -z "$(printenv "$name")" ]; then',
        '    echo "the secret $name is not set" >&2',
        "    exit 2",
        "  fi",
        "done",
    ]


def by_ssh(job: Job, *, until_end: bool) -> list[str]:
    """The key in an agent, and the hosts' keys. Nothing where the job needs no host by SSH. until_end: whether the script
    ends the agent; else the platform does."""
    if not job.by_ssh:
        return []
    trap = ["""  trap 'ssh-agent -k > /dev/null; rm -rf "$work"' EXIT"""]
    return [
        'if [ -n "$SHIPWAY_SSH_KEY" ]; then',
        '  eval "$(ssh-agent -s)" > /dev/null',
        *(trap if until_end else []),
        """  printf '%s\\n' "$SHIPWAY_SSH_KEY" | tr -d '\\r' | ssh-add -q -""",
        "  unset SHIPWAY_SSH_KEY",
        "fi",
        'if [ -n "$SHIPWAY_KNOWN_HOSTS" ]; then',
        "  mkdir -p -m 700 ~/.ssh",
        "  touch ~/.ssh/known_hosts",
        """  new=$(printf '%s\\n' "$SHIPWAY_KNOWN_HOSTS" | grep -vxFf ~/.ssh/known_hosts || true)""",
        """  if [ -n "$new" ]; then printf '%s\\n' "$new" >> ~/.ssh/known_hosts; fi""",
        "fi",
    ]


def run(job: Job, ref: str) -> str:
    """What a push of a ref does. ref: a word of the shell."""
    return f"shipway run{plan_option(job.plan)} --for {job.environment} {ref}"


def deploy(job: Job, revision: str) -> str:
    """Deploy by a person's word. revision: a word of the shell."""
    return f"shipway deploy{plan_option(job.plan)} --wait {WAIT} {job.environment} -- {revision}"


def checks(pipeline: Pipeline, platform: str, revision: str) -> list[str]:
    """The pipelines of all apps, without any secret: a commit by its digest deploys nothing."""
    return [
        f"shipway ci {platform} --check",
        *(f"shipway run{plan_option(plan)} {revision}" for plan in pipeline.plans.values()),
    ]


def without_secrets(pipeline: Pipeline) -> list[str]:
    """Forget them, where the platform gives all variables to every job."""
    names: Sequence[str] = [secret.name for secret in pipeline.secrets]
    return [f"unset {' '.join(names)}"] if names else []


def word(text: str) -> str:
    """One word of the shell."""
    return shlex.quote(text)


def plan_option(path: str) -> str:
    """The option that names a plan; empty for the usual one."""
    return "" if path == PLAN_FILE else f" --plan {word(path)}"
