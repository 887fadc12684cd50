"""Text in Markdown, whatever it holds: a notification or an error may have any character.

One rule: pure; nothing that a run brought is taken for markup.
"""

from __future__ import annotations

from collections.abc import Mapping

_ESCAPED: Mapping[int, str] = str.maketrans({"\\": "\\\\", "|": "\\|", "`": "\\`", "<": "&lt;"})


def cell(text: str) -> str:
    """Return a text that stays in one cell of a table, on one line."""
    return " ".join(text.translate(_ESCAPED).split())
