"""The sections of images that are built: of services, steps and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shipway.domain.build import BaseSource, BuildSource
from shipway.domain.plan import StepImage
from shipway.domain.value import dataclass
from shipway.planfile import values as v
from shipway.planfile.kinds import Choice, Kind, Several, Text
from shipway.planfile.mappings import ByName, Record


@dataclass(frozen=True)
class Argument:
    """A build argument: a text, a variable of Shipway's process, the image of a service, or one that is built before."""

    text: str | None = None
    variable: str | None = None
    image: str | None = None
    build: BaseSource | None = None


def build_source(args: Mapping[str, Argument] | None = None, **given: Any) -> BuildSource:
    """Sort the arguments by what they are."""
    found = (args or {}).items()
    return BuildSource(
        args={name: item.text for name, item in found if item.text is not None},
        variables={name: item.variable for name, item in found if item.variable is not None},
        images={name: item.image for name, item in found if item.image is not None},
        bases={name: item.build for name, item in found if item.build is not None},
        **given,
    )


def step_image(name: str | None = None, build: BuildSource | None = None, target: str | None = None) -> StepImage:
    """An image by name, or of this repository, with `target` beside `build` selecting another stage."""
    return StepImage(name, replace(build, target=target) if build and target else build)


_COMMON: Mapping[str, Kind] = {
    "folder": v.FOLDER,
    "dockerfile": v.INSIDE,
    "target": v.TEXT,
    "contexts": ByName(v.FOLDER, v.NAME_PATTERN, v.NAME_WORDS, "shared: libraries/shared"),
    "secrets": v.SECRETS,
    "ssh": ByName(v.SECRET, r"^[a-zA-Z][a-zA-Z0-9_-]{0,60}$", "letters, digits, - and _", "default: DEPLOY_KEY"),
}
BASE = Record(BaseSource, {**_COMMON, "args": v.VARIABLES}, required=("folder",), short=("folder", v.FOLDER))
ARGUMENT = Record(
    Argument,
    {"variable": v.VARIABLE, "image": v.SERVICE, "build": BASE},
    short=("text", v.VALUE),
    exactly_one=("variable", "image", "build"),
)
PLATFORM = Text("a platform, such as linux/arm64", r"^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$", most=60)
BUILD = Record(
    build_source,
    {
        **_COMMON,
        "args": ByName(ARGUMENT, v.VARIABLE_PATTERN, v.VARIABLE_WORDS, "LOG_LEVEL: info"),
        "platforms": Several(PLATFORM, filled=True),
        "cache": Choice({"registry": True}),
    },
    required=("folder",),
    short=("folder", v.FOLDER),
)
IMAGE = Record(step_image, {"build": BUILD, "target": v.TEXT}, required=("build",), short=("name", v.IMAGE))
