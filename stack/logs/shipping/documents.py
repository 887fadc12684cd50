"""A line of the log becomes a document for the index of its own day.

Design rule: the bytes of a usual record are not encoded again: what is added on the way is put in
before its last brace. Only what the strict template would refuse, or readers not expect, is taken
apart, and nothing of it is dropped: what can't be put together again is kept as the line it was.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from stack.logs.fields import load_fields
from stack.logs.indices import index_of

__all__ = ["NOT_JSON", "NO_TIME", "TAGS", "Document", "DocumentMaker"]

NOT_JSON, NO_TIME = "not_json", "no_time"
TAGS = (NOT_JSON, NO_TIME)
"""What may be odd about a line."""

MESSAGE_CHARACTERS = 256
"""How much of a line that is no JSON is shown as its message; all of it is kept beside."""

MAX_ID_BYTES = 512
"""Elasticsearch refuses the whole request that holds a longer `_id`."""

_ID, _INGESTED, _FILE = "event.id", "event.ingested", "log.file.path"
_ADDED = frozenset({_INGESTED, _FILE, "event.original"})
_LISTS = frozenset({"tags"})
"""The fields that may have several values; whoever reads another expects one."""

# Not 24:00, which from Python 3.14 on can be read, and is of the day after the one that it names.
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(?:[.]\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
"""How far a clock may be ahead. Nobody deletes the index of a day that is not over for years, and
one for each such time would use up the shards that the cluster may have."""

_SECOND_ENDS = len("1970-01-01T00:00:00")
_DAYS_KNOWN = 1024
_BRACE = ord("}")
_BRACKET = b"["


class Document(NamedTuple):
    """One document of a bulk request; a tuple, as there is one for each record.

    `action` and `source` are the two lines that the request has for it. `time` is the record's own,
    or its arrival. `tag` is what is odd about it, if anything; `hashed` whether its id was made of
    its place in the file.
    """

    action: bytes
    source: bytes
    time: str
    tag: str | None
    hashed: bool


class DocumentMaker:
    """Makes the documents of one file."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        known = frozenset(load_fields())
        self._known = known
        self._usual = known - _ADDED
        self._groups = frozenset(
            name[:dot] for name in known for dot in range(len(name)) if name[dot] == "."
        )
        self._days: dict[str, str] = {}
        self.begin(now=datetime.now(UTC), arrival=datetime.now(UTC))

    def begin(self, *, now: datetime, arrival: datetime) -> None:
        """Say when the next documents leave, and when those without a time have arrived."""
        self._ingested = _stamp(now)
        self._arrival = _stamp(arrival)
        self._arrival_index = index_of(arrival)
        self._latest = now + _AHEAD
        self._latest_second = _stamp(self._latest)[:_SECOND_ENDS]
        added = orjson.dumps({_INGESTED: self._ingested, _FILE: self._path})
        self._end = b"," + added[1:]

    def make(self, line: bytes, *, key: str, offset: int) -> Document:
        """Return the document of a line that stands at `offset` in the generation `key`."""
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            record = None
        if type(record) is not dict:
            return self._not_json(line, key, offset)
        time = record.get("@timestamp")
        index = self._index(time) if type(time) is str else None
        event_id = record.get(_ID)
        hashed = not _can_be_id(event_id)
        if (
            index is not None
            and line[-1] == _BRACE
            and record.keys() <= self._usual
            and type(record.get("extra", record)) is dict
            and (_BRACKET not in line or list not in map(type, record.values()))
            and not (hashed and _ID in record)
        ):
            end = self._end
            if hashed:
                event_id = _made_id(line, key, offset)
                end = b',"%b":"%b"%b' % (_ID.encode(), event_id.encode(), end)
            action = b'{"create":{"_index":"%b","_id":%b}}' % (
                index.encode(),
                orjson.dumps(event_id),
            )
            return Document(action, line[:-1] + end, str(time), None, hashed)
        try:
            return self._rebuilt(line, index, key, offset)
        except (ValueError, TypeError, RecursionError):  # a name twice; nested too deep for orjson
            return self._not_json(line, key, offset)

    def _index(self, time: str) -> str | None:
        """Return the index for a record's time; None for a time that can't be used."""
        if _TIME.fullmatch(time) is None:
            return None
        try:
            if time[-1] != "Z":
                when = datetime.fromisoformat(time)
                return index_of(when) if _EPOCH <= when <= self._latest else None
            if not "1970" <= time[:_SECOND_ENDS] <= self._latest_second:
                return None
            when = datetime.fromisoformat(time)
        except (ValueError, OverflowError):  # a 31st of February; a zone beyond the first year
            return None
        day = time[:10]
        index = self._days.get(day)
        if index is None:
            if len(self._days) >= _DAYS_KNOWN:
                self._days.clear()
            index = self._days[day] = index_of(when)
        return index

    def _rebuilt(self, line: bytes, index: str | None, key: str, offset: int) -> Document:
        """Return the document of a record that can't go as it is.

        Raises ValueError, TypeError and RecursionError for one that can't be put together again.
        """
        record = _EXACT.decode(line.decode())
        document: dict[str, Any] = {}
        extra = record.pop("extra", None)
        moved: dict[str, Any] = {}
        if extra is not None and type(extra) is not dict:
            moved["extra"], extra = extra, None
        self._sort(record, "", document, moved)
        event_id = document.pop(_ID, None)
        hashed = not _can_be_id(event_id)
        if hashed:
            if event_id is not None:
                moved[_ID] = event_id
            event_id = _made_id(line, key, offset)
        document[_ID] = event_id
        tag = None
        if index is None:
            tag, index = NO_TIME, self._arrival_index
            if "@timestamp" in document:
                moved["@timestamp"] = document.pop("@timestamp")
            document = {"@timestamp": self._arrival, **document}
            tags = document.get("tags")
            said = tags if type(tags) is list else [] if tags is None else [tags]
            document["tags"] = [*said, NO_TIME]
        if extra or moved:
            document["extra"] = _joined(extra or {}, moved)
        return self._encoded(document, index, tag, hashed)

    def _sort(
        self, given: Mapping[str, Any], prefix: str, document: dict[str, Any], moved: dict[str, Any]
    ) -> None:
        """Put what the table knows into `document`, under its full name, and the rest elsewhere."""
        for name, value in given.items():
            full = f"{prefix}{name}"
            is_one = type(value) is not list or full in _LISTS
            if full in self._usual and full not in document and is_one:
                document[full] = value
            elif full in self._groups and type(value) is dict and value:
                self._sort(value, f"{full}.", document, moved)
            else:
                moved[full] = value

    def _not_json(self, line: bytes, key: str, offset: int) -> Document:
        text = line.decode("utf-8", "backslashreplace")
        shown = text.strip()
        if len(shown) > MESSAGE_CHARACTERS:
            shown = shown[: MESSAGE_CHARACTERS - 1] + "…"
        document = {
            "@timestamp": self._arrival,
            "message": shown,
            "event.original": text,
            "tags": [NOT_JSON],
            _ID: _made_id(line, key, offset),
        }
        return self._encoded(document, self._arrival_index, NOT_JSON, hashed=True)

    def _encoded(
        self, document: dict[str, Any], index: str, tag: str | None, hashed: bool
    ) -> Document:
        action = orjson.dumps({"create": {"_index": index, "_id": document[_ID]}})
        document[_INGESTED], document[_FILE] = self._ingested, self._path
        return Document(action, orjson.dumps(document), document["@timestamp"], tag, hashed)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name is given twice")
    return members


def _as_written(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


_EXACT = json.JSONDecoder(object_pairs_hook=_once, parse_int=_as_written, parse_float=_as_written)
"""Keeps the digits of numbers that no float has, and of two equal names none without a word."""


def _can_be_id(event_id: object) -> bool:
    return (
        type(event_id) is str
        and event_id != ""
        and (len(event_id) * 4 <= MAX_ID_BYTES or len(event_id.encode()) <= MAX_ID_BYTES)
    )


def _made_id(line: bytes, key: str, offset: int) -> str:
    """Return the id of a record that brings none: the same each time that it is read."""
    return hashlib.sha256(b"%b %d " % (key.encode(), offset) + line).hexdigest()[:40]


def _joined(extra: dict[str, Any], moved: dict[str, Any]) -> dict[str, Any]:
    """Return both, and rename what would hide another of the same name."""
    joined = dict(extra)
    for name, value in moved.items():
        free = name
        while free in joined:
            free += "_"
        joined[free] = value
    return joined


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
