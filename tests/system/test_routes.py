"""Host names, redirects, options of routes and a private environment, deployed from a plan to a real edge."""

from __future__ import annotations

import http.client
import subprocess

import pytest

from shipway.domain.errors import SecretError
from shipway.testing.edge_routes import HASH, PASSWORD
from tests.system.conftest import Make
from tests.system.tiny import CADDYFILE, IMAGE, Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.full]
API = ':8000 {\n\trespond /healthz 200\n\trespond "api {uri}"\n}\n'


def ask(project: Tiny, host: str, path: str = "/", **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=60)
    connection.request("GET", path, headers={"Host": f"{host}:{project.port}", **headers})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text, response.headers


def give(project: Tiny, name: str, value: str) -> None:
    command = ["shipway", "secret", "set", "staging", name]
    subprocess.run(command, input=value, text=True, cwd=project.clone, env=project.env, check=True, capture_output=True)


def test_from_a_public_site_to_a_private_one_with_several_names(make: Make) -> None:
    """No visitor of the first name loses a request while the names and the options change."""
    project = make()
    api = {
        "image": IMAGE, "command": f"sh -c 'printf \"%s\" '\"'\"'{API}'\"'\"' > /tmp/c && exec caddy run --config /tmp/c --adapter caddyfile'",
        "port": 8000, "health": "/healthz",
        "route": {"path": "/api", "strip": True, "headers": {"X-Frame-Options": "DENY"}},
    }  # fmt: skip
    project.plan["services"] |= {"api": api, "admin": {**api, "route": "/"}}
    staging = project.plan["environments"]["staging"]
    domain = f"staging.{project.app}.localhost"
    staging |= {"domains": {"admin": f"admin.{domain}"}, "aliases": [f"also.{domain}"], "redirects": f"www.{domain}"}
    project.plan["environments"]["production"]["domains"] = {"admin": f"admin.{project.app}.localhost"}
    project.protect()
    project.change("one", files={"web/Caddyfile": CADDYFILE.format(name="one", health=200)})
    project.shipway("run", "staging")
    assert ask(project, domain)[1] == ask(project, f"also.{domain}")[1] == "one"
    assert ask(project, domain, "/api/items?x=1")[1] == "api /items?x=1"
    assert ask(project, domain, "/api")[2]["X-Frame-Options"] == "DENY"
    assert ask(project, f"admin.{domain}", "/api/items")[1] == "api /api/items"
    status, _, headers = ask(project, f"www.{domain}", "/a?b=c")
    assert (status, headers["Location"]) == (301, f"{project.staging}/a?b=c")

    project.plan["environments"]["staging"]["aliases"] = [f"new.{domain}"]
    project.change("two")
    refused = project.shipway("run", "staging", check=False)
    assert f"host names new.{domain}: not in the rules in force" in refused.output
    assert ask(project, f"new.{domain}")[0] == 404
    project.protect()
    project.change("two")
    with visitors(project) as answers:
        project.shipway("run", "staging")
    assert set(answers) == {"one", "two"}
    assert ask(project, f"new.{domain}")[1] == "two"
    assert ask(project, f"also.{domain}")[0] == 404

    project.plan["checks"] = {"smoke": {"image": IMAGE, "run": "wget -qO- $URL | grep three"}}
    staging |= {"access": {"users": "USERS"}, "checks": ["smoke"]}
    project.protect()
    project.change("three")
    missing = project.shipway("run", "staging", check=False)
    assert "staging lacks 1 secret: USERS" in missing.output
    give(project, "USERS", "ada:plain\n")
    wrong = project.shipway("run", "staging", check=False)
    assert wrong.code == SecretError.exit_code
    assert "line 1 is not NAME:HASH with a bcrypt hash" in wrong.output
    assert "plain" not in wrong.output
    assert ask(project, domain)[1] == "two"
    give(project, "USERS", f"ada:{HASH}\n")
    project.shipway("run", "staging")  # its check needs no password
    assert ask(project, domain)[0] == ask(project, f"admin.{domain}")[0] == 401
    login = subprocess.run(
        ["base64", "-w0"], input=f"ada:{PASSWORD}", text=True, capture_output=True, check=True
    ).stdout
    assert ask(project, domain, Authorization=f"Basic {login}")[1] == "three"
