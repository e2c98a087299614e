"""Requests to CloudFormation, by the library that AWS keeps: the optional part `aws`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from shipway.domain.errors import InfraError
from shipway.system.installation import missing_part
from shipway.system.redact import shortened

KEYS = {
    "AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token", "AWS_PROFILE": "profile_name",
}  # fmt: skip
ABSENT = "does not exist|ChangeSetNotFound"
STALE = "ChangeSetNotFound|InvalidChangeSetStatus"
IDENTITY = re.compile(
    "AccessDenied|ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient|[Cc]redential|profile"
)


class Api:
    """One region, as the secrets say (AWS_ACCESS_KEY_ID …), else as the identity that the library finds on this machine."""

    def __init__(self, region: str, secrets: Mapping[str, str]) -> None:
        self._region = region
        self._given = {argument: secrets[name] for name, argument in KEYS.items() if name in secrets}

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer. InfraError with what AWS says."""
        found = self.find(operation, absent="", **arguments)
        assert found is not None
        return found

    def find(self, operation: str, *, absent: str = ABSENT, **arguments: Any) -> dict[str, Any] | None:
        """As `call`; None if AWS says what matches `absent`."""
        client = self._client
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
            return answer
        except ClientError as error:
            known = error.response.get("Error", {})
            said = f"{known.get('Code', '')}: {known.get('Message', '')}"
            if absent and re.search(absent, said):
                return None
            raise self._error(said) from None
        except (BotoCoreError, ResponseParserError) as error:
            raise self._error(str(error)) from None

    def pages(self, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """The items of all pages."""
        token: dict[str, Any] = {}
        while True:
            answer = self.call(operation, **arguments, **token)
            yield from answer.get(key) or ()
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    def _error(self, said: str) -> InfraError:
        if re.search(STALE, said):
            return InfraError("the plan is stale: its change set is gone", hint="plan again, and apply that plan")
        hint = ""
        if "InsufficientCapabilities" in said:
            hint = (
                "the template changes rights: read it, and add the capabilities that AWS names to `infra.capabilities`"
            )
        elif IDENTITY.search(said):
            hint = "`aws sts get-caller-identity` shows which identity is used; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as `infra.secrets`"
        return InfraError(f"CloudFormation in {self._region}: {shortened(said, 1000)}", hint=hint)

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3  # type: ignore[import-not-found, import-untyped, unused-ignore]
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise InfraError("CloudFormation needs a library that is not installed", hint=missing_part("aws")) from None
        config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})
        try:
            session = boto3.session.Session(**self._given)
            return session.client("cloudformation", region_name=self._region, config=config)
        except BotoCoreError as error:
            raise self._error(str(error)) from None
