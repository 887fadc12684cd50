"""Whatever a caller hands over becomes what JSON can hold, within a budget, and without secrets.

Nothing here raises: an object that cannot be shown is said to be so.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass

from instrumentation.log_redaction import HIDDEN, Redactor

MAX_DEPTH = 12
MAX_NODES = 1000
"""How many values one record's extras may hold, at all depths; the rest is said to be left out."""

_MAX_KEY_CHARACTERS = 256
_LARGEST, _SMALLEST = 2**64 - 1, -(2**63)  # what an integer may be for JSON's fast writers


class Plain:
    """Turns one record's values into plain ones.

    `nodes` is how many values it may still look at, `left_out` how many characters were cut.
    """

    __slots__ = ("_max_characters", "_redactor", "left_out", "nodes")

    def __init__(
        self, redactor: Redactor, *, max_characters: int, max_nodes: int = MAX_NODES
    ) -> None:
        self._redactor = redactor
        self._max_characters = max_characters
        self.nodes = max_nodes
        self.left_out = 0

    def text(self, text: str) -> str:
        """Return a text that is short enough, valid Unicode, and free of secrets."""
        if len(text) <= self._max_characters:
            shown = self._redactor.text(text)
            return shown if shown.isascii() else clean(shown)
        self.left_out += len(text) - self._max_characters
        return cut_end(text, self._max_characters, self._redactor)

    def stack(self, text: str) -> str:
        """Return a stack trace likewise, with its end rather than its middle."""
        self.left_out += max(len(text) - self._max_characters, 0)
        return cut_middle(text, self._max_characters, self._redactor)

    def value(self, value: object, depth: int = 0) -> object:
        """Return the value as JSON knows it."""
        self.nodes -= 1
        if type(value) is str:
            return self.text(value)
        if type(value) is list:
            return self._items(value, depth)
        try:
            return self._other(value, depth)
        except Exception as error:  # noqa: BLE001  # a foreign object may raise anything at all
            return unshown(value, error)

    def _other(self, value: object, depth: int) -> object:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, float):
            number = float.__float__(value)
            return number if math.isfinite(number) else repr(number)
        if isinstance(value, bytes | bytearray):
            beginning = bytes(value[: self._max_characters + MARGIN])
            return self.text(beginning.decode("utf-8", "backslashreplace"))
        if isinstance(value, list | tuple | set | frozenset):
            return self._items(value, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if is_dataclass(value) and not isinstance(value, type):
            shown: dict[object, object] = {
                one.name: getattr(value, one.name) for one in fields(value) if one.repr
            }
            return self._mapping(shown, depth)
        return self.text(shown_as(value))

    def _items(self, items: Iterable[object], depth: int) -> object:
        if depth >= MAX_DEPTH:
            return "[nested too deep]"
        plain: list[object] = []
        for item in items:
            if self.nodes <= 0:
                plain.append("[more left out]")
                break
            if type(item) is str:
                self.nodes -= 1
                plain.append(self.text(item))
            else:
                plain.append(self.value(item, depth + 1))
        return plain

    def _mapping(self, value: Mapping[object, object], depth: int) -> object:
        if depth >= MAX_DEPTH:
            return "[nested too deep]"
        plain: dict[str, object] = {}
        for key, item in value.items():
            if self.nodes <= 0:
                plain["[more left out]"] = True
                break
            name = self.name(key)
            if self._redactor.is_secret(name):
                self.nodes -= 1
                plain[name] = HIDDEN
            else:
                plain[name] = self.value(item, depth + 1)
        return plain

    def name(self, key: object) -> str:
        """Return a key as text."""
        shown = str.__str__(key) if isinstance(key, str) else shown_as(key)
        return clean(self._redactor.text(shown[:_MAX_KEY_CHARACTERS]))


def shown_as(value: object) -> str:
    """Return `str(value)`, or what prevents it."""
    try:
        return str.__str__(str(value))
    except Exception as error:  # noqa: BLE001  # a foreign object may raise anything at all
        return unshown(value, error)


def unshown(value: object, error: Exception) -> str:
    """Say that a value could not be shown, by the names of types only, which cannot raise."""
    return f"[{type(value).__name__} that cannot be shown: {type(error).__name__}]"


def clean(text: str) -> str:
    """Return the text as valid Unicode: half a surrogate pair stands as its escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


MARGIN = 4096
"""Characters that are searched for secrets beyond a cut, so that none is cut in two and missed."""


def cut_end(text: str, characters: int, redactor: Redactor) -> str:
    """Return the beginning of a text, without secrets, and marked where it was cut."""
    if len(text) <= characters:
        return clean(redactor.text(text))
    searched = redactor.text(text[: characters + MARGIN])
    beyond = min(len(text) - characters, MARGIN)
    kept = searched[: max(len(searched) - beyond, 0)][:characters]
    return clean(f"{kept}[cut]")


def cut_middle(text: str, characters: int, redactor: Redactor) -> str:
    """Return the beginning and the end of a stack trace by whole lines, without secrets.

    The end is the larger part: there stands what was raised, and where.
    """
    if len(text) <= characters:
        return clean(redactor.text(text))
    first, last = characters // 3, characters - characters // 3
    start = redactor.text(text[: first + MARGIN])
    beyond = min(len(text) - first, MARGIN)
    start = start[: max(len(start) - beyond, 0)][:first].rpartition("\n")[0]
    end = redactor.text(text[-(last + MARGIN) :])
    end = end[min(len(text) - last, MARGIN) :][-last:]
    end = end.partition("\n")[2] or end
    return clean(f"{start}\n[{len(text) - len(start) - len(end)} characters left out]\n{end}")


def _integer(value: int) -> object:
    number = int.__index__(value)
    if _SMALLEST <= number <= _LARGEST:
        return number
    try:
        return str(number)
    except ValueError:  # Python refuses to write out thousands of digits
        return f"[integer of {number.bit_length()} bits]"
