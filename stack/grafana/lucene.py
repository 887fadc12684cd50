"""Searches of logs, in Lucene's query syntax, are read into the clauses that they are made of.

Design rule: what dashboards need of the syntax is read, and anything else is refused: a search that
Elasticsearch would take for another must not pass as understood. Not read: regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Clause", "LuceneError", "read_clauses"]

_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ )
    | (?P<phrase>  "(?:[^"\\]|\\.)*" )
    | (?P<range>   [\[{] \s* (?P<low>[^\s\[\]{}]+) \s+ TO \s+ (?P<high>[^\s\[\]{}]+) \s* [\]}] )
    | (?P<open>    \( )
    | (?P<close>   \) )
    | (?P<colon>   : )
    | (?P<sign>    [<>]=? )
    | (?P<word>    (?:[^\s"\[\]{}():<>\\/!+-]|\\.) (?:[^\s"\[\]{}():<>\\/!]|\\.)* )
    | (?P<not>     [!+-] )
    """,
    re.VERBOSE,
)
_BINARY = frozenset({"AND", "OR", "&&", "||"})
_EXISTS = "_exists_"


class LuceneError(ValueError):
    """A search is no Lucene, or none that is read here: what, and where in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One thing that is asked of one field.

    Attributes:
        field: which; "" for the words that stand for themselves.
        value: the word, the phrase with its quotes, or the range with its brackets; "" where the
            field must only be there.
        sign: of the comparison, where it is one.
    """

    field: str
    value: str
    sign: str = ""


def read_clauses(text: str) -> tuple[Clause, ...]:
    """Return the clauses of a search from left to right; none of an empty one, which finds all.

    Raises LuceneError.
    """
    return tuple(_Reader(text).everything())


class _Reader:
    """One walk through the tokens, a level of parentheses at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def everything(self) -> Iterator[Clause]:
        if self._tokens:
            yield from self._group("", closes=False)
        if self._at < len(self._tokens):
            raise self._error("nothing is open that this closes")

    def _group(self, field: str, *, closes: bool) -> Iterator[Clause]:
        """Yield the clauses up to the closing parenthesis, or to the end; at least one is there."""
        while True:
            self._skip_negations()
            yield from self._clause(field)
            kind, text = self._peek()
            if kind == "" or kind == "close":
                break
            if text in _BINARY:
                self._at += 1
        if closes:
            self._take("close", "a parenthesis is not closed")

    def _skip_negations(self) -> None:
        kind, text = self._peek()
        if kind == "not" or text == "NOT":
            self._at += 1

    def _clause(self, field: str) -> Iterator[Clause]:
        kind, text = self._peek()
        if kind == "open":
            self._at += 1
            yield from self._group(field, closes=True)
            return
        if kind == "word" and self._peek(1)[0] == "colon":
            if field:
                raise self._error(f"a field within {field}")
            self._at += 2
            yield from self._of_field(text)
            return
        yield self._value(field)

    def _of_field(self, field: str) -> Iterator[Clause]:
        if field == _EXISTS:
            yield Clause(field=self._take("word", "no field is named"), value="")
        elif self._peek()[0] == "open":
            yield from self._clause(field)
        elif self._peek()[0] == "sign":
            sign = self._take("sign", "")
            yield Clause(
                field=field, sign=sign, value=self._take("word", "nothing to compare with")
            )
        else:
            yield self._value(field)

    def _value(self, field: str) -> Clause:
        kind, text = self._peek()
        if kind not in {"word", "phrase", "range"} or text in _BINARY or text == "NOT":
            raise self._error("a word, a phrase or a range is missing")
        self._at += 1
        return Clause(field=field, value=text)

    def _take(self, wanted: str, otherwise: str) -> str:
        kind, text = self._peek()
        if kind != wanted:
            raise self._error(otherwise)
        self._at += 1
        return text

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("", "")

    def _error(self, what: str) -> LuceneError:
        rest = " ".join(text for _, text in self._tokens[self._at :])
        return LuceneError(
            f"{what}, {f'before {rest!r}' if rest else 'at the end'}: {self._text!r}"
        )


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise LuceneError(f"can't read {text[at:]!r}: {text!r}")
        at = found.end()
        kind = next(
            name for name in found.groupdict() if name not in {"low", "high"} and found[name]
        )
        if kind != "space":
            yield kind, found[0]
