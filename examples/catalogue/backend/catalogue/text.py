"""Pure text functions: slugs and word counts."""

import re
import unicodedata

WORD = re.compile(r"\w+(?:['’-]\w+)*")


def slugify(text: str) -> str:
    """'Crème brûlée, for two' becomes 'creme-brulee-for-two'; text without a letter becomes ''."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def count_words(text: str) -> int:
    return len(WORD.findall(text))
