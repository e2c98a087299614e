"""A proof as JUnit XML, as GitLab, Jenkins, GitHub's test reporters and Azure read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from shipway.domain.proof import Proof
from shipway.proving.report.follows import what_follows
from shipway.proving.report.parts import ERROR, FAILED, SKIPPED, Part, parts

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # forbidden in XML 1.0, even escaped


def junit(proof: Proof) -> str:
    """One suite; a failed part is a failure, an unknown one is skipped."""
    name, classname = f"proof of {proof.app} on {proof.environment}", f"{proof.app}.{proof.environment}.proof"
    return suite(name, classname, parts(proof), proof.at, proof.seconds, _properties(proof))


def suite(
    name: str, classname: str, found: Sequence[Part], at: float, seconds: float, properties: Mapping[str, str]
) -> str:
    """A document with one suite of these parts."""
    counts = {
        "tests": str(len(found)),
        "failures": str(sum(part.outcome == FAILED for part in found)),
        "errors": str(sum(part.outcome == ERROR for part in found)),
        "skipped": str(sum(part.outcome == SKIPPED for part in found)),
        "time": f"{seconds:.3f}",
    }
    root = ElementTree.Element(
        "testsuites", {"name": "shipway prove", **{key: counts[key] for key in ("tests", "failures", "errors", "time")}}
    )
    began = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    element = ElementTree.SubElement(root, "testsuite", {"name": _text(name), **counts, "timestamp": began})
    known = ElementTree.SubElement(element, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(known, "property", {"name": key, "value": _text(value)})
    for part in found:
        _case(element, classname, part)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, classname: str, part: Part) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", {"classname": _text(classname), "name": _text(part.name), "time": f"{part.seconds:.3f}"}
    )
    detail = _text("\n".join(part.detail))
    if part.outcome in (FAILED, ERROR):
        kind = "failure" if part.outcome == FAILED else "error"
        type_ = _text(part.message.partition(":")[0].partition(";")[0])
        ElementTree.SubElement(case, kind, {"message": _text(part.message), "type": type_}).text = detail
    elif part.outcome == SKIPPED:
        ElementTree.SubElement(case, "skipped", {"message": _text(part.message)})
    if detail and part.outcome not in (FAILED, ERROR):
        ElementTree.SubElement(case, "system-out").text = detail


def _properties(proof: Proof) -> dict[str, str]:
    return {
        "release": str(proof.release), "digest": proof.digest, "before": "" if proof.before is None else str(proof.before),
        "before_digest": proof.before_digest, "schema_before": proof.schema_before or "", "schema_after": proof.schema_after or "",
        "mode": proof.mode, "image": proof.image, "rollback": what_follows(proof).way,
        "way_down": proof.way.verdict if proof.way else "", "old_code": proof.old_code.verdict, "new_code": proof.new_code.verdict,
    }  # fmt: skip


def _text(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
