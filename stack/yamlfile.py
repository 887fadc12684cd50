"""YAML is read with its comments and lines, so that every complaint starts with `file:line`."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from functools import lru_cache
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from stack.durations import DurationError, parse_duration

__all__ = ["ConfigurationError", "key_line", "line_of", "read_duration", "read_yaml", "write_yaml"]


class ConfigurationError(ValueError):
    """A configuration file can't be used; the message starts with `file:line`."""


def read_yaml(text: str, source: str) -> CommentedMap:
    """Read one YAML mapping with its comments, styles and lines, or raise ConfigurationError.

    Whoever reads may change what it gets: it is the reader's own.
    """
    if "<<:" in text:  # a copy would hold what is merged in as its own, and write it twice
        return _load(text, source)
    return deepcopy(_read_before(text, source))  # five times faster than reading


@lru_cache(maxsize=16)  # a run derives its configurations of the same few files, a dozen times
def _read_before(text: str, source: str) -> CommentedMap:
    return _load(text, source)


def _load(text: str, source: str) -> CommentedMap:
    try:
        document = _round_trip().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigurationError(f"{source}:{line}: not YAML: {error.problem}") from error
    if not isinstance(document, CommentedMap):
        raise ConfigurationError(f"{source}:1: expected a mapping, found {document!r:.40}")
    return document


def write_yaml(document: CommentedMap) -> str:
    """Write `document` with the comments and styles that it was read with."""
    stream = StringIO()
    _round_trip().dump(document, stream)
    return stream.getvalue()


def read_duration(raw: CommentedMap, key: str, source: str, default: timedelta) -> timedelta:
    """Return the duration at `key`, or `default`; ConfigurationError names a bad one's line."""
    if raw.get(key) is None:
        return default
    try:
        return parse_duration(str(raw[key]))
    except DurationError as error:
        raise ConfigurationError(f"{source}:{key_line(raw, key)}: `{key}:` {error}") from error


def key_line(raw: CommentedMap, key: str) -> int:
    """Return the line of `key`, from 1; of the mapping, when the key is not in it."""
    try:
        return int(raw.lc.key(key)[0]) + 1
    except (KeyError, TypeError):  # merged in by `<<:`, or put in after reading
        return line_of(raw)


def line_of(node: Any) -> int:
    """Return the line at which a mapping or list starts, from 1."""
    return int(node.lc.line) + 1 if isinstance(node, CommentedMap | CommentedSeq) else 1


def _round_trip() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096  # never fold a line that was not folded
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
