"""The JSON Schema of the plan file, for editors. `python -m shipway.planfile.schema` regenerates it from the table of
sections and the reference; with `--docs` it prints docs/plan.md. Both files are committed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).with_name("schema.json")


def generate() -> dict[str, Any]:
    """The schema (draft 7, which editors support best)."""
    from shipway.planfile.reference import describe
    from shipway.planfile.sections import PLAN

    heading = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Shipway plan (shipway.yaml)"}
    return {**heading, **PLAN.schema((), describe)}


def render(schema: dict[str, Any]) -> str:
    """The committed text."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Entry point for developers."""
    if arguments == ["--docs"]:
        from shipway.planfile.docs import page

        print(page(), end="")
    else:
        print(render(generate()), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
