"""A derived document is edited through one object, which notes each difference as it is made."""

from __future__ import annotations

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack.timescale import Change

__all__ = ["Editor"]


class Editor:
    """Edits mappings of one document; `changes` holds what really became different."""

    def __init__(self, file: str) -> None:
        self.changes: list[Change] = []
        self._file = file

    def put(self, raw: CommentedMap, key: str, value: object, where: str) -> None:
        """Set `raw[key]`; `where` names the mapping for people, such as `global`."""
        before = raw.get(key)
        if _plain(before) != _plain(value):
            raw[key] = value
            self._note(f"{where}.{key}", _plain(before), _plain(value))

    def drop(self, raw: CommentedMap, key: str, where: str) -> None:
        """Remove `raw[key]` if it is there."""
        if key in raw:
            self._note(f"{where}.{key}" if where else key, _plain(raw.pop(key)), "")

    def drop_item(self, raw: CommentedSeq, index: int, where: str) -> None:
        """Remove one item of a list."""
        self._note(f"{where}[{index}]", _plain(raw.pop(index)), "")

    def _note(self, where: str, production: str, drill: str) -> None:
        self.changes.append(
            Change(file=self._file, where=where, production=production, drill=drill)
        )


def _plain(value: object) -> str:
    """Write a value on one line, for a report."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
