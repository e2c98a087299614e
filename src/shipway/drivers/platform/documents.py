"""Objects as documents of YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}  # which older YAML doesn't read as text


def text(objects: Sequence[Mapping[str, Any]]) -> str:
    """As documents of YAML, which readers of every version of it understand alike."""
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    class Plain(SafeRepresenter):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def represent_str(self, data: str) -> Any:
            style = None if SAFE.fullmatch(data) and data.lower() not in WORDS else "|" if "\n" in data else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Plain.add_representer(str, Plain.represent_str)
    writer = YAML(typ="safe", pure=True)
    writer.Representer = Plain
    writer.default_flow_style = False
    writer.width, writer.explicit_start = 120, True
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared by its default
    written = StringIO()
    writer.dump_all(objects, written)
    return written.getvalue()
