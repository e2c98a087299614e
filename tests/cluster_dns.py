"""Names of Services and public names for pods of the tests' own cluster, which has no DNS server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.drivers.platform.kubernetes_api import KubernetesApi
from tests.cluster_ingress import INGRESSES

ADDRESS = ("10.214.0.1", 53)  # that the kubelet of tests/kubernetes.sh gives to pods
SUFFIX = ".svc.cluster.local"


@contextmanager
def serving(api: KubernetesApi) -> Iterator[None]:
    """Answers questions for SERVICE.NAMESPACE.svc.cluster.local, and leads host names of Ingresses to the node. No other name exists."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(ADDRESS)
        over = threading.Event()
        listening.settimeout(0.5)
        thread = threading.Thread(target=_answer_all, args=(listening, api, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _answer_all(listening: socket.socket, api: KubernetesApi, over: threading.Event) -> None:
    while not over.is_set():
        try:
            question, asker = listening.recvfrom(4096)
        except TimeoutError:
            continue
        listening.sendto(_answer(question, api), asker)


def _answer(question: bytes, api: KubernetesApi) -> bytes:
    labels, at = [], 12
    while size := question[at]:
        labels.append(question[at + 1 : at + 1 + size].decode())
        at += 1 + size
    asked, (kind, _) = question[12 : at + 5], struct.unpack(">HH", question[at + 1 : at + 5])
    name = ".".join(labels)
    address = _address(name, api) if name.endswith(SUFFIX) else _public(name, api)
    code = 0 if address else 3
    found = address if kind == 1 else ""  # of IPv4
    head = question[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, 1 if found else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(found) if found else b""
    return head + asked + record


def _address(name: str, api: KubernetesApi) -> str:
    service, _, namespace = name.removesuffix(SUFFIX).partition(".")
    found = api.get("v1", "Service", namespace, service) if namespace and "." not in namespace else None
    return str(found["spec"]["clusterIP"]) if found else ""


def _public(name: str, api: KubernetesApi) -> str:
    rules = [rule for item in api.ask("GET", INGRESSES).get("items") or [] for rule in item["spec"].get("rules") or []]
    return ADDRESS[0] if name in {rule.get("host") for rule in rules} else ""
