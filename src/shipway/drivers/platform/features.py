"""What a version of Kubernetes has of that which objects are written with."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shipway.domain.value import dataclass
from shipway.drivers.platform.kubernetes_addresses import ROUTE


@dataclass(frozen=True)
class Features:
    """The default: of the versions that `shipway render` writes for, 1.30 and newer."""

    version: str = ""
    budget: str = "policy/v1"  # of a PodDisruptionBudget
    cron: str = "batch/v1"  # of a CronJob
    zone: bool = True  # a CronJob has a time zone
    sleep: bool = True  # a `preStop` of this kind
    routes: bool = True  # HTTPRoutes of the Gateway API

    @classmethod
    def of(
        cls, version: Mapping[str, Any], groups: Mapping[str, Sequence[str]], batch: Collection[str], gateway: Collection[str] = ()
    ) -> Features:  # fmt: skip
        """By what a server says: its version, its groups of objects, and the kinds of batch/v1 and of the Gateway API's v1."""
        numbers = [int(re.sub(r"\D.*", "", str(version.get(name, "0"))) or 0) for name in ("major", "minor")]
        return cls(
            str(version.get("gitVersion", "")), "policy/v1" if "v1" in groups.get("policy", ()) else "policy/v1beta1",
            "batch/v1" if "CronJob" in batch else "batch/v1beta1", numbers >= [1, 27], numbers >= [1, 30],
            ROUTE in gateway,
        )  # fmt: skip

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is said otherwise, as sentences."""
        found = []
        if not self.sleep:
            found.append(
                f"Kubernetes {self.version} has no `preStop` of kind sleep: pods end after `sleep` of their own image, which it must have"
            )
        return tuple(found)
