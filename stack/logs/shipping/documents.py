"""A line of the log becomes a document for the index of its own day.

Design rule: the bytes of a usual record are not encoded again: what is added on the way is put in
before its last brace. Only what the strict template would refuse is taken apart, and nothing of
it is dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
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

_INGESTED, _FILE = "event.ingested", "log.file.path"
_ADDED = frozenset({_INGESTED, _FILE, "event.original"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.]\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_DAYS_KNOWN = 1024
_BRACE = ord("}")


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
        event_id = record.get("event.id")
        hashed = not _can_be_id(event_id)
        name = _made_id(line, key, offset) if hashed else str(event_id)
        if (
            index is not None
            and line[-1] == _BRACE
            and record.keys() <= self._usual
            and type(record.get("extra", record)) is dict
        ):
            action = b'{"create":{"_index":"%b","_id":%b}}' % (
                index.encode(),
                orjson.dumps(name),
            )
            return Document(action, line[:-1] + self._end, str(time), None, hashed)
        return self._rebuilt(record, index, name, hashed)

    def _index(self, time: str) -> str | None:
        """Return the index for a record's time; None for a time that can't be used."""
        if _TIME.fullmatch(time) is None:
            return None
        try:
            when = datetime.fromisoformat(time)
            if time[-1] != "Z":
                return index_of(when)
        except (ValueError, OverflowError):  # a 31st of February; a zone beyond the first year
            return None
        day = time[:10]
        index = self._days.get(day)
        if index is None:
            if len(self._days) >= _DAYS_KNOWN:
                self._days.clear()
            index = self._days[day] = index_of(when)
        return index

    def _rebuilt(
        self, record: dict[str, Any], index: str | None, event_id: str, hashed: bool
    ) -> Document:
        """Return the document of a record that the template would refuse as it is."""
        document: dict[str, Any] = {}
        extra = record.pop("extra", None)
        moved: dict[str, Any] = {}
        if extra is not None and type(extra) is not dict:
            moved["extra"], extra = extra, None
        self._sort(record, "", document, moved)
        tag = None
        if index is None:
            tag, index = NO_TIME, self._arrival_index
            if "@timestamp" in document:
                moved["@timestamp"] = document.pop("@timestamp")
            document = {"@timestamp": self._arrival, **document}
            tags = document.get("tags")
            document["tags"] = [*(tags if type(tags) is list else [tags] if tags else []), NO_TIME]
        if extra or moved:
            document["extra"] = _joined(extra or {}, moved)
        return self._encoded(document, index, event_id, tag, hashed)

    def _sort(
        self, given: Mapping[str, Any], prefix: str, document: dict[str, Any], moved: dict[str, Any]
    ) -> None:
        """Put what the table knows into `document`, under its full name, and the rest elsewhere."""
        for name, value in given.items():
            full = f"{prefix}{name}"
            if full in self._usual and full not in document:
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
        }
        event_id = _made_id(line, key, offset)
        return self._encoded(document, self._arrival_index, event_id, NOT_JSON, hashed=True)

    def _encoded(
        self, document: dict[str, Any], index: str, event_id: str, tag: str | None, hashed: bool
    ) -> Document:
        action = orjson.dumps({"create": {"_index": index, "_id": event_id}})
        document[_INGESTED], document[_FILE] = self._ingested, self._path
        return Document(action, orjson.dumps(document), document["@timestamp"], tag, hashed)


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
