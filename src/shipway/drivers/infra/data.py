"""Which resources hold data: by their type or address, so that one too many needs the environment's name typed."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

DATA = (
    "*database*", "*db_instance*", "*db_cluster*", "*rds*", "*_sql_*", "*postgres*", "*mysql*", "*volume*", "*bucket*", "*disk*",
    "*dynamodb*", "*elasticache*", "*redis*", "*file_system*", "*snapshot*",
)  # fmt: skip
# Types of AWS, as CloudFormation writes them.
AWS = (
    "aws::rds::*", "aws::docdb::*", "aws::neptune::*", "aws::elasticache::*", "aws::memorydb::*", "aws::dax::cluster",
    "aws::dynamodb::*", "aws::redshift*::*", "aws::cassandra::*", "aws::timestream::*", "aws::qldb::ledger",
    "aws::opensearch*::*", "aws::elasticsearch::*", "aws::s3::bucket", "aws::s3express::*", "aws::efs::filesystem",
    "aws::fsx::*", "aws::ec2::volume", "aws::backup::backupvault", "aws::kinesis::stream", "aws::msk::cluster", "aws::sqs::queue",
    "aws::amazonmq::broker", "aws::cognito::userpool", "aws::ecr::repository", "aws::kms::key", "aws::secretsmanager::secret",
)  # fmt: skip


def holds_data(address: str, kind: str) -> bool:
    """Whether it probably does."""
    if kind.startswith("AWS::"):  # a record set has an `rds` too
        return _matches(kind, AWS) or _matches(address, [pattern for pattern in DATA if pattern != "*rds*"])
    return _matches(address, DATA) or _matches(kind, DATA)


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text.lower(), pattern) for pattern in patterns)
