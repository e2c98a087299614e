"""CloudFront: invalidations, by the library that AWS keeps: the optional part `aws`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from shipway.domain.cdn import ALL, PATH, PREFIX, Answered, Batch, Capabilities
from shipway.domain.errors import CdnError
from shipway.drivers.cdn.api import look
from shipway.ports import CdnAccess
from shipway.system.installation import missing_part

REGION = "us-east-1"  # of CloudFront's interface
BUSY = 60.0  # seconds until invalidations in progress have made room
BUSY_CODES = ("TooManyInvalidationsInProgress", "Throttling", "ThrottlingException")
REFUSED = (
    "AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "NoSuchDistribution",
)  # fmt: skip


class CloudFront:
    """A distribution. It knows no tags, prefixes are few, and each path beyond a monthly number costs money."""

    capabilities = Capabilities({PATH: 1000, PREFIX: 15, ALL: 10_000}, most=1000)
    settles = 120.0

    def __init__(self, access: CdnAccess) -> None:
        self._access = access

    def purge(self, batch: Batch, reference: str) -> None:
        """One invalidation; a repeated one with an equal reference is the same."""
        items = ["/*"] if batch.kind == ALL else list(dict.fromkeys(map(_path, batch.items)))
        if batch.kind == PREFIX:
            items = [f"{item}*" for item in items]
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.create_invalidation(
                DistributionId=self._access.cdn.zone,
                InvalidationBatch={"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": reference},
            )
        except ClientError as error:
            code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            refused = code in REFUSED or status in (401, 403)
            raise CdnError(
                f"CloudFront refused the invalidation: {error.response['Error'].get('Message') or code}",
                hint=f"the secrets {' and '.join(self._access.cdn.secrets)} must belong to a user that may create invalidations"
                if refused
                else "",
                retry_after=BUSY if code in BUSY_CODES or status == 429 else 0.0,
                refused=refused,
            ) from error
        except BotoCoreError as error:
            raise CdnError(f"CloudFront can't be reached: {error}") from error

    @cached_property
    def _client(self) -> Any:
        try:
            import botocore.session
            from botocore.config import Config
        except ImportError as error:
            raise CdnError(
                "CloudFront needs a library that is not installed", hint=missing_part("aws"), refused=True
            ) from error
        timeout = self._access.timeout
        return botocore.session.Session().create_client(
            "cloudfront",
            region_name=REGION,
            endpoint_url=self._access.endpoint or None,
            aws_access_key_id=self._access.key,
            aws_secret_access_key=self._access.token,
            config=Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1}),
        )

    def ask(self, url: str) -> Sequence[Answered]:
        """What the nearest cache answers."""
        return [look(url, self._access.timeout)]


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
