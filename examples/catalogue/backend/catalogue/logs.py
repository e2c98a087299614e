"""One line per event on standard error, where the container's engine collects it."""

import logging


def configure() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
