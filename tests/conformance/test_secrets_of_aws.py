"""Secrets in AWS against moto, its server in a process of its own."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from shipway.domain.errors import SecretError
from shipway.domain.secret_source import SecretSource
from shipway.domain.secret_value import as_bytes
from shipway.drivers.secret_provider.aws import Parameters, Secrets
from shipway.drivers.secret_provider.operator import Operator
from shipway.testing.secrets_provider import VALUE, Lab, SecretsProviderSuite
from tests.moto import server

pytestmark = pytest.mark.counterpart

SCOPE = "shop/production"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of its server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with server(port) as address:
        yield address


class Aws:
    """Both services: an account of moto, whose addresses the library takes from the environment."""

    service = ""

    @pytest.fixture
    def prefix(self) -> str:
        return f"/shop-{uuid.uuid4().hex[:8]}"

    @pytest.fixture
    def environ(self, moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
        given = {"AWS_ENDPOINT_URL": moto, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "the-secret-key"}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def expire(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


class TestSecretsManager(Aws, SecretsProviderSuite):
    @pytest.fixture
    def lab(self, environ: None, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
        import boto3

        client = boto3.client("secretsmanager", region_name="eu-central-1")

        def write(values: Mapping[str, str]) -> None:
            for name, value in values.items():
                data = as_bytes(value)
                text = {"SecretString": value} if "\udc80" not in value else {"SecretBinary": data}
                try:
                    client.put_secret_value(SecretId=f"{prefix}/{name}", **text)
                except client.exceptions.ResourceNotFoundException:
                    client.create_secret(Name=f"{prefix}/{name}", **text)

        source = SecretSource("aws-secrets", "eu-central-1", prefix)
        return Lab(
            write, lambda: Secrets(source, Operator(tmp_path, SCOPE)),
            lambda: monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            None, lambda: self.expire(monkeypatch, tmp_path), binary=True, hidden=("the-secret-key",),
        )  # fmt: skip

    def test_fields_of_a_secret_in_json(self, lab: Lab) -> None:
        lab.write({"db": '{"password": "correct horse", "port": 5432}'})
        assert lab.open().fetch(["db#password", "db#nosuch"])["db#password"].value == "correct horse"
        with pytest.raises(SecretError, match="db#port is not a text"):
            lab.open().fetch(["db#port"])
        lab.write({"db": VALUE})
        with pytest.raises(SecretError, match="db is not a JSON object"):
            lab.open().fetch(["db#password"])


class TestParameters(Aws, SecretsProviderSuite):
    @pytest.fixture
    def lab(self, environ: None, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
        import boto3

        client = boto3.client("ssm", region_name="eu-central-1")

        def write(values: Mapping[str, str]) -> None:
            for name, value in values.items():
                client.put_parameter(Name=f"{prefix}/{name}", Value=value, Type="SecureString", Overwrite=True)

        source = SecretSource("aws-parameters", "eu-central-1", prefix)
        return Lab(
            write, lambda: Parameters(source, Operator(tmp_path, SCOPE)),
            lambda: monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            None, lambda: self.expire(monkeypatch, tmp_path), hidden=("the-secret-key",),
        )  # fmt: skip

    def test_more_than_one_request_allows(self, lab: Lab) -> None:
        values = {f"KEY_{index}": f"value-{index}" for index in range(23)}
        lab.write(values)
        assert {key: item.value for key, item in lab.open().fetch(list(values)).items()} == values
