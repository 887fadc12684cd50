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

MAX_KEY_CHARACTERS = 256
_ALWAYS_CHARACTERS = 256
"""A text that is no longer is taken whatever is left; containers stop where nothing is."""

LEFT_OUT = "[more left out]"
MARGIN = 4096
"""Characters that are searched for secrets beyond a cut, so that none is cut in two and missed."""

_BUDGET_RATIO = 2
_LARGEST, _SMALLEST = 2**64 - 1, -(2**63)  # what an integer may be for JSON's fast writers


class Plain:
    """Turns one record's values into plain ones.

    `nodes` is how many values it may still look at, `characters` how many characters it may still
    search, as it is searching that takes time; `left_out` is how many were cut.
    """

    __slots__ = ("_max_characters", "_redactor", "characters", "left_out", "nodes")

    def __init__(
        self, redactor: Redactor, *, max_characters: int, characters: int | None = None
    ) -> None:
        self._redactor = redactor
        self._max_characters = max_characters
        if characters is None:
            characters = _BUDGET_RATIO * (max_characters + MARGIN)
        self.characters = characters
        self.nodes = MAX_NODES
        self.left_out = 0

    def text(self, text: str) -> str:
        """Return a text that is short enough, valid Unicode, and free of secrets."""
        length = len(text)
        if length <= self._max_characters and length <= max(self.characters, _ALWAYS_CHARACTERS):
            self.characters -= length
            shown = self._redactor.text(text)
            return shown if shown.isascii() else clean(shown)
        kept = min(self._max_characters, self.characters)
        if kept <= 0:
            self.left_out += length
            return LEFT_OUT
        self.left_out += length - kept
        self.characters -= min(kept + MARGIN, length)
        return cut_end(text, kept, self._redactor)

    def stack(self, text: str) -> str:
        """Return a stack trace likewise, with its end rather than its middle."""
        self.left_out += max(len(text) - self._max_characters, 0)
        self.characters -= min(len(text), self._max_characters + 2 * MARGIN)
        return cut_middle(text, self._max_characters, self._redactor)

    def query(self, query: str) -> str:
        """Return a query string likewise, without what its parameters' names say is secret."""
        beginning = query[: self._max_characters + MARGIN]
        self.characters -= len(beginning)
        shown = clean(self._redactor.query(beginning))
        if len(query) <= self._max_characters:
            return shown
        self.left_out += len(query) - self._max_characters
        return cut_end(shown, self._max_characters - MARGIN)

    def is_spent(self) -> bool:
        """Tell whether the next value must be left out, and count that it is."""
        if self.characters <= 0:
            self.left_out += 1
            return True
        return self.nodes <= 0

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
            number = _integer(value)
            self.characters -= len(number) if isinstance(number, str) else 0
            return number
        if isinstance(value, float):
            ratio = float.__float__(value)
            return ratio if math.isfinite(ratio) else repr(ratio)
        if isinstance(value, bytes | bytearray):
            kept = max(min(self._max_characters, self.characters), 0)
            beginning = bytes(value[: kept + MARGIN])
            self.left_out += len(value) - len(beginning)
            return self.text(beginning.decode("utf-8", "backslashreplace"))
        if isinstance(value, tuple) and isinstance(names := getattr(value, "_fields", None), tuple):
            return self._mapping(dict(zip(names, value, strict=False)), depth)
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
        if isinstance(items, list | tuple) and len(items) == 2 and self._names_a_secret(items[0]):
            return [self.value(items[0], depth + 1), HIDDEN]
        plain: list[object] = []
        for item in items:
            if self.is_spent():
                plain.append(LEFT_OUT)
                break
            if type(item) is str:
                self.nodes -= 1
                plain.append(self.text(item))
            else:
                plain.append(self.value(item, depth + 1))
        return plain

    def _names_a_secret(self, first: object) -> bool:
        """Tell whether a pair is a header, or another name with its value."""
        if isinstance(first, bytes):
            first = first[:MAX_KEY_CHARACTERS].decode("latin-1")
        return type(first) is str and self._redactor.is_secret(first[:MAX_KEY_CHARACTERS])

    def _mapping(self, value: Mapping[object, object], depth: int) -> object:
        if depth >= MAX_DEPTH:
            return "[nested too deep]"
        plain: dict[str, object] = {}
        for key, item in value.items():
            if self.is_spent():
                plain[LEFT_OUT] = True
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
        shown = shown[:MAX_KEY_CHARACTERS]
        self.characters -= len(shown)
        return clean(self._redactor.text(shown))


def shown_as(value: object) -> str:
    """Return `str(value)`, or what prevents it."""
    try:
        return str.__str__(str(value))
    except Exception as error:  # noqa: BLE001  # a foreign object may raise anything at all
        return unshown(value, error)


_CUT = "[cut]"


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


def cut_end(text: str, characters: int, redactor: Redactor | None = None) -> str:
    """Return the beginning of a text, without secrets, and marked where it was cut.

    Without a redactor the text is one that was redacted before.
    """
    if redactor is None:
        return f"{text.removesuffix(_CUT)[: max(characters, 0)]}{_CUT}"
    searched = redactor.text(text[: characters + MARGIN])
    beyond = min(len(text) - characters, MARGIN)
    kept = searched[: max(len(searched) - beyond, 0)][:characters]
    return clean(f"{kept}{_CUT}")


def cut_middle(text: str, characters: int, redactor: Redactor) -> str:
    """Return the beginning and the end of a stack trace by whole lines, without secrets."""
    if len(text) <= characters:
        return clean(redactor.text(text))
    first, last = _parts(characters)
    start = redactor.text(text[: first + MARGIN])
    start = start[: max(len(start) - min(len(text) - first, MARGIN), 0)]
    end = redactor.text(text[-(last + MARGIN) :])[min(len(text) - last, MARGIN) :]
    return clean(_joined(start[:first], end[-last:], len(text)))


def cut_again(text: str, characters: int, length: int) -> str:
    """Return less of a stack trace, which was redacted before, and was `length` long at first."""
    first, last = _parts(characters)
    return _joined(text[:first], text[-last:], max(length, len(text)))


def _parts(characters: int) -> tuple[int, int]:
    """Divide: the end is the larger part, as there stands what was raised, and where."""
    return characters // 3, characters - characters // 3


def _joined(start: str, end: str, length: int) -> str:
    start = start.rpartition("\n")[0]
    end = end.partition("\n")[2] or end
    return f"{start}\n[{length - len(start) - len(end)} characters left out]\n{end}"


class Shorter:
    """Makes what `Plain` made short enough for a line; nothing is searched again."""

    __slots__ = ("_characters", "_nodes", "_stack_length")

    def __init__(self, *, characters: int, nodes: int, stack_length: int) -> None:
        self._characters = characters
        self._nodes = nodes
        self._stack_length = stack_length

    def document(self, document: dict[str, object]) -> dict[str, object]:
        """Return a document with every text short, and no more values than it may have."""
        return {
            name: cut_again(value, self._characters, self._stack_length)
            if "stack" in name and isinstance(value, str) and len(value) > self._characters
            else self._value(value)
            for name, value in document.items()
        }

    def _value(self, value: object) -> object:
        self._nodes -= 1
        if isinstance(value, str):
            return cut_end(value, self._characters) if len(value) > self._characters else value
        if isinstance(value, list):
            return self._items(value)
        if isinstance(value, dict):
            return self._mapping(value)
        return value

    def _items(self, items: list[object]) -> list[object]:
        kept: list[object] = []
        for item in items:
            if self._nodes <= 0:
                return [*kept, LEFT_OUT]
            kept.append(self._value(item))
        return kept

    def _mapping(self, mapping: dict[str, object]) -> dict[str, object]:
        kept: dict[str, object] = {}
        for name, item in mapping.items():
            if self._nodes <= 0:
                kept[LEFT_OUT] = True
                break
            if len(name) > self._characters:
                name = cut_end(name, self._characters)
            kept[name] = self._value(item)
        return kept


def _integer(value: int) -> object:
    number = int.__index__(value)
    if _SMALLEST <= number <= _LARGEST:
        return number
    try:
        return str(number)
    except ValueError:  # Python refuses to write out thousands of digits
        return f"[integer of {number.bit_length()} bits]"
