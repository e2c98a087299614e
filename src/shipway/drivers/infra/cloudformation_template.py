"""What a template of CloudFormation says about its parameters and outputs, and what a change set says that it changes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipway.domain.errors import UsageError
from shipway.domain.infra import (
    CREATE,
    DESTROY,
    HIDDEN,
    REPLACE,
    UPDATE,
    ResourceChange,
    attribute_lines,
)
from shipway.domain.value import dataclass
from shipway.drivers.infra.data import holds_data

NESTED = "AWS::CloudFormation::Stack"
FORGET = "forget"
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
MASK = "****"
ACTIONS = {"Add": CREATE, "Remove": DESTROY, "Import": "import", "SyncWithActual": UPDATE}
SUBSTITUTED = re.compile(r"\$\{([^!}.]+)")


@dataclass(frozen=True)
class Template:
    """The parts that Shipway looks at."""

    outputs: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()  # outputs made of a parameter with NoEcho
    hidden: tuple[str, ...] = ()  # parameters with NoEcho
    kept: tuple[str, ...] = ()  # resources that stay when the stack is deleted
    nested: tuple[str, ...] = ()  # resources that are stacks


def read(text: str | Mapping[str, Any]) -> Template:
    """From YAML or JSON. UsageError if it is neither."""
    data = _parsed(text) if isinstance(text, str) else text
    if not isinstance(data, Mapping) or not isinstance(data.get("Resources"), Mapping):
        raise UsageError("the template has no `Resources`", hint="correct `infra.template` in the plan")
    parameters, resources, outputs = (_mapping(data.get(key)) for key in ("Parameters", "Resources", "Outputs"))
    hidden = tuple(name for name, item in parameters.items() if str(_mapping(item).get("NoEcho")).lower() == "true")
    return Template(
        tuple(outputs),
        tuple(name for name, item in outputs.items() if set(hidden) & set(_names(item))),
        hidden,
        tuple(
            name
            for name, item in resources.items()
            if str(_mapping(item).get("DeletionPolicy", "")).startswith("Retain")
        ),
        tuple(name for name, item in resources.items() if _mapping(item).get("Type") == NESTED),
    )


def changes_of(found: Sequence[Mapping[str, Any]], secrets: Sequence[str]) -> tuple[ResourceChange, ...]:
    """The resources that a change set changes. secrets: values that are never shown."""
    made = []
    for item in (one["ResourceChange"] for one in found if one.get("ResourceChange")):
        address, kind = item["LogicalResourceId"], item.get("ResourceType", "")
        made.append(
            ResourceChange(address, kind, _action(item), _lines(item, secrets), holds_data(address, kind)),
        )
    return tuple(made)


def is_secret(text: str, secrets: Sequence[str]) -> bool:
    """Whether AWS masked it, or one of these values is in it."""
    return MASK in text or any(form in text for value in secrets if value for form in _spelled(value))


def _spelled(value: str) -> tuple[str, ...]:
    """As a text, and as JSON has it."""
    return value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]


def _action(item: Mapping[str, Any]) -> str:
    """What is not sure to leave the resource in place replaces it."""
    action, kept = item.get("Action", ""), str(item.get("PolicyAction", ""))
    if action == "Modify":
        return UPDATE if item.get("Replacement") == "False" else REPLACE
    if action == "Remove" and kept == "Retain":
        return FORGET
    return ACTIONS.get(action, REPLACE)


def _lines(item: Mapping[str, Any], secrets: Sequence[str]) -> tuple[str, ...]:
    lines = []
    if item.get("Action") == "Dynamic":
        lines.append("what is done with it is known only when it is done")
    if item.get("Replacement") == "Conditional":
        lines.append("it may be replaced: AWS knows only when it is done")
    if "Snapshot" in str(item.get("PolicyAction", "")):
        lines.append("a snapshot of it is kept")
    if item.get("PolicyAction") == "ReplaceAndRetain":
        lines.append("the old one is kept, outside of the stack")
    before, after = (_properties(item.get(key)) for key in ("BeforeContext", "AfterContext"))
    if before is None and after is None:
        return (*lines, *_details(item, secrets))
    unknown = {key: True for key, value in (after or {}).items() if LATER in json.dumps(value)}
    masks = [
        {key: True for key, value in (side or {}).items() if is_secret(json.dumps(value, ensure_ascii=False), secrets)}
        for side in (before, after)
    ]
    change = {
        "before": before, "after": after, "after_unknown": unknown, "before_sensitive": masks[0], "after_sensitive": masks[1]
    }  # fmt: skip
    return (*lines, *attribute_lines(change))


def _details(item: Mapping[str, Any], secrets: Sequence[str]) -> list[str]:
    """Without the values, the names of what changes."""
    found: dict[str, str] = {}
    for detail in item.get("Details") or ():
        target = detail.get("Target") or {}
        name = target.get("Name") or target.get("Attribute") or ""
        cause = str(detail.get("CausingEntity") or "")
        shown = HIDDEN if is_secret(cause, secrets) else cause
        found.setdefault(name, f"{name}: changed" + (f" by {shown}" if shown else ""))
    return [found[name] for name in sorted(found) if name]


def _properties(context: Any) -> Mapping[str, Any] | None:
    try:
        found = json.loads(context) if context else None
    except ValueError:
        return None
    properties = found.get("Properties") if isinstance(found, Mapping) else None
    return properties if isinstance(properties, Mapping) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: Any) -> Iterator[str]:
    """Names that `Ref` and `Sub` use."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref":
                yield str(item)
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) and item else item
                yield from SUBSTITUTED.findall(str(text))
                yield from _names(item)
            else:
                yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _parsed(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return _value(YAML(typ="safe", pure=True).compose(text))
    except YAMLError as error:
        raise UsageError(
            f"the template is no YAML and no JSON: {' '.join(str(error).split())[:300]}",
            hint="correct it, or `infra.template` in the plan",
        ) from None


def _value(node: Any) -> Any:
    """Texts, lists and mappings; `!Sub x` becomes {"Fn::Sub": x}, as in JSON."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        found: Any = {str(_value(key)): _value(value) for key, value in node.value}
    elif isinstance(node, SequenceNode):
        found = [_value(item) for item in node.value]
    else:
        found = node.value if node is not None else ""
    tag = str(node.tag) if node is not None else ""
    if not tag.startswith("!") or tag == "!":
        return found
    return {"Ref" if tag == "!Ref" else f"Fn::{tag[1:]}": found}
