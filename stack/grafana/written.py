"""How a dashboard is written: an object a line where it fits, keys in the order of reading.

Design rule: what a dashboard says decides every byte of its file, so that a review sees changes of
what it says and nothing else.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["WIDTH", "written"]

WIDTH = 100

_FIRST = (
    *("id", "refId", "name", "type", "uid", "title", "label", "description", "matcher"),
    *("tags", "schemaVersion", "editable", "timezone", "time", "refresh", "graphTooltip"),
    *("datasource", "gridPos", "x", "y", "w", "h", "legendFormat", "alias", "expr", "query"),
    *("targets", "links", "templating", "fieldConfig", "defaults", "overrides", "options"),
)
_LAST = ("transformations", "panels")
_ORDER = {key: at for at, key in enumerate(_FIRST)} | {
    key: 1000 + at for at, key in enumerate(_LAST)
}
_OTHERS = 500  # by their names, between the two


def written(document: Any) -> str:
    """Return `document` as the text of its file."""
    return _written(_ordered(document), indent=0, taken=0) + "\n"


def _written(value: Any, indent: int, taken: int) -> str:
    """Write `value`, `indent` deep, with `taken` characters around it on its first line."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or taken + len(short) <= WIDTH:
        return short
    inner = indent + 2
    if isinstance(value, dict):
        heads = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        parts = list(value.values())
    else:
        heads = [""] * len(value)
        parts = list(value)
    lines = [
        # one character is the comma's
        " " * inner + head + _written(part, inner, inner + len(head) + 1)
        for head, part in zip(heads, parts, strict=True)
    ]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return "\n".join((opening, ",\n".join(lines), " " * indent + closing))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (_ORDER.get(key, _OTHERS), key))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(one) for one in value] if isinstance(value, list) else value
