"""The version of a database server that wrote its files: one major version can't read the files of another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shipway.domain.image import base_name

_MYSQL_NAMES = {"mysql": "MySQL", "mariadb": "MariaDB"}


@dataclass(frozen=True)
class Series:
    """A series of versions with the same file format."""

    product: str  # PostgreSQL, MySQL, MariaDB
    numbers: tuple[int, ...]  # (15,), (8, 4); fewer numbers if the image states no more

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.numbers))}"

    def fits(self, other: Series) -> bool:
        """Whether one reads the files of the other, as far as both are known."""
        return self.product == other.product and all(a == b for a, b in zip(self.numbers, other.numbers, strict=False))


def series_of(kind: str, image: str, variables: Mapping[str, str]) -> Series | None:
    """Return the series from the variables that official images have, else from the image's tag; None if neither states
    it."""
    tag = image.split("@")[0].rpartition("/")[2].partition(":")[2]
    if kind == "postgres":
        found = variables.get("PG_MAJOR") or variables.get("PG_VERSION") or tag
        return _series("PostgreSQL", found, 1)
    if kind == "mysql":
        for name in ("MARIADB_VERSION", "MYSQL_VERSION"):
            if variables.get(name):
                return _series(
                    _MYSQL_NAMES[name.split("_")[0].lower()], variables[name].partition(":")[2] or variables[name], 2
                )
        product = _MYSQL_NAMES.get(base_name(image))
        return _series(product, tag, 2) if product else None
    return None


def postgres_files(content: str) -> Series | None:
    """Return the series from the content of PG_VERSION in a data folder: `15`, or `9.6`."""
    return _series("PostgreSQL", content.strip(), 1)


def _series(product: str, version: str, most: int) -> Series | None:
    found = re.match(r"\d+(\.\d+)*", version)
    if not found:
        return None
    numbers = tuple(map(int, found[0].split(".")))
    return Series(product, numbers[: 2 if product == "PostgreSQL" and numbers[0] < 10 else most])
