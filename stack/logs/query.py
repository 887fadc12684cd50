"""What is asked of the logs, in the three ways that people ask: a query, a command, Kibana's KQL.

Design rule: pure, and the three say the same, so that an alert may carry any of them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "COMMAND",
    "LEVELS",
    "SEARCHED_TEXTS",
    "LogFilter",
    "levels_from",
    "to_milliseconds",
    "written",
]

COMMAND = ("python", "-m", "stack.logs", "find")

LEVELS = ("debug", "info", "warning", "error", "critical")
"""Levels of the log, from the least."""

SEARCHED_TEXTS = ("message", "error.message", "error.stack_trace")
"""Where words are looked for."""

_WORD = re.compile(r'(?P<no>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

_EXACT = {
    "request_id": ("request_id", "--request-id"),
    "trace": ("trace.id", "--trace"),
    "user": ("user.id", "--user"),
    "service": ("service.name", "--service"),
}
"""Which field, and which option, an attribute of the filter is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which records are asked for; what is None is not asked about.

    Attributes:
        request_id: of one request.
        user: the user's id, as the log has it.
        trace: the trace's id.
        service: the service's name.
        level: this level or a worse one.
        since: the earliest time, which has a zone.
        until: the time before which they are; it has a zone.
        query: words that all occur in message, exception or traceback; "a phrase", -without, begi*.

    Raises ValueError for an unknown level, a time without a zone, and a period that is empty.
    """

    request_id: str | None = None
    user: str | None = None
    trace: str | None = None
    service: str | None = None
    level: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        if self.level is not None:
            levels_from(self.level)
        for name, when in (("since", self.since), ("until", self.until)):
            if when is not None and when.tzinfo is None:
                raise ValueError(
                    f"{name} {when.isoformat()} has no zone; write it with a Z for UTC"
                )
        if self.since and self.until and self.since >= self.until:
            raise ValueError(
                f"nothing is since {written(self.since)} and before {written(self.until)}:"
                " give an earlier --since or a later --until"
            )

    def to_query(self) -> dict[str, Any]:
        """Return the query for Elasticsearch's search, which scores nothing."""
        clauses: list[dict[str, Any]] = [{"term": {field: value}} for field, value in self._exact()]
        if self.level is not None:
            clauses.append({"terms": {"log.level": list(levels_from(self.level))}})
        if self.since or self.until:
            period = {"gte": self.since, "lt": self.until}
            said = {bound: written(when) for bound, when in period.items() if when}
            clauses.append({"range": {"@timestamp": said}})
        if self.query:
            clauses.append(
                {
                    "simple_query_string": {
                        "query": self.query,
                        "fields": list(SEARCHED_TEXTS),
                        "default_operator": "and",
                        "flags": "WHITESPACE|PHRASE|NOT|PREFIX",
                    }
                }
            )
        return {"bool": {"filter": clauses}} if clauses else {"match_all": {}}

    def to_command(self) -> str:
        """Return the command line that finds the same, for a shell."""
        words = list(COMMAND)
        for name, (_, option) in _EXACT.items():
            value = getattr(self, name)
            if value is not None:
                words += _option(option, value)
        for option, value in (("--level", self.level), ("--query", self.query or None)):
            if value is not None:
                words += _option(option, value)
        for option, when in (("--since", self.since), ("--until", self.until)):
            if when is not None:
                words += _option(option, written(when))
        return shlex.join(words)

    def to_kql(self) -> str:
        """Return the query in Kibana's language, its period included; nothing asks for all."""
        clauses = [f"{field}: {_quoted(value)}" for field, value in self._exact()]
        if self.level is not None:
            clauses.append(f"log.level: ({' or '.join(levels_from(self.level))})")
        if self.since is not None:
            clauses.append(f'@timestamp >= "{written(self.since)}"')
        if self.until is not None:
            clauses.append(f'@timestamp < "{written(self.until)}"')
        clauses += _words_in_kql(self.query or "")
        return " and ".join(clauses)

    def _exact(self) -> Iterator[tuple[str, str]]:
        for name, (field, _) in _EXACT.items():
            value = getattr(self, name)
            if value is not None:
                yield field, value


def levels_from(level: str) -> tuple[str, ...]:
    """Return this level and all that are worse. Raises ValueError with the known ones."""
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}; known, from the least: {', '.join(LEVELS)}")
    return LEVELS[LEVELS.index(level) :]


def written(when: datetime) -> str:
    """Return a time as the logs write it: UTC, with a Z, to the microsecond where it has any."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def to_milliseconds(when: datetime) -> datetime:
    """Cut a time as Elasticsearch does, whose dates end at milliseconds."""
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def _option(name: str, value: str) -> list[str]:
    # A value that begins with a dash would be taken for an option.
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _words_in_kql(text: str) -> Iterator[str]:
    for found in _WORD.finditer(text):
        phrase, word = found["phrase"], found["word"]
        if not any(char.isalnum() for char in phrase or word or ""):
            continue  # nothing is left of it once it is analysed, and Elasticsearch ignores it
        if phrase is not None:
            said = _quoted(phrase)
        elif word.endswith("*") and word.strip("*"):
            said = re.sub(r'([\\():<>"*{}])', r"\\\1", word.rstrip("*")) + "*"
        else:
            said = _quoted(word)
        anywhere = " or ".join(f"{field}: {said}" for field in SEARCHED_TEXTS)
        yield f"{'not ' if found['no'] else ''}({anywhere})"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    for char, name in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        escaped = escaped.replace(char, name)
    return f'"{escaped}"'
