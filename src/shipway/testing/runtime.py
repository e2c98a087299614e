"""The conformance suite of Runtime. A driver's tests subclass RuntimeContract and provide a `lab`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from shipway.domain.config_file import ConfigFile
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_LEDGER, LABEL_NAME
from shipway.domain.errors import EngineError
from shipway.testing.memory_files import pack, unpack
from shipway.testing.runtime_lab import SLEEPS, Program, RuntimeLab, started
from shipway.testing.runtime_output import OutputContract


class RuntimeContract(OutputContract):
    """Runs on the real engine and on the in-memory one."""

    def test_it_tells_its_version(self, lab: RuntimeLab) -> None:
        assert lab.runtime.ping()

    def test_creating_the_same_again_keeps_it(self, lab: RuntimeLab) -> None:
        spec = lab.spec("a", SLEEPS)
        first = lab.runtime.create(spec)
        assert lab.runtime.create(spec) == first
        lab.runtime.start(spec.name)
        assert lab.runtime.create(spec) == first
        assert self.state(lab, spec.name) == "running"

    def test_another_one_of_that_name_is_refused(self, lab: RuntimeLab) -> None:
        identity = lab.runtime.create(lab.spec("a", SLEEPS))
        with pytest.raises(EngineError, match=lab.name("a")):
            lab.runtime.create(lab.spec("a", SLEEPS, labels={LABEL_APP: lab.app, LABEL_CONFIG: "other"}))
        with pytest.raises(EngineError, match=lab.name("a")):
            lab.runtime.create(lab.spec("a", SLEEPS, labels={LABEL_APP: lab.app}))
        found = lab.runtime.find(lab.name("a"))
        assert found is not None
        assert found.id == identity

    def test_a_container_that_is_renamed_frees_its_name(self, lab: RuntimeLab) -> None:
        identity = lab.runtime.create(lab.spec("a", SLEEPS))
        lab.runtime.rename(lab.name("a"), lab.name("b"))
        other = lab.runtime.create(lab.spec("a", SLEEPS, labels={LABEL_APP: lab.app, LABEL_CONFIG: "other"}))
        with pytest.raises(EngineError):
            lab.runtime.rename(lab.name("a"), lab.name("b"))
        found = lab.runtime.find(lab.name("b"))
        assert found is not None
        assert (found.id, other != identity) == (identity, True)

    def test_a_container_tells_its_volumes(self, lab: RuntimeLab) -> None:
        lab.runtime.create(lab.spec("a", SLEEPS, volumes={lab.name("v"): "/tmp"}))
        found = lab.runtime.find(lab.name("a"))
        assert found is not None
        assert found.volumes["/tmp"] == lab.name("v")
        (listed,) = lab.runtime.list({LABEL_APP: lab.app})
        assert listed.volumes == found.volumes
        lab.runtime.remove(lab.name("a"), volumes=False)
        lab.runtime.remove_volume(lab.name("v"))

    def test_an_image_that_is_not_there(self, lab: RuntimeLab) -> None:
        with pytest.raises(EngineError, match="nosuch/image"):
            lab.runtime.create(lab.spec("a", SLEEPS, image="nosuch/image:1"))

    def test_a_container_of_low_priority_gets_its_full_share_later(self, lab: RuntimeLab) -> None:
        lab.runtime.create(lab.spec("a", SLEEPS, low_priority=True))
        lab.runtime.start(lab.name("a"))
        for _ in range(2):
            lab.runtime.prioritize(lab.name("a"))
        lab.runtime.prioritize(lab.name("missing"))
        assert self.state(lab, lab.name("a")) == "running"

    def test_start_stop_and_remove_may_be_repeated(self, lab: RuntimeLab) -> None:
        name = started(lab, "a")
        lab.runtime.start(name)
        assert self.state(lab, name) == "running"
        lab.runtime.stop(name, 5)
        lab.runtime.stop(name, 5)
        assert self.state(lab, name) == "exited"
        lab.runtime.remove(name)
        lab.runtime.remove(name)
        assert lab.runtime.find(name) is None

    def test_a_stopped_one_can_be_started_again(self, lab: RuntimeLab) -> None:
        name = started(lab, "a")
        lab.runtime.stop(name, 5)
        lab.runtime.start(name)
        assert self.state(lab, name) == "running"

    def test_what_is_missing(self, lab: RuntimeLab) -> None:
        missing = lab.name("missing")
        lab.runtime.stop(missing, 1)
        lab.runtime.remove(missing)
        lab.runtime.remove_network(missing)
        lab.runtime.remove_volume(missing)
        assert lab.runtime.find(missing) is None
        for call in (
            lambda: lab.runtime.start(missing),
            lambda: lab.runtime.wait(missing, 1),
            lambda: list(lab.runtime.logs(missing)),
            lambda: lab.runtime.execute(missing, ["true"]),
            lambda: lab.runtime.put(missing, "/tmp", pack({"a": b""})),
            lambda: list(lab.runtime.get(missing, "/etc")),
            lambda: lab.runtime.connect(missing, missing),
        ):
            with pytest.raises(EngineError):
                call()

    def test_list_by_labels(self, lab: RuntimeLab) -> None:
        running, stopped = started(lab, "a"), lab.spec("b", SLEEPS).name
        lab.runtime.create(lab.spec("b", SLEEPS))
        assert self.names(lab, {LABEL_APP: lab.app}) == [running, stopped]
        assert self.names(lab, {LABEL_APP: lab.app, LABEL_NAME: "b"}) == [stopped]
        assert self.names(lab, {LABEL_APP: lab.app, LABEL_NAME: ""}) == [running, stopped]
        assert self.names(lab, {LABEL_APP: lab.app, "shipway.nothing": ""}) == []
        assert self.names(lab, {LABEL_APP: "", LABEL_NAME: "c"}) == []

    def test_list_and_find_tell_the_same(self, lab: RuntimeLab) -> None:
        name = started(lab, "a", Program(exit_code=7))
        lab.runtime.wait(name, 30)
        found = lab.runtime.find(name)
        assert found is not None
        assert (found.state, found.exit_code, found.labels[LABEL_NAME]) == ("exited", 7, "a")
        assert lab.runtime.find(found.id) == found
        (listed,) = lab.runtime.list({LABEL_APP: lab.app})
        assert (listed.id, listed.name, listed.state, listed.exit_code) == (found.id, name, "exited", 7)
        assert int(listed.created) == int(found.created) > 0
        assert listed.image == found.image

    def test_exit_codes(self, lab: RuntimeLab) -> None:
        names = {code: started(lab, f"exit{code}", Program(exit_code=code)) for code in (0, 3, 255)}
        assert {code: lab.runtime.wait(name, 30) for code, name in names.items()} == {0: 0, 3: 3, 255: 255}

    def test_waiting_no_longer_than_asked(self, lab: RuntimeLab) -> None:
        name = started(lab, "a")
        for timeout in (0, 0.3):
            with pytest.raises(TimeoutError):
                lab.runtime.wait(name, timeout)
        assert self.state(lab, name) == "running"

    def test_sigterm_first_then_sigkill(self, lab: RuntimeLab) -> None:
        polite, stubborn = started(lab, "polite"), started(lab, "stubborn", Program(stubborn=True))
        lab.runtime.stop(polite, 20)
        lab.runtime.stop(stubborn, 0.5)
        assert lab.runtime.wait(polite, 1) == 0
        assert lab.runtime.wait(stubborn, 1) == 137

    @pytest.mark.parametrize("kept", [False, True])
    def test_execute(self, lab: RuntimeLab, kept: bool) -> None:
        name = started(lab, "a")
        for _ in range(3):
            code, output = lab.runtime.execute(name, lab.answered, kept=kept)
            assert (code, output.strip()) == (0, "pong")
        for given in ({"KEY": "a 'b"}, {"not.an-identifier": "a"}):
            assert lab.runtime.execute(name, lab.answered, environment=given, kept=kept)[0] == 0
        lab.runtime.stop(name, 5)
        with pytest.raises(EngineError):
            lab.runtime.execute(name, lab.answered, kept=kept)
        lab.runtime.start(name)
        assert lab.runtime.execute(name, lab.answered, kept=kept)[1].strip() == "pong"

    def test_open_connections(self, lab: RuntimeLab) -> None:
        name = started(lab, "a")
        assert lab.runtime.connections(name, 8000) == 0
        lab.runtime.stop(name, 5)
        assert lab.runtime.connections(name, 8000) == 0
        assert lab.runtime.connections(lab.name("missing"), 8000) == 0

    def test_memory(self, lab: RuntimeLab) -> None:
        name = started(lab, "a")
        found, used = lab.runtime.memory(), lab.runtime.usage_of(name)
        assert found is not None
        assert used is not None
        assert 0 < used.memory < found[0] < found[1]
        assert used.processor > 0
        again = lab.runtime.usage_of(name)
        assert again is not None
        assert again.processor >= used.processor
        assert lab.runtime.usage_of(lab.name("missing")) is None
        lab.runtime.stop(name, 5)
        assert lab.runtime.usage_of(name) is None

    def test_processors(self, lab: RuntimeLab) -> None:
        assert lab.runtime.processors() >= 1

    def test_files_go_in_and_out(self, lab: RuntimeLab) -> None:
        name = lab.spec("a", SLEEPS).name
        lab.runtime.create(lab.spec("a", SLEEPS))
        files = {"work/a.txt": b"a", "work/deep/b.bin": bytes(range(256)) * 1000}
        lab.runtime.put(name, "/tmp", pack(files))
        assert unpack(lab.runtime.get(name, "/tmp/work")) == files
        assert unpack(lab.runtime.get(name, "/tmp/work/a.txt")) == {"a.txt": b"a"}
        lab.runtime.start(name)
        lab.runtime.put(name, "/tmp/work", pack({"a.txt": b"changed"}))
        assert unpack(lab.runtime.get(name, "/tmp/work/a.txt")) == {"a.txt": b"changed"}
        with pytest.raises(FileNotFoundError):
            lab.runtime.get(name, "/tmp/nothing")
        with pytest.raises(EngineError):
            lab.runtime.put(name, "/tmp/nothing", pack({"a": b""}))

    def test_files_are_there_before_it_starts(self, lab: RuntimeLab) -> None:
        files = {"/run/secrets/KEY": b"\xff\x00value", "/run/secrets/OTHER": b"x"}
        spec = lab.spec("a", SLEEPS, files=files)
        lab.runtime.create(spec)
        assert unpack(lab.runtime.get(spec.name, "/run/secrets")) == {
            f"secrets/{path[13:]}": data for path, data in files.items()
        }
        lab.runtime.start(spec.name)
        lab.runtime.put(spec.name, "/run/secrets", pack({"OTHER": b"changed"}))
        lab.runtime.create(spec)  # nothing is written again to one that was started
        assert unpack(lab.runtime.get(spec.name, "/run/secrets/OTHER")) == {"OTHER": b"changed"}

    def test_configuration_files_are_there_before_it_starts(self, lab: RuntimeLab) -> None:
        laid = {
            "/etc/new/deep/app.conf": ConfigFile.of(b"\xff\x00one"),
            "/tmp/run": ConfigFile.of(b"", executable=True),
        }
        spec = lab.spec("a", SLEEPS, configs=laid)
        lab.runtime.create(spec)
        for path, file in laid.items():
            assert unpack(lab.runtime.get(spec.name, path)) == {path.rpartition("/")[2]: file.data}
        lab.runtime.start(spec.name)
        lab.runtime.create(spec)  # nothing is written again to one that was started

    def test_a_volume_outlives_its_containers(self, lab: RuntimeLab) -> None:
        volume = lab.name("volume")
        assert not lab.runtime.has_volume(volume)
        first = started(lab, "a", volumes={volume: "/data"})
        lab.runtime.put(first, "/data", pack({"kept": b"yes"}))
        lab.runtime.remove(first)
        second = started(lab, "b", volumes={volume: "/data"})
        assert unpack(lab.runtime.get(second, "/data/kept")) == {"kept": b"yes"}
        with pytest.raises(EngineError):
            lab.runtime.remove_volume(volume)  # in use
        assert lab.runtime.has_volume(volume)
        lab.runtime.remove(second)
        lab.runtime.remove_volume(volume)
        third = started(lab, "c", volumes={volume: "/data"})
        with pytest.raises(FileNotFoundError):
            lab.runtime.get(third, "/data/kept")

    def test_all_objects_of_an_owner(self, lab: RuntimeLab) -> None:
        network, volume, labels = lab.name("net"), lab.name("volume"), {LABEL_APP: lab.app, LABEL_LEDGER: "1a2b"}
        lab.runtime.ensure_network(network, labels)
        spec = lab.spec("a", SLEEPS, networks={network: ()}, volumes={volume: "/data"})
        lab.runtime.create(dataclasses.replace(spec, labels={**spec.labels, **labels}))
        lab.runtime.create(lab.spec("b", SLEEPS))
        found = sorted((item.kind, item.name, item.labels[LABEL_LEDGER]) for item in lab.runtime.objects(labels))
        assert found == [("container", spec.name, "1a2b"), ("network", network, "1a2b"), ("volume", volume, "1a2b")]
        assert len({item.id for item in lab.runtime.objects({LABEL_APP: lab.app})}) == 4
        assert lab.runtime.objects({LABEL_APP: lab.app, LABEL_LEDGER: "other"}) == []

    def test_a_container_of_another_ledger_is_not_kept(self, lab: RuntimeLab) -> None:
        spec = lab.spec("a", SLEEPS)
        lab.runtime.create(dataclasses.replace(spec, labels={**spec.labels, LABEL_LEDGER: "1a2b"}))
        with pytest.raises(EngineError, match="another ledger"):
            lab.runtime.create(dataclasses.replace(spec, labels={**spec.labels, LABEL_LEDGER: "3c4d"}))

    def test_what_has_no_ledger_yet_is_kept(self, lab: RuntimeLab) -> None:
        spec = lab.spec("a", SLEEPS)
        first = lab.runtime.create(spec)
        assert lab.runtime.create(dataclasses.replace(spec, labels={**spec.labels, LABEL_LEDGER: "1a2b"})) == first

    def test_variables_of_a_container(self, lab: RuntimeLab) -> None:
        spec = lab.spec("a", SLEEPS, env={"A": "1=2", "B": ""})
        lab.runtime.create(spec)
        found = lab.runtime.variables(spec.name)
        assert (found["A"], found["B"]) == ("1=2", "")
        assert lab.runtime.variables(lab.name("missing")) == {}

    def test_networks(self, lab: RuntimeLab) -> None:
        one, two = lab.name("one"), lab.name("two")
        for network in (one, two, one):
            lab.runtime.ensure_network(network, {LABEL_APP: lab.app})
        name = started(lab, "a", networks={one: ("first",)})
        assert self.networks(lab, name) == {one}
        lab.runtime.connect(two, name, ["second"])
        lab.runtime.connect(two, name, ["second"])
        lab.runtime.connect(two, name, ["third"])
        lab.runtime.connect(two, name)
        assert self.networks(lab, name) == {one, two}
        with pytest.raises(EngineError):
            lab.runtime.connect(lab.name("missing"), name)
        for _ in range(2):
            lab.runtime.disconnect(two, name)
            lab.runtime.disconnect(lab.name("missing"), name)
            lab.runtime.disconnect(two, lab.name("missing"))
        assert self.networks(lab, name) == {one}
        lab.runtime.connect(two, name)
        lab.runtime.remove_network(two)
        lab.runtime.remove_network(two)
        assert self.networks(lab, name) == {one}
        assert self.state(lab, name) == "running"

    def test_names_change_while_it_is_attached(self, lab: RuntimeLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app}, pinned=True)
        name = started(lab, "a", networks={network: ("first",)})
        before = lab.runtime.find(name)
        for aliases in (("second",), (), (), ("first", "second")):
            assert lab.runtime.set_aliases(network, name, aliases)
        assert lab.runtime.find(name) == before
        assert not lab.runtime.set_aliases(lab.name("missing"), name, ("first",))
        assert not lab.runtime.set_aliases(network, lab.name("missing"), ("first",))

    def test_a_stopped_container_joins_its_networks_that_were_created_again(self, lab: RuntimeLab) -> None:
        """As after `docker network prune`, which removes what only stopped containers use."""
        one, pinned = lab.name("one"), lab.name("pinned")
        lab.runtime.ensure_network(one, {LABEL_APP: lab.app})
        lab.runtime.ensure_network(pinned, {LABEL_APP: lab.app}, pinned=True)
        name = started(lab, "a", networks={one: ("first",), pinned: ("second",)})
        lab.runtime.stop(name, 1)
        lab.runtime.remove_network(one)
        lab.runtime.remove_network(pinned)
        with pytest.raises(EngineError, match="network"):
            lab.runtime.start(name)
        lab.runtime.ensure_network(one, {LABEL_APP: lab.app})
        lab.runtime.ensure_network(pinned, {LABEL_APP: lab.app}, pinned=True)
        lab.runtime.start(name)
        assert self.networks(lab, name) == {one, pinned}

    def test_a_container_in_several_networks_from_the_start(self, lab: RuntimeLab) -> None:
        networks: Mapping[str, tuple[str, ...]] = {lab.name("one"): ("a1",), lab.name("two"): ("a2",)}
        for network in networks:
            lab.runtime.ensure_network(network, {LABEL_APP: lab.app})
        name = started(lab, "a", networks=networks)
        assert self.networks(lab, name) == set(networks)

    def test_free_space_and_what_could_go(self, lab: RuntimeLab) -> None:
        free = lab.runtime.free_space()
        assert free is not None
        assert free > 1 << 20
        usage = lab.runtime.disk_usage()
        assert usage.unused_images >= 0
        assert usage.build_cache >= 0
        assert lab.runtime.list({LABEL_NAME: "free-space"}) == []

    def test_many_threads(self, lab: RuntimeLab) -> None:
        def whole_life(number: int) -> int:
            name = started(lab, f"t{number}", Program((f"{number}",), exit_code=number))
            assert list(lab.runtime.logs(name, follow=True)) == [f"{number}"]
            code = lab.runtime.wait(name, 60)
            lab.runtime.remove(name)
            return code

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(whole_life, range(6))) == list(range(6))

    def state(self, lab: RuntimeLab, name: str) -> str:
        found = lab.runtime.find(name)
        return found.state if found else "missing"

    def networks(self, lab: RuntimeLab, name: str) -> set[str]:
        found = lab.runtime.find(name)
        assert found is not None
        assert all(found.addresses.values())
        return set(found.addresses)

    def names(self, lab: RuntimeLab, labels: Mapping[str, str]) -> list[str]:
        return sorted(item.name for item in lab.runtime.list(labels))
