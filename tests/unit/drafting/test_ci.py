"""Pipeline files of other systems: what starts which job, which job gets secrets, and that no text of a plan becomes code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.domain.plan import Approvals, Environment, Host, Plan, Service, Trigger
from shipway.domain.refs import branch_matches, fits
from shipway.domain.registry_access import RegistryAccess
from shipway.domain.secret_source import AGE, VARIABLES, VAULT, SecretSource
from shipway.drafting.ci import PLATFORMS, github
from shipway.drafting.ci.model import Pipeline, extras_of, jobs_of, notes_on
from shipway.drafting.ci.patterns import branch_regex, is_plain, tag_regex

PACKAGE = "git+https://git.example/shipway@0123abc"
STAGING = Environment("staging", "https://staging.example", Trigger(branch="staging"))
PRODUCTION = Environment(
    "production", "https://shop.example", Trigger(tag="v*", branch="main"), after="staging", approvals=Approvals(1)
)
# What a branch or a tag of a plan can't contain, see planfile.values; * and ? make a pattern.
FORBIDDEN = r"~^:[\*?"
NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Z"), blacklist_characters=FORBIDDEN), min_size=1, max_size=20
).filter(lambda text: not text.startswith("-") and ".." not in text and not text.isspace())
NASTY = [
    "a'b",
    'a"b',
    "${{github.token}}",
    "$(id)",
    "`id`",
    "a'''b",
    "a#b",
    "!a",
    "a+b",
    "a]b",
    "${CI}",
    "#",
    "null",
    "ä/ö",
    "a;b",
    "%s",
    "@{u}",
]


def plan(*places: Environment, app: str = "shop", file: str = "shipway.yaml", **more: Any) -> Plan:
    return Plan(
        app,
        {"web": Service("web", image="caddy:2")},
        environments={item.name: item for item in places},
        file=file,
        **more,
    )


def pipeline(*plans: Plan, names: Sequence[str] = ()) -> Pipeline:
    jobs = [
        job for item in plans for job in jobs_of(item, dict.fromkeys(item.environments, names), several=len(plans) > 1)
    ]
    return Pipeline(tuple(jobs), {item.app: item.file for item in plans}, PACKAGE, "", notes_on(plans))


def texts(platform: str, *plans: Plan) -> Mapping[str, str]:
    return PLATFORMS[platform].files(pipeline(*plans))


def parsed(platform: str, *plans: Plan) -> dict[str, Any]:
    """The files as YAML, by path; `on` is a word again."""
    found = {path: yaml.safe_load(text) for path, text in texts(platform, *plans).items()}
    return {path: {"on" if key is True else key: value for key, value in data.items()} for path, data in found.items()}


def workflow(*plans: Plan) -> Any:
    return parsed("github", *plans)[github.FILE]


def test_what_starts_each_job() -> None:
    found = workflow(plan(STAGING, PRODUCTION))
    assert found["on"]["push"] == {"branches": ["staging", "main"], "tags": ["v**"]}
    assert found["on"]["workflow_dispatch"]["inputs"]["environment"]["options"] == ["staging", "production"]
    assert list(found["jobs"]) == ["checks", "deploy_staging", "deploy_production"]
    assert "github.ref == 'refs/heads/main'" in found["jobs"]["checks"]["if"]
    assert "github.ref == 'refs/heads/staging'" in found["jobs"]["deploy_staging"]["if"]
    assert "startsWith(github.ref, 'refs/tags/')" in found["jobs"]["deploy_production"]["if"]


def test_a_branch_that_deploys_is_not_checked_apart() -> None:
    found = workflow(plan(Environment("staging", "https://s.example", Trigger(branch="main")), PRODUCTION))
    assert found["jobs"]["checks"]["if"] == "github.event_name == 'pull_request'"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_only_jobs_that_deploy_have_secrets(platform: str) -> None:
    for path, text in texts(platform, plan(STAGING, PRODUCTION)).items():
        if platform == "woodpecker":
            assert ("from_secret" in text) == (path != ".woodpecker/shipway.yml"), path
        else:
            first = {"github": "  deploy_staging:", "gitlab": "shipway:staging:", "jenkins": "stage('staging')"}[
                platform
            ]
            checks = text.partition(first)[0]
            assert not re.search(r"secrets\.|withCredentials|SHIPWAY_KEY\b(?!.*unset)", re.sub("unset .*", "", checks))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_ends_a_deployment_and_two_dont_run_at_once(platform: str) -> None:
    text = "\n".join(texts(platform, plan(STAGING)).values())
    words = {
        "github": "group: shipway-shop_staging\n      cancel-in-progress: false",
        "gitlab": "resource_group: shipway-shop_staging # one deployment at a time\n  interruptible: false",
        "jenkins": "disableConcurrentBuilds()",
        "woodpecker": "limit: 1\n  group: shipway-shop_staging",
    }
    assert words[platform] in text


def test_a_person_says_yes_where_the_plan_asks_for_approvals() -> None:
    both = plan(STAGING, PRODUCTION)
    jobs = parsed("gitlab", both)[".gitlab-ci.yml"]
    assert "when" not in jobs["shipway:staging"]["rules"][0]
    asked = jobs["shipway:production"]["rules"][0]
    assert (asked["when"], asked["allow_failure"]) == ("manual", False)
    files = parsed("woodpecker", both)
    assert [item["event"] for item in files[".woodpecker/shipway-production.yml"]["when"]] == ["deployment"]
    assert [item["event"] for item in files[".woodpecker/shipway-staging.yml"]["when"]] == ["push", "deployment"]
    assert {"event": "tag", "evaluate": 'CI_COMMIT_TAG matches "^v.*$"'} in files[".woodpecker/shipway.yml"]["when"]
    text = texts("jenkins", both)["Jenkinsfile"]
    assert text.count("input {") == 1
    assert "input { message 'Deploy to production?' }" in text
    assert workflow(both)["jobs"]["deploy_production"]["environment"]["name"] == "production"


def test_an_environment_without_a_trigger_is_deployed_by_hand_alone() -> None:
    by_hand = plan(Environment("demo", "https://demo.example"))
    found = workflow(by_hand)
    assert "push" not in found["on"]
    assert (
        found["jobs"]["deploy_demo"]["if"]
        == "(github.event_name == 'workflow_dispatch' && inputs.environment == 'demo')"
    )
    assert len(parsed("gitlab", by_hand)[".gitlab-ci.yml"]["shipway:demo"]["rules"]) == 1


def test_a_plan_without_environments_is_only_checked() -> None:
    found = workflow(plan())
    assert (list(found["jobs"]), list(found["on"])) == (["checks"], ["pull_request"])
    assert "parameters" not in texts("jenkins", plan())["Jenkinsfile"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_several_apps_name_their_plans(platform: str) -> None:
    other = plan(STAGING, app="blog", file="apps/it's a blog/shipway.yaml")
    text = "\n".join(texts(platform, plan(STAGING, file="apps/shop/shipway.yaml"), other).values())
    assert "shop_staging" in text
    assert "blog_staging" in text
    scripts = "\n".join(commands(platform, plan(STAGING, file="apps/shop/shipway.yaml"), other))
    runs = [shlex.split(line) for line in scripts.splitlines() if " --for " in line]
    named = list(dict.fromkeys(words[words.index("--plan") + 1] for words in runs))
    assert named == ["apps/shop/shipway.yaml", "apps/it's a blog/shipway.yaml"]


def commands(platform: str, *plans: Plan) -> list[str]:
    """The scripts of the jobs as their shell gets them, after what the platform replaces in them."""
    if platform == "jenkins":
        found = re.findall(r"sh '''\n(.*?)(?<!\\)'''", texts(platform, *plans)["Jenkinsfile"], re.DOTALL)
        return [re.sub(r"\\(.)", r"\1", text) for text in found]
    files = parsed(platform, *plans)
    if platform == "github":
        steps = [step for job in files[github.FILE]["jobs"].values() for step in job["steps"]]
        return [without_expressions(step["run"]) for step in steps if "run" in step]
    if platform == "gitlab":
        return [script for job in files[".gitlab-ci.yml"].values() for script in job["script"]]
    return [line.replace("$${", "${") for data in files.values() for step in data["steps"] for line in step["commands"]]


def without_expressions(text: str) -> str:
    """As GitHub replaces literals in it; any other expression is an error."""
    found = text.replace("${{ '${{' }}", "\0")
    assert "${{" not in found, text
    return found.replace("\0", "${{")


def test_jobs_say_which_secrets_they_need() -> None:
    place = Environment(
        "staging", "https://s.example", Trigger(branch="staging"), hosts=(Host("ssh://deploy@web1"),),
        secrets_from=(SecretSource(VARIABLES, names={"TOKEN": "API"}), SecretSource(AGE, "secrets/staging.age")),
    )  # fmt: skip
    made = pipeline(plan(place, registry=RegistryAccess("registry.example/shop")), names=("TOKEN", "OTHER"))
    (job,) = made.jobs
    assert {secret.name: secret.required for secret in job.secrets} == {
        "SHIPWAY_LEDGER": True, "SHIPWAY_KEY": True, "SHIPWAY_REGISTRY_AUTH": True, "SHIPWAY_SSH_KEY": False,
        "SHIPWAY_KNOWN_HOSTS": False, "SHIPWAY_SECRET__SHOP__STAGING__API": True, "SHIPWAY_AGE_IDENTITY": True,
    }  # fmt: skip
    text = github.files(made)[github.FILE]
    assert (
        "for name in SHIPWAY_LEDGER SHIPWAY_KEY SHIPWAY_REGISTRY_AUTH SHIPWAY_SECRET__SHOP__STAGING__API SHIPWAY_AGE_IDENTITY;"
        in text
    )
    assert "SHIPWAY_SECRET__SHOP__STAGING__API: ${{ secrets.SHIPWAY_SECRET__SHOP__STAGING__API }}" in text
    assert extras_of([plan(place)]) == ("age",)


def test_the_forges_registry_takes_the_token_of_the_job() -> None:
    found = workflow(plan(STAGING, registry=RegistryAccess("ghcr.io/acme")))["jobs"]
    job = found["deploy_staging"]
    assert job["permissions"] == {"contents": "read", "packages": "write"}
    assert "permissions" not in found["checks"]
    value = job["steps"][-1]["env"]["SHIPWAY_REGISTRY_AUTH"]
    assert value == '{"ghcr.io/acme": {"user": "shipway", "password": "${{ secrets.GITHUB_TOKEN }}"}}'
    own = workflow(plan(STAGING, registry=RegistryAccess("ghcr.io/acme", "ci", "PASSWORD")))["jobs"]["deploy_staging"]
    assert own["steps"][-1]["env"]["SHIPWAY_REGISTRY_AUTH"] == "${{ secrets.SHIPWAY_REGISTRY_AUTH }}"


def test_secrets_of_vault_are_named() -> None:
    place = Environment(
        "staging", "https://s.example", secrets_from=(SecretSource(VAULT, "https://vault.example", "a"),)
    )
    assert {"VAULT_ADDR", "VAULT_ROLE_ID", "VAULT_SECRET_ID"} <= {
        item.name for item in pipeline(plan(place), names=("A",)).secrets
    }


def test_several_labels() -> None:
    labelled = Pipeline(pipeline(plan(STAGING)).jobs, {"shop": "shipway.yaml"}, PACKAGE, "self-hosted, deploy")
    assert 'runs-on: ["self-hosted", "deploy"]' in github.files(labelled)[github.FILE]


def unfiltered(name: str) -> str:
    """A filter of GitHub's that has no pattern, as the name that it means."""
    return re.sub(r"\\(.)", r"\1", name)


@settings(max_examples=25, deadline=None)
@given(st.lists(NAMES | st.sampled_from(NASTY), min_size=1, max_size=3, unique=True))
def test_branches_come_back_as_they_are(names: list[str]) -> None:
    made = plan(Environment("staging", "https://s.example", Trigger(branches=tuple(names))))
    found = workflow(made)
    assert [unfiltered(name) for name in found["on"]["push"]["branches"]] == [
        name.replace("${{", "**") for name in names
    ]
    condition = found["jobs"]["deploy_staging"]["if"]
    assert re.fullmatch(r"[A-Za-z0-9_ ./()&|='-]*(, '[A-Za-z0-9_./-]*'\)[A-Za-z0-9_ ./(),&|='-]*)*", condition), (
        condition
    )
    rules = parsed("gitlab", made)[".gitlab-ci.yml"]["shipway:staging"]["rules"]
    stages = texts("jenkins", made)["Jenkinsfile"]
    conditions = parsed("woodpecker", made)[".woodpecker/shipway-staging.yml"]["when"]
    for name, rule, when in zip(names, rules, conditions, strict=False):
        if is_plain(name):
            assert rule["if"].endswith(f'&& $CI_COMMIT_BRANCH == "{name}"')
            assert when["branch"] == [name]
        else:
            regex = re.search(r"=~ /(.*)/$", rule["if"])
            assert regex
            assert re.fullmatch(python(regex[1]), name)
            assert yaml.safe_load(when["evaluate"].partition(" matches ")[2]) == regex[1]
        literal = branch_regex(name).replace("\\", "\\\\")
        assert f"branch pattern: '{literal}', comparator: 'REGEXP'" in stages


@settings(max_examples=25, deadline=None)
@given(NAMES | st.sampled_from(NASTY))
def test_no_text_of_a_plan_becomes_code(name: str) -> None:
    """Scripts have no branch or tag in them, and the path of a plan is one word."""
    odd = plan(
        Environment("staging", "https://s.example", Trigger(tag=name, branches=(name,))),
        file=f"apps/{name}/shipway.yaml",
    )
    usual = plan(
        Environment("staging", "https://s.example", Trigger(tag="v", branches=("main",))), file="apps/x/shipway.yaml"
    )
    for platform in PLATFORMS:
        for found, expected in zip(commands(platform, odd), commands(platform, usual), strict=True):
            assert shlex.split(found, comments=False) == [
                word.replace("apps/x/shipway.yaml", f"apps/{name}/shipway.yaml") for word in shlex.split(expected)
            ]


BRANCH_PATTERNS = st.text(st.sampled_from("ab/*?-."), min_size=1, max_size=8).filter(lambda text: "***" not in text)
SOME_BRANCHES = st.text(st.sampled_from("ab/-."), min_size=1, max_size=8)


def python(regex: str) -> str:
    """A regular expression of RE2 in the language of this test: code points in braces are another escape there."""
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: re.escape(chr(int(found[1], 16))), regex)


@given(BRANCH_PATTERNS, SOME_BRANCHES)
def test_patterns_of_branches_mean_the_same(pattern: str, branch: str) -> None:
    assert (re.fullmatch(python(branch_regex(pattern)), branch) is not None) == branch_matches(pattern, branch)


@given(
    st.text(st.sampled_from("v1.*?[a-]!"), min_size=1, max_size=8),
    st.text(st.sampled_from("v1.a-/!"), min_size=1, max_size=6),
)
def test_patterns_of_tags_miss_no_tag(pattern: str, tag: str) -> None:
    if fits(Trigger(tag=pattern, branches=("main",)), f"refs/tags/{tag}"):
        assert re.fullmatch(python(tag_regex(pattern)), tag), tag_regex(pattern)
        assert re.fullmatch(as_filter(github.tag_filter(pattern)), tag), github.tag_filter(pattern)


@given(BRANCH_PATTERNS, SOME_BRANCHES)
def test_filters_of_branches_miss_no_branch(pattern: str, branch: str) -> None:
    if branch_matches(pattern, branch):
        assert re.fullmatch(as_filter(github.branch_filter(pattern)), branch)
    if not set(pattern) & set("*?"):
        assert github.branch_filter(pattern) == pattern


def as_filter(text: str) -> str:
    """What GitHub documents on its filters, as a regular expression: stars, and escapes of what else is special there."""
    parts = re.findall(r"\\.|\*\*|\*|[^\\*]", text)
    assert not set(parts) & set("?+[!"), f"{text} has a character that means something else"
    return "".join({"**": ".*", "*": "[^/]*"}.get(part) or re.escape(part[-1]) for part in parts)
