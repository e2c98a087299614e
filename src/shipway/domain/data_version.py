"""The version of a database server that wrote its files: one major version can't read the files of another."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shipway.domain.image import base_name
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Series:
    """A series of versions with the same file format."""

    product: str  # as people write it
    numbers: tuple[int, ...]  # (15,), (8, 4); fewer numbers if the image states no more

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.numbers))}"

    def fits(self, other: Series) -> bool:
        """Whether one reads the files of the other, as far as both are known."""
        return self.product == other.product and all(a == b for a, b in zip(self.numbers, other.numbers, strict=False))


@dataclass(frozen=True)
class Versions:
    """Where the version of a server is stated, and how much of it identifies the format of its files."""

    variables: Mapping[
        str, str
    ]  # of official images: product by the variable with its version; the first set one counts
    tags: Mapping[str, str]  # product by the base name of an image whose tag is the version; "" is any other name
    file: str = ""  # of the first product, in its data folder: contains the version
    single_from: int | None = None  # from this version on the first number identifies the format; below, two do

    def of_image(self, image: str, variables: Mapping[str, str]) -> Series | None:
        """Return the series from the image's variables, else from its tag; None if neither states it."""
        for name, product in self.variables.items():
            if stated := variables.get(name):
                return self._series(product, stated.partition(":")[2] or stated)
        product = self.tags.get(base_name(image)) or self.tags.get("", "")
        return self._series(product, image.split("@")[0].rpartition("/")[2].partition(":")[2]) if product else None

    def of_file(self, content: str) -> Series | None:
        """Return the series from the content of `file`: `15`, or `9.6`."""
        return self._series(next(iter(self.variables.values())), content.strip())

    def of_server(self, version: str) -> Series | None:
        """Return the series of a server of the first product, by the version that it states."""
        return self._series(next(iter(self.variables.values())), version)

    def _series(self, product: str, version: str) -> Series | None:
        found = re.match(r"\d+(\.\d+)*", version)
        if not found:
            return None
        numbers = tuple(map(int, found[0].split(".")))
        return Series(product, numbers[: 1 if self.single_from is not None and numbers[0] >= self.single_from else 2])
