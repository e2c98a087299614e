import pytest

from catalogue.text import count_words, slugify


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Garden", "garden"),
        ("Crème brûlée, for two", "creme-brulee-for-two"),
        ("  Hori-hori  ", "hori-hori"),
        ("…", ""),
    ],
)
def test_slugify(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("one", 1), ("A brass-faced gauge, it's fine.", 5), ("  two\n words ", 2)],
)
def test_count_words(text: str, words: int) -> None:
    assert count_words(text) == words
