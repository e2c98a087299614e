"""A proof's services get volumes of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from shipway.domain.container import LABEL_PROOF
from shipway.domain.desired import Settings
from shipway.domain.mounts import Volume
from shipway.domain.plan import Plan
from shipway.proving.sandbox import open_sandbox
from shipway.proving.sandbox_environment import ReleaseConfig, SandboxEnvironment
from tests.unit.domain import samples
from tests.unit.world import World


def with_volumes(plan: Plan) -> Plan:
    """An upload folder that all services share, and a folder of the host."""
    volumes = {"uploads": Volume("uploads", "/data"), "media": Volume("media", "/media", "/srv/media")}
    services = {name: dataclasses.replace(item, volumes=volumes) for name, item in plan.services.items()}
    return dataclasses.replace(plan, services=services)


def test_a_proof_gets_empty_volumes_that_end_with_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    release = world.release(1)
    release = dataclasses.replace(release, plan=with_volumes(release.plan))
    world.runtime.volumes["shop_staging_uploads.volume"] = {"cat.txt": b"cat"}
    with open_sandbox(world.controller(), "shop") as sandbox:
        server: Any = SimpleNamespace(sandbox=sandbox, accessory=SimpleNamespace(name="db"))
        made = SandboxEnvironment(cast(Any, server), "old", sandbox.network("old"))
        made.start(ReleaseConfig(release, samples.STAGING, Settings("v1", {"KEY": "x"}, kinds=sandbox.ctx.kinds)))
        services = world.runtime.list({LABEL_PROOF: sandbox.name})
        assert len(services) == len(release.plan.services)
        mounted = {tuple(sorted(item.volumes.items())) for item in services}
        assert len(mounted) == 1, "they share theirs"
        (found,) = mounted
        assert [path for path, _ in found] == ["/data", "/media"]
        assert all("_proof_" in name and world.runtime.volumes[name] == {} for _, name in found)
    assert world.runtime.volumes == {"shop_staging_uploads.volume": {"cat.txt": b"cat"}}
    world.close()
