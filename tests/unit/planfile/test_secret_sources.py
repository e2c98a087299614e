"""`secrets_from` of an environment."""

from __future__ import annotations

import pytest

from shipway.domain.errors import PlanError
from shipway.domain.secret_source import SecretSource
from shipway.planfile import parse

PLAN = """
app: shop
services: {{web: {{image: "nginx:1", secrets: [KEY, OTHER]}}}}
environments:
  staging:
    url: http://staging.localhost
    secrets_from: {sources}
"""


def read(sources: str, file: str = "shipway.yaml") -> tuple[SecretSource, ...]:
    return parse(PLAN.format(sources=sources), file).environments["staging"].secrets_from


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{age: secrets/staging.age}", SecretSource("age", "secrets/staging.age")),
        ("{sops: s.yaml, names: KEY}", SecretSource("sops", "s.yaml", names={"KEY": "KEY"})),
        ("{environment: true}", SecretSource("environment")),
        ("{command: op, names: {KEY: db/password}}", SecretSource("command", "op", names={"KEY": "db/password"})),
        (
            '{vault: "https://vault.example:8200/", path: secret/shop, names: {KEY: "db#key"}, ledger: override}',
            SecretSource("vault", "https://vault.example:8200", "secret/shop", {"KEY": "db#key"}, "override"),
        ),
        ("{aws: eu-central-1}", SecretSource("aws-secrets", "eu-central-1")),
        (
            "{aws: us-gov-west-1, service: parameters, path: /shop/staging}",
            SecretSource("aws-parameters", "us-gov-west-1", "/shop/staging"),
        ),
    ],
)
def test_each_provider(text: str, expected: SecretSource) -> None:
    assert read(text) == (expected,)


def test_a_file_is_relative_to_the_plan() -> None:
    assert read("[{age: s.age}]", "apps/shop/shipway.yaml")[0].place == "apps/shop/s.age"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{vault: 'http://vault.example', path: secret/shop}", "unencrypted: use https"),
        ("{vault: 'https://user:pw@vault.example', path: secret/shop}", "is not an address such as"),
        ("{vault: 'https://vault.example'}", "`vault` requires `path`"),
        ("{vault: 'https://vault.example', path: secret}", "names no secret"),
        ("{vault: 'https://vault.example', path: secret/../root}", "path"),
        ("{age: ../other.age}", "age"),
        ("{environment: true, names: {KEY: db/password}}", "no variable's name can end in 'db/password'"),
        ("{environment: true, names: {KEY: db.password}}", "no variable's name can end in 'db.password'"),
        ("{age: s.age, path: x}", "`path` has no meaning for `age`"),
        ("{age: s.age, sops: s.yaml}", "has `age` and `sops`"),
        ("{command: 'op read'}", "command"),
        ("{command: op, names: {KEY: ../../root}}", "KEY"),
        ("{command: op, names: {KEY: --help}}", "KEY"),
        ("{environment: false}", "environment"),
        ("{aws: 'https://evil'}", "aws"),
        ("{age: s.age, service: secrets}", "`service` requires `aws`"),
        ("[{age: a.age}, {environment: true}]", "several providers list no `names`"),
        ("[{age: a.age, names: KEY}, {environment: true, names: [KEY, OTHER]}]", "`KEY` is listed by 2 providers"),
        ("[]", "can't be empty"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PlanError) as caught:
        read(text)
    assert problem in str(caught.value)
