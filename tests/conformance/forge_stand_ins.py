"""The stand-ins of all forges, by the names of their drivers."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.forge_bitbucket import BitbucketStandIn
from tests.conformance.forge_gitlab import GitLabStandIn
from tests.conformance.forge_hub import GiteaStandIn, GitHubStandIn
from tests.conformance.forge_lab import StandIn

STAND_INS: Mapping[str, type[StandIn]] = {
    "github": GitHubStandIn,
    "gitlab": GitLabStandIn,
    "gitea": GiteaStandIn,
    "bitbucket": BitbucketStandIn,
}
