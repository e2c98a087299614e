"""Assets of two releases on a real engine: a web server that isn't root serves both."""

from __future__ import annotations

import dataclasses
import io
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.assets import share_assets
from shipway.context import Context, Machine
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.plan import Service
from shipway.testing.memory_files import unpack
from tests.conformance.labs import DockerLab
from tests.unit.world import World

pytestmark = [pytest.mark.machine, pytest.mark.engine]

WEB = Service("web", assets="/srv/assets")
DOCKERFILE = """\
FROM caddy:2
COPY --chown=4711:4711 assets /srv/assets
USER 4711
ENV HOME=/tmp XDG_CONFIG_HOME=/tmp XDG_DATA_HOME=/tmp
CMD ["caddy", "file-server", "--root", "/srv", "--listen", ":8000"]
"""
FILES = {
    "one": {"app.1.js": "one", "index.js": "the one's"},
    "two": {"app.2.js": "two", "index.js": "the two's", "deep/er/logo.2.svg": "logo"},
}


class Site:
    """Two images, a context, and containers of them."""

    def __init__(self, folder: Path) -> None:
        self.docker = DockerLab()
        self.world = World(folder)
        made = self.world.controller()
        machine = Machine(
            "local", self.docker.runtime, self.docker.images, made.edge, made.machine.probe, made.machine.probe_tcp
        )
        self.ctx: Context = dataclasses.replace(made, machine=machine)
        self.images = {name: self._build(folder / name, files) for name, files in FILES.items()}

    def _build(self, folder: Path, files: dict[str, str]) -> str:
        for name, text in files.items():
            (folder / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "assets" / name).write_text(text)
            (folder / "assets" / name).chmod(0o640)  # for its owner and group only
        (folder / "assets" / "link.js").symlink_to(next(iter(files)))
        (folder / "Dockerfile").write_text(DOCKERFILE)
        tag = f"{self.docker.app}/{folder.name}:t"
        self.docker.images.build(
            folder, tags=[tag], dockerfile="Dockerfile", target=None, args={}, labels={}, on_line=lambda line: None
        )
        return tag

    def create(self, name: str, image: str) -> str:
        labels = {**names.labels(self.docker.app, "staging", "service", "web"), LABEL_CONFIG: "1"}
        self.docker.runtime.create(ContainerSpec(self.docker.name(name), self.images[image], labels))
        return self.docker.name(name)

    def start(self, container: str) -> None:
        self.docker.runtime.start(container)
        url = f"http://{self.docker.inspect(container)['NetworkSettings']['IPAddress']}:8000"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/assets/index.js", timeout=60)
                return
            except urllib.error.URLError:
                time.sleep(0.05)
        raise AssertionError(list(self.docker.runtime.logs(container)))

    def serves(self, container: str, path: str) -> str:
        url = f"http://{self.docker.inspect(container)['NetworkSettings']['IPAddress']}:8000/assets/{path}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return f"HTTP status {error.code}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.docker.close()


def test_both_releases_serve_the_assets_of_both(site: Site) -> None:
    old, new = site.create("old", "one"), site.create("new", "two")
    site.start(old)
    assert site.serves(old, "app.2.js") == "HTTP status 404"
    for _ in range(2):
        share_assets(site.ctx, WEB, [new], [old], site.images["two"], site.images["one"])
    site.start(new)
    for container in (old, new):
        assert [site.serves(container, path) for path in ("app.1.js", "app.2.js", "deep/er/logo.2.svg")] == [
            "one",
            "two",
            "logo",
        ]
    assert site.serves(old, "index.js") == site.serves(old, "../assets/index.js") == "the one's"
    assert site.serves(new, "index.js") == "the two's"
    assert site.serves(new, "link.js") == "two"
    assert site.world.notes == []
    assert sorted(item.name for item in site.docker.runtime.list({"shipway.app": site.docker.app})) == sorted(
        [old, new]
    )


def test_owner_and_mode_stay(site: Site) -> None:
    new = site.create("new", "two")
    share_assets(site.ctx, WEB, [new], [], site.images["two"], site.images["one"])
    with tarfile.open(fileobj=io.BytesIO(b"".join(site.docker.runtime.get(new, "/srv/assets/app.1.js")))) as tar:
        (entry,) = tar.getmembers()
    assert (entry.uid, entry.gid, entry.mode & 0o7777) == (4711, 4711, 0o640)


def test_what_was_lent_does_not_pile_up(site: Site) -> None:
    first, second, third = site.create("a", "one"), site.create("b", "two"), site.create("c", "one")
    share_assets(site.ctx, WEB, [second], [first], site.images["two"], site.images["one"])
    bare = site.create("d", "two")
    share_assets(site.ctx, WEB, [bare], [], site.images["two"], site.images["two"])
    assert "assets/app.1.js" not in unpack(site.docker.runtime.get(bare, "/srv/assets"))
    assert "assets/app.2.js" not in unpack(site.docker.runtime.get(third, "/srv/assets"))


def test_a_read_only_root_goes_without(site: Site) -> None:
    old = site.docker.name("old")
    body = {
        "Image": site.images["one"],
        "HostConfig": {"ReadonlyRootfs": True},
        "Labels": {"shipway.app": site.docker.app},
    }
    site.docker.engine.call("POST", "/containers/create", query={"name": old}, body=body)
    site.start(old)
    new = site.create("new", "two")
    share_assets(site.ctx, WEB, [new], [old], site.images["two"], site.images["one"])
    (note,) = site.world.notes
    assert note.startswith(f"{old} doesn't get the other release's assets")
    assert "read-only" in note
    assert site.serves(old, "app.1.js") == "one"
    assert "assets/app.1.js" in unpack(site.docker.runtime.get(new, "/srv/assets"))
