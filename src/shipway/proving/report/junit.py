"""A proof as JUnit XML, as GitLab, Jenkins, GitHub's test reporters and Azure read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

from shipway.domain.proof import Proof
from shipway.proving.report.follows import what_follows
from shipway.proving.report.parts import FAILED, SKIPPED, parts

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # forbidden in XML 1.0, even escaped


def junit(proof: Proof) -> str:
    """One suite; a failed part is a failure, an unknown one is skipped."""
    found = parts(proof)
    counts = {
        "tests": str(len(found)),
        "failures": str(sum(part.outcome == FAILED for part in found)),
        "errors": "0",
        "skipped": str(sum(part.outcome == SKIPPED for part in found)),
        "time": f"{proof.seconds:.3f}",
    }
    root = ElementTree.Element(
        "testsuites", {"name": "shipway prove", **{key: counts[key] for key in ("tests", "failures", "errors", "time")}}
    )
    name = _text(f"proof of {proof.app} on {proof.environment}")
    began = datetime.fromtimestamp(proof.at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counts, "timestamp": began})
    known = ElementTree.SubElement(suite, "properties")
    for key, value in _properties(proof).items():
        ElementTree.SubElement(known, "property", {"name": key, "value": _text(value)})
    classname = _text(f"{proof.app}.{proof.environment}.proof")
    for part in found:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": classname, "name": _text(part.name), "time": f"{part.seconds:.3f}"}
        )
        detail = _text("\n".join(part.detail))
        if part.outcome == FAILED:
            ElementTree.SubElement(
                case,
                "failure",
                {"message": _text(part.message), "type": _text(part.message.partition(":")[0].partition(";")[0])},
            ).text = detail
        elif part.outcome == SKIPPED:
            ElementTree.SubElement(case, "skipped", {"message": _text(part.message)})
        if detail and part.outcome != FAILED:
            ElementTree.SubElement(case, "system-out").text = detail
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _properties(proof: Proof) -> dict[str, str]:
    return {
        "release": str(proof.release), "digest": proof.digest, "before": "" if proof.before is None else str(proof.before),
        "before_digest": proof.before_digest, "schema_before": proof.schema_before or "", "schema_after": proof.schema_after or "",
        "mode": proof.mode, "image": proof.image, "rollback": what_follows(proof).way,
        "way_down": proof.way.verdict if proof.way else "", "old_code": proof.old_code.verdict, "new_code": proof.new_code.verdict,
    }  # fmt: skip


def _text(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
