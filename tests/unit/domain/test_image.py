"""Names of images."""

from __future__ import annotations

import pytest

from shipway.domain.image import by_digest

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.mark.parametrize(
    ("image", "names", "expected"),
    [
        ("redis:7", [f"alpha.example/x/redis@{TWO}", f"redis@{ONE}"], f"redis@{ONE}"),
        ("docker.io/library/redis:7", [f"alpha.example/redis@{TWO}", f"redis@{ONE}"], f"redis@{ONE}"),
        (
            "b.example:5000/web:1",
            [f"a.example:5000/web@{ONE}", f"b.example:5000/web@{ONE}"],
            f"b.example:5000/web@{ONE}",
        ),
        (f"redis@{TWO}", [f"redis@{ONE}", f"redis@{TWO}"], f"redis@{TWO}"),
        ("local:1", [f"redis@{ONE}"], f"redis@{ONE}"),  # only named so here
        ("local:1", [], ""),
        ("local:1", None, ""),
    ],
)
def test_the_own_repository_of_an_image_counts(image: str, names: object, expected: str) -> None:
    """An engine lists the names in the order of the alphabet, also those of others' registries."""
    assert by_digest(image, names) == expected
