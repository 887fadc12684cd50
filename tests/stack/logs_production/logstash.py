"""Logstash's configuration as a tree, and the list of fields in it, which is made from the table.

    python -m tests.stack.logs_production.logstash

writes the list into stack/logstash-config.conf; a test compares them, so that neither can change
alone.

One rule: what the grammar of Logstash refuses, this parser refuses; it reads no more of the
grammar than one configuration of this repository uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

from stack.logs.fields import load_fields

CONFIGURATION = Path(__file__).resolve().parents[3] / "stack" / "logstash-config.conf"
LIST = re.compile(r"(?P<begin>^ +known = %w\[\n)(?P<names>.*?)(?P<end>^ +\]\n)", re.M | re.S)
_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    |(?P<string>"[^"]*"|'[^']*')
    |(?P<arrow>=>)
    |(?P<mark>[{}\[\],()])
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_]\w*)""",
    re.VERBOSE,
)

Value = Union[str, int, float, list["Value"], dict[str, "Value"], "Plugin"]


class NotLogstash(ValueError):
    """A configuration that Logstash would not load: where, and what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One plugin with its options; `condition` is the field reference of the `if` around it."""

    kind: str
    name: str
    options: dict[str, Value] = field(default_factory=dict)
    condition: tuple[str, ...] = ()


def parse(text: str) -> list[Plugin]:
    """Return the plugins of a pipeline, in their order."""
    return list(_Parser(text).pipeline())


def fields_of(text: str) -> list[str]:
    """Return the fields that the filter in a configuration knows."""
    found = LIST.search(text)
    assert found is not None, "the configuration has no list of fields"
    return found["names"].split()


def with_fields(text: str) -> str:
    """Return the configuration with the list of fields that the table has."""
    names = "".join(f"        {name}\n" for name in load_fields())
    return LIST.sub(lambda found: f"{found['begin']}{names}{found['end']}", text)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenize())
        self._at = 0

    def pipeline(self) -> Iterator[Plugin]:
        while self._kind() is not None:
            section = self._take("word")
            if section not in ("input", "filter", "output"):
                raise self._error("input, filter or output")
            yield from self._block(section, ())

    def _block(self, section: str, condition: tuple[str, ...]) -> Iterator[Plugin]:
        self._mark("{")
        while not self._is("}"):
            name = self._take("word")
            if name == "if":
                yield from self._block(section, (*condition, *self._condition()))
            else:
                yield Plugin(kind=section, name=name, options=self._options(), condition=condition)
        self._mark("}")

    def _condition(self) -> tuple[str, str]:
        value = self._take("string")[1:-1]
        if self._take("word") != "in":
            raise self._error("in")
        self._mark("[")
        reference = self._take("word")
        self._mark("]")
        return value, reference

    def _options(self) -> dict[str, Value]:
        self._mark("{")
        options: dict[str, Value] = {}
        while not self._is("}"):
            name = self._take("word")
            if name in options:
                raise self._error(f"one {name} only")
            self._take("arrow")
            options[name] = self._value()
        self._mark("}")
        return options

    def _value(self) -> Value:
        kind = self._kind()
        if kind == "string":
            return self._take("string")[1:-1]
        if kind == "number":
            text = self._take("number")
            return float(text) if "." in text else int(text)
        if kind == "word":
            word = self._take("word")
            if self._is("{"):
                return Plugin(kind="codec", name=word, options=self._options())
            return word
        self._mark("[")
        values: list[Value] = []
        while not self._is("]"):
            values.append(self._value())
            if not self._is("]"):
                self._mark(",")
        self._mark("]")
        return values

    def _tokenize(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise NotLogstash(f"line {self._line(at)}: {self._text[at : at + 20]!r}")
            at = found.end()
            kind = str(found.lastgroup)
            if kind != "blank":
                yield kind, found[0], found.start()

    def _kind(self) -> str | None:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else None

    def _is(self, mark: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][:2] == ("mark", mark)

    def _take(self, kind: str) -> str:
        if self._kind() != kind:
            raise self._error(kind)
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _mark(self, mark: str) -> None:
        if not self._is(mark):
            raise self._error(mark)
        self._at += 1

    def _error(self, expected: str) -> NotLogstash:
        if self._at == len(self._tokens):
            return NotLogstash(f"expected {expected}, and it ends")
        _, text, at = self._tokens[self._at]
        return NotLogstash(f"line {self._line(at)}: expected {expected}, found {text!r}")

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1


def main() -> None:
    """Write the list of fields into the configuration."""
    CONFIGURATION.write_text(with_fields(CONFIGURATION.read_text()))


if __name__ == "__main__":
    main()
