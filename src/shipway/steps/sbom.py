"""SBOMs of the images of a run, made beside its other steps."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.errors import Interrupted, SbomError, ShipwayError
from shipway.domain.provenance import ImageSbom
from shipway.steps.run import Run
from shipway.system.parallel import in_background


def begin_sbom(run: Run, image: str) -> None:
    """Begin to scan a built image. Only runs that may make a release do."""
    if run.granted and image not in run.scans and run.ctx.sbom is not None and run.ctx.sbom():
        run.scans[image] = in_background(make_sbom, run.ctx, run.plan.app, image)


def finish_scans(run: Run) -> None:
    """Wait for the scans, whose programs would outlive this process. Their failures are reported where the SBOM is missing."""
    for scan in run.scans.values():
        scan.exception()


def make_sbom(ctx: Context, app: str, image: str) -> ImageSbom:
    """The recorded one, or a new one. SbomError if it can't be made."""
    known = ctx.ledger.image_sboms(app, [image]).get(image)
    if known is not None:
        return known
    tool = ctx.sbom() if ctx.sbom else None
    if tool is None:
        raise SbomError(
            "syft isn't installed, which Shipway uses for that", hint="see provenance.md; or set SHIPWAY_SYFT"
        )
    try:
        ctx.images.pull(image, lambda line: None)
        made = ImageSbom(app, image, tool.tool(), tool.scan(image), ctx.clock())
    except (Interrupted, SbomError):
        raise
    except ShipwayError as error:
        raise SbomError(f"the image can't be read: {error.message}", hint=error.hint) from error
    ctx.ledger.add_image_sbom(made)
    return made
