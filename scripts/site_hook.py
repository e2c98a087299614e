"""Hook of the documentation site: a link whose text is a file's name gets the title of that page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\[[\w-]+\.md\]\(([\w./-]+\.md)((?:#[\w-]+)?)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: object) -> str:
    """MkDocs calls it for each page."""
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def titled(link: re.Match[str]) -> str:
        found = re.search(r"^# (.+)$", (folder / link[1]).read_text(encoding="utf-8"), re.MULTILINE)
        return f"[{found[1]}]({link[1]}{link[2]})" if found else link[0]

    return _LINK.sub(titled, markdown)
