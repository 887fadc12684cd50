"""What many lines have in common is written once: the second it is, and who logs at which level.

A line begins with its time and its level and ends with its `event.id`; what the record itself
tells stands between them.
"""

import itertools
import logging
import os
import time
from typing import NamedTuple

import orjson

ECS_VERSION = "8.11.0"

LATEST_SECONDS = 253_402_300_800  # the end of the year 9999
_STAMP = "%Y-%m-%dT%H:%M:%S"
_KNOWN, _KNOWN_BYTES = 256, 1024
"""A service has a few loggers and threads; a thread for each request has a name for each."""


class Service(NamedTuple):
    """What stands in every record of one application; None is left out."""

    name: str
    version: str | None = None
    environment: str | None = None


class LineParts:
    """The common parts of one application's lines; many threads may use them at once."""

    def __init__(self, service: Service) -> None:
        fields = {
            "ecs.version": ECS_VERSION,
            "service.name": service.name,
            "service.version": service.version,
            "service.environment": service.environment,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        self._service = orjson.dumps(known)[1:-1]
        self._second = (-1, b"")
        self.begin_process()

    def begin_process(self) -> None:
        """Begin a new series of `event.id`, as a forked child must."""
        self._events = os.urandom(8).hex()
        self._numbers = itertools.count()
        self._known: dict[tuple[object, ...], tuple[bytes, bytes]] = {}

    def event_id(self) -> str:
        """Return an id that no other record has."""
        return f"{self._events}-{next(self._numbers)}"

    def line(self, record: logging.LogRecord, body: bytes) -> bytes:
        """Return the line of a usual record whose further fields are `body`, as a JSON object.

        Raises ValueError or TypeError for a record that is not usual.
        """
        who = (record.levelname, record.name, record.process, record.threadName)
        begin, end = self._known.get(who) or self._made(*who)
        second, stamp = self._second
        within = record.created - second
        if not 0 <= within < 1:
            second, stamp = self._stamped(record.created)
            within = record.created - second
        micros, number = int(within * 1e6), next(self._numbers)
        return b'%b%06d%b%b%b%d"}\n' % (stamp, micros, begin, body[1:-1], end, number)

    def whole_line(self, body: bytes) -> bytes:
        """Return the line of a record that is all in `body` but for its service."""
        return b"%b,%b}\n" % (body[:-1], self._service)

    def _made(
        self, level: object, logger: object, process: object, thread: object
    ) -> tuple[bytes, bytes]:
        # What is equal to a number, as True is to 1, must not stand for it from then on.
        if type(level) is not str or type(logger) is not str:
            raise TypeError(level)
        if type(process) not in (int, type(None)) or type(thread) not in (str, type(None)):
            raise TypeError(process)
        fields = {"log.logger": logger, "process.pid": process, "process.thread.name": thread}
        begin = b'Z","log.level":%b,' % orjson.dumps(level.lower())
        end = b',%b,%b,"event.id":"%b-' % (
            orjson.dumps(fields)[1:-1],
            self._service,
            self._events.encode(),
        )
        if len(begin) + len(end) <= _KNOWN_BYTES:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[level, logger, process, thread] = (begin, end)
        return begin, end

    def _stamped(self, created: float) -> tuple[int, bytes]:
        if not 0 <= created < LATEST_SECONDS:
            raise ValueError(created)
        second = int(created)
        text = time.strftime(_STAMP, time.gmtime(second))
        self._second = (second, b'{"@timestamp":"%b.' % text.encode())
        return self._second


def time_of(created: float) -> str:
    """Return a time as a line holds it, in UTC."""
    second = int(created)
    return f"{time.strftime(_STAMP, time.gmtime(second))}.{int((created - second) * 1e6):06d}Z"
