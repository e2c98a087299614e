"""From two bare Debian hosts to a release that serves on them: prepared, killed in between, checked, and repaired."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from shipway.domain.errors import DriftFound, EngineError
from tests.bare_hosts import BareHosts, running_bare_hosts
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(1500)]

PORT, CLOSED = 8820, 8821
URL = f"http://shop.example:{PORT}"
STARTED = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps -q) | sort"


@pytest.fixture(scope="module")
def hosts() -> Iterator[BareHosts]:
    with running_bare_hosts(2) as found:
        yield found


@pytest.fixture(scope="module")
def shop(make: Make, hosts: BareHosts) -> Tiny:
    project = make(port=PORT)
    project.plan["environments"]["staging"] |= {
        "url": URL,
        "hosts": [
            {"host": "ssh://host1", "address": hosts.addresses["host1"]},
            "ssh://host2",
        ],
    }
    project.env["PATH"] = f"{hosts.bin}:{project.env['PATH']}"
    project.protect()
    project.change("one")
    return project


def fingerprint(hosts: BareHosts, name: str) -> str:
    """As a provider shows it."""
    return hosts.run(name, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]


def answer(hosts: BareHosts, name: str, port: int) -> str:
    url = f"http://{hosts.addresses[name]}:{port}/"
    request = urllib.request.Request(url, headers={"Host": f"shop.example:{port}"})
    try:
        with urllib.request.urlopen(request, timeout=3) as found:
            return str(found.read().decode())
    except OSError as error:
        return "no answer" if "timed out" in str(error) else str(error)


def test_from_bare_to_serving(shop: Tiny, hosts: BareHosts) -> None:
    refused = shop.shipway("host", "prepare", "staging", "--dry-run", check=False)
    assert (refused.code, "is not trusted" in refused.output) == (EngineError.exit_code, True), refused.output
    assert not hosts.known_hosts.exists()
    keys = [option for name in hosts.names for option in ("--accept-key", fingerprint(hosts, name))]
    planned = shop.shipway("host", "prepare", "staging", "--dry-run", *keys).output
    assert planned.count("docker.io") == 2
    assert f"except 22/tcp, 80/tcp, 443/tcp, 443/udp, {PORT}/tcp" in planned
    assert "deploy" not in hosts.run("host1", "cut -d: -f1 /etc/passwd").split(), "nothing was changed"

    unasked = shop.shipway("host", "prepare", "staging", check=False)
    assert "pass --yes" in unasked.output

    running = shop.start("host", "prepare", "staging", "--yes")
    running.until("install packages on ssh://host", seconds=120)
    running.kill()
    done = shop.shipway("host", "prepare", "staging", "--yes").output
    assert done.count("is prepared") == 2, done

    again = shop.shipway("host", "prepare", "staging", "--yes").output
    assert again.split("\n")[:2] == ["✓ ssh://host1 is prepared", "✓ ssh://host2 is prepared"], again
    assert shop.shipway("host", "check", "staging").code == 0

    for name in hosts.names:
        for image in ("caddy:2", "traefik:v3"):
            hosts.load(name, image)
    shop.shipway("run", "staging")
    assert [answer(hosts, name, PORT) for name in hosts.names] == ["one", "one"]


def publish(hosts: BareHosts, name: str, address: str) -> None:
    """A container publishes CLOSED there, and answers on the host itself."""
    hosts.run(name, f"docker run -d --name other -p {address}:{CLOSED}:80 caddy:2 caddy respond --listen :80 other")
    inside = (
        f"for _ in $(seq 50); do (exec 3<>/dev/tcp/{address}/{CLOSED}) 2>/dev/null && exit 0; sleep 0.1; done; exit 1"
    )
    hosts.run(name, f"bash -c '{inside}'")


def test_a_published_port_is_closed_unless_it_is_listed(shop: Tiny, hosts: BareHosts) -> None:
    publish(hosts, "host2", "0.0.0.0")
    assert answer(hosts, "host2", CLOSED) == "no answer"
    shop.shipway("host", "prepare", "ssh://host2", "--yes", "--port", str(PORT), "--port", str(CLOSED))
    assert answer(hosts, "host2", CLOSED) == "other"
    shop.shipway("host", "prepare", "ssh://host2", "--yes", "--port", str(PORT))
    assert answer(hosts, "host2", CLOSED) == "no answer"
    assert answer(hosts, "host2", PORT) == "one"
    hosts.run("host2", "docker rm --force other")


def test_private_networks_reach_what_is_published_on_the_address_for_accessories(hosts: BareHosts) -> None:
    publish(hosts, "host1", hosts.addresses["host1"])
    assert answer(hosts, "host1", CLOSED) == "other"
    rules = hosts.run("host1", "nft list table inet shipway")
    hosts.run("host1", "nft -f -", text=f"delete table inet shipway\n{without_private(rules)}")
    assert answer(hosts, "host1", CLOSED) == "no answer"
    hosts.run("host1", "nft -f -", text=f"delete table inet shipway\n{rules}")
    hosts.run("host1", "docker rm --force other")


def without_private(rules: str) -> str:
    return "".join(line for line in rules.splitlines(keepends=True) if "ct original ip daddr" not in line)


def test_drift_is_reported_and_repaired_without_a_restart_of_containers(shop: Tiny, hosts: BareHosts) -> None:
    before = hosts.run("host2", STARTED)
    assert "staging" in before
    hosts.run("host2", "nft delete table inet shipway; echo '{\"debug\": true}' >/etc/docker/daemon.json")
    drift = shop.shipway("host", "check", "staging", check=False)
    assert drift.code == DriftFound.exit_code
    assert "load the confirmed rules again" in drift.output
    assert "live-restore: none → true" in drift.output
    shop.shipway("host", "prepare", "staging", "--yes")
    assert hosts.run("host2", STARTED) == before
    assert '"debug": true' in hosts.run("host2", "cat /etc/docker/daemon.json"), "merged, not overwritten"
    assert answer(hosts, "host2", PORT) == "one"


def test_by_a_user_who_may_call_sudo(shop: Tiny, hosts: BareHosts) -> None:
    assert shop.shipway("host", "check", "ssh://host1", "--login", "admin").code == 0
    hosts.run("host1", "rm /etc/apt/apt.conf.d/52shipway-upgrades /etc/apt/apt.conf.d/20auto-upgrades")
    done = shop.shipway("host", "prepare", "ssh://host1", "--login", "admin", "--yes").output
    assert "unattended upgrades on ssh://host1" in done
    refused = shop.shipway("host", "check", "ssh://host1", "--login", "deploy", check=False)
    assert "can't act as root" in refused.output


def test_nothing_but_a_key_lets_anyone_in(hosts: BareHosts) -> None:
    options = "-o BatchMode=yes -o PubkeyAuthentication=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    assert "publickey" in hosts.run("host1", f"ssh {options} root@127.0.0.1 true 2>&1 || true")
    assert "password" not in hosts.run("host1", f"ssh {options} root@127.0.0.1 true 2>&1 | grep denied || true")
    assert hosts.run("host1", "id -nG deploy", "deploy").split() == ["deploy", "docker"]


def test_a_link_in_the_deploy_users_folder_leads_root_nowhere(shop: Tiny, hosts: BareHosts) -> None:
    keys = "/home/deploy/.ssh/authorized_keys"
    hosts.run("host1", f"cp {keys} /root/kept && rm {keys} && touch /root/target && ln -s /root/target {keys}", "root")
    refused = shop.shipway("host", "prepare", "ssh://host1", "--yes", check=False)
    assert (refused.code, "user failed" in refused.output) == (EngineError.exit_code, True), refused.output
    assert hosts.run("host1", "cat /root/target") == ""
    hosts.run("host1", f"rm {keys} && install -o deploy -g deploy -m 600 /root/kept {keys}")


def test_after_a_power_cut_the_rules_are_drift_until_the_boot_has_loaded_them(shop: Tiny, hosts: BareHosts) -> None:
    """No service manager runs here: what it would do at boot is done by the command that its unit names."""
    hosts.restarted("host1")
    drift = shop.shipway("host", "check", "ssh://host1", check=False)
    assert "load the confirmed rules again" in drift.output
    start = hosts.run("host1", "sed -n 's/^ExecStart=//p' /etc/systemd/system/shipway-firewall.service")
    hosts.run("host1", f"{start.strip()} && service docker start && swapon /swapfile")
    hosts.run("host1", "for _ in $(seq 60); do docker version >/dev/null 2>&1 && exit 0; sleep 1; done; exit 1")
    assert shop.shipway("host", "check", "ssh://host1").code == 0


def test_a_host_with_another_key_is_refused(shop: Tiny, hosts: BareHosts) -> None:
    hosts.installed_again("host2")
    for command in (["check"], ["prepare", "--yes"], ["prepare", "--yes", "--accept-key", fingerprint(hosts, "host2")]):
        done = shop.shipway("host", command[0], "ssh://host2", *command[1:], check=False)
        assert done.code == EngineError.exit_code
        assert "its host key differs from the known one" in done.output
        assert "ssh-keygen -R" in done.output
    assert "deploy" not in hosts.run("host2", "cut -d: -f1 /etc/passwd").split()
