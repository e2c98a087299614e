"""A local name with https: browsers that trust what `shipway local-ca` prints accept it."""

from __future__ import annotations

import http.client
import ssl

import pytest

from shipway.domain.errors import UsageError
from tests.system.conftest import Make

pytestmark = pytest.mark.engine


def test_a_local_name_is_trusted_by_what_shipway_prints(make: Make) -> None:
    project = make()
    url = f"https://{project.app}.localhost:8443"
    project.plan["environments"]["staging"] |= {"url": url, "tls": "internal"}
    project.protect()
    project.change("one")
    early = project.shipway("local-ca", "staging", check=False)
    assert early.code == UsageError.exit_code
    assert "shipway deploy staging" in early.output
    done = project.shipway("run", "staging")
    assert (
        f"the certificate of {url} is issued by the edge's local CA; trust the certificate that `shipway local-ca staging` prints"
        in done.output
    )
    trusted = ssl.create_default_context(cadata=project.shipway("local-ca", "staging").output)
    connection = http.client.HTTPConnection("127.0.0.1", 8443, timeout=60)
    connection.connect()
    connection.sock = trusted.wrap_socket(connection.sock, server_hostname=f"{project.app}.localhost")
    connection.request("GET", "/", headers={"Host": f"{project.app}.localhost:8443"})
    assert connection.getresponse().read() == b"one"
    connection.close()
    plain = project.shipway("local-ca", "production", check=False)
    assert plain.code == UsageError.exit_code
    assert "doesn't use https" in plain.output
