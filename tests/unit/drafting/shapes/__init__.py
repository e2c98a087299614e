"""Small repositories with the shape of public ones, one a file."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.drafting.shapes.backing import BACKING
from tests.unit.drafting.shapes.composed import COMPOSED
from tests.unit.drafting.shapes.development import DEVELOPMENT
from tests.unit.drafting.shapes.fastcgi import FASTCGI
from tests.unit.drafting.shapes.monorepo import MONOREPO
from tests.unit.drafting.shapes.overlay import OVERLAY
from tests.unit.drafting.shapes.published import PUBLISHED
from tests.unit.drafting.shapes.shape import Shape
from tests.unit.drafting.shapes.stack import STACK
from tests.unit.drafting.shapes.subfolder import SUBFOLDER
from tests.unit.drafting.shapes.template import TEMPLATE
from tests.unit.drafting.shapes.traefik import TRAEFIK
from tests.unit.drafting.shapes.whole import WHOLE

SHAPES: Mapping[str, Shape] = {
    "traefik": TRAEFIK, "subfolder": SUBFOLDER, "template": TEMPLATE, "published": PUBLISHED, "overlay": OVERLAY,
    "stack": STACK, "composed": COMPOSED, "fastcgi": FASTCGI, "development": DEVELOPMENT, "backing": BACKING,
    "monorepo": MONOREPO, "whole": WHOLE,
}  # fmt: skip
