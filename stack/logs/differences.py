"""Two JSON objects are compared path by path, so that a person sees what a change is.

Design rule: pure; what Elasticsearch writes differently and means the same is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Difference", "differences", "flattened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One path that is not the same; None where a side has nothing there."""

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {self.after}"
        if self.after is None:
            return f"- {self.path}: {self.before}"
        return f"~ {self.path}: {self.before} -> {self.after}"


def differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[Difference, ...]:
    """Return what must change for `before` to become `after`, in the order of paths."""
    left, right = flattened(before), flattened(after)
    return tuple(
        Difference(path=path, before=left.get(path), after=right.get(path))
        for path in sorted(left.keys() | right.keys())
        if left.get(path) != right.get(path)
    )


def flattened(value: Mapping[str, object]) -> dict[str, str]:
    """Return every leaf by its dotted path, as text: Elasticsearch answers "0" where 0 was put."""
    return dict(_leaves(value, ""))


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return str(value)
