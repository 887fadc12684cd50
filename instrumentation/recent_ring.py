"""How the last quarter of an hour lies in memory: a fixed size, whatever happens.

A slot for each of 900 seconds holds three doubles (second, requests, errors), and a record of
fixed width each of the last errors. Another process may read while one writes: doubles are
aligned, so that a count is old or new and never half of each, and a record that is half written
fails its checksum and is left out.
"""

import struct
import time
import zlib
from array import array
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

WINDOWS_SECONDS = {"1m": 60, "5m": 300, "15m": 900}
LAST_ERRORS = 20
"""How many errors are remembered one by one, in each process and in the end."""

_SLOTS = max(WINDOWS_SECONDS.values())
_MAGIC = b"RECENT01"
_COUNTS_BYTES = _SLOTS * 3 * 8
_RECORDS_FROM = len(_MAGIC) + _COUNTS_BYTES
_CHECKSUM = struct.Struct("<I")
# When, status, and texts that are cut to their width: request id (as long as one may be), trace
# id, method, route template, exception class.
_RECORD = struct.Struct("<dH128s32s16s192s96s")
_RECORD_BYTES = _CHECKSUM.size + _RECORD.size
SIZE_BYTES = _RECORDS_FROM + LAST_ERRORS * _RECORD_BYTES

Memory: TypeAlias = "memoryview[int]"


class ErrorRate(NamedTuple):
    """Counts over one window; `error_ratio` is None where there was no request."""

    seconds: int
    requests: int
    errors: int

    @property
    def error_ratio(self) -> float | None:
        """Share of the requests that failed, 0 to 1."""
        return self.errors / self.requests if self.requests else None

    @property
    def errors_per_second(self) -> float:
        """Failed requests a second, averaged over the whole window."""
        return self.errors / self.seconds


class LastError(NamedTuple):
    """One failed request, in words that name no person: no path, no query, no message.

    `route` is the route's template, or None where none matched. Texts are cut to the width that a
    record has for them, so that no name, however long or made up as a program runs, takes more.
    """

    timestamp_seconds: float
    status: int
    request_id: str
    trace_id: str
    method: str
    route: str | None
    error_type: str


class Recent(NamedTuple):
    """What one ring holds, or several together: (requests, errors) by second, and last errors.

    Seconds are those of the monotonic clock, which all processes of a machine share. The newest
    error comes first.
    """

    counts: Mapping[int, tuple[int, int]] = MappingProxyType({})
    errors: tuple[LastError, ...] = ()

    def over(self, seconds: int, *, now: int) -> ErrorRate:
        """Return the counts of the last `seconds` seconds, the current one included."""
        within = [pair for second, pair in self.counts.items() if now - seconds < second <= now]
        return ErrorRate(
            seconds=seconds,
            requests=sum(requests for requests, _ in within),
            errors=sum(errors for _, errors in within),
        )


class Ring:
    """Writes into memory of `SIZE_BYTES`, for one process; the caller sees to one writer a time."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._counts = memory[len(_MAGIC) : _RECORDS_FROM].cast("d")
        if bytes(memory[: len(_MAGIC)]) != _MAGIC:
            memory[: len(_MAGIC)] = _MAGIC
        times = [_record_time(memory, slot) for slot in range(LAST_ERRORS)]
        self._next = times.index(min(times))

    def count(self, second: int, *, failed: bool) -> None:
        """Count one request."""
        counts, at = self._counts, 3 * (second % _SLOTS)
        if counts[at] != second:
            # The second comes last: until then the slot's counts belong to no window at all.
            counts[at + 1] = counts[at + 2] = 0.0
            counts[at] = second
        counts[at + 1] += 1.0
        if failed:
            counts[at + 2] += 1.0

    def note(self, error: LastError) -> None:
        """Remember one error, in the place of the oldest."""
        at = _RECORDS_FROM + self._next * _RECORD_BYTES
        self._memory[at : at + _RECORD_BYTES] = _pack(error)
        self._next = (self._next + 1) % LAST_ERRORS


def read(memory: bytes) -> Recent | None:
    """Return what a ring holds, or None where this is no ring (or not yet)."""
    if len(memory) != SIZE_BYTES or not memory.startswith(_MAGIC):
        return None
    doubles = array("d", memory[len(_MAGIC) : _RECORDS_FROM])
    counts = {
        # A writer counts the request before its error, and may be seen between the two.
        int(second): (int(requests), min(int(errors), int(requests)))
        for second, requests, errors in zip(
            doubles[0::3], doubles[1::3], doubles[2::3], strict=True
        )
        if requests
    }
    records = (_unpack(memory, slot) for slot in range(LAST_ERRORS))
    return Recent(counts=counts, errors=_newest(error for error in records if error))


def merged(parts: Iterable[Recent]) -> Recent:
    """Return the sum of several rings."""
    counts: dict[int, tuple[int, int]] = {}
    errors: list[LastError] = []
    for part in parts:
        errors += part.errors
        for second, (more_requests, more_errors) in part.counts.items():
            requests, failed = counts.get(second, (0, 0))
            counts[second] = requests + more_requests, failed + more_errors
    return Recent(counts=counts, errors=_newest(errors))


def write(recent: Recent) -> bytes:
    """Return a ring that holds `recent`; of seconds that share a slot the newest one stays."""
    doubles = array("d", bytes(_COUNTS_BYTES))
    for second, (requests, errors) in sorted(recent.counts.items()):
        at = 3 * (second % _SLOTS)
        doubles[at : at + 3] = array("d", (second, requests, errors))
    records = b"".join(_pack(error) for error in recent.errors)
    return (_MAGIC + doubles.tobytes() + records).ljust(SIZE_BYTES, b"\0")


def seconds_now() -> float:
    """Return the clock by which requests are counted: it never goes back, and all share it."""
    return time.monotonic()


def _newest(errors: Iterable[LastError]) -> tuple[LastError, ...]:
    newest_first = sorted(errors, key=lambda error: error.timestamp_seconds, reverse=True)
    return tuple(newest_first[:LAST_ERRORS])


def _pack(error: LastError) -> bytes:
    texts = (error.request_id, error.trace_id, error.method, error.route or "", error.error_type)
    record = _RECORD.pack(
        error.timestamp_seconds, error.status, *(text.encode(errors="replace") for text in texts)
    )
    return _CHECKSUM.pack(zlib.crc32(record)) + record


def _unpack(memory: bytes, slot: int) -> LastError | None:
    at = _RECORDS_FROM + slot * _RECORD_BYTES
    (checksum,) = _CHECKSUM.unpack_from(memory, at)
    record = memory[at + _CHECKSUM.size : at + _RECORD_BYTES]
    if checksum == 0 or zlib.crc32(record) != checksum:
        return None
    when, status, *texts = _RECORD.unpack(record)
    request_id, trace_id, method, route, error_type = (
        text.rstrip(b"\0").decode(errors="ignore") for text in texts
    )
    return LastError(
        timestamp_seconds=when,
        status=status,
        request_id=request_id,
        trace_id=trace_id,
        method=method,
        route=route or None,
        error_type=error_type,
    )


def _record_time(memory: Memory, slot: int) -> float:
    at = _RECORDS_FROM + slot * _RECORD_BYTES
    return float(_RECORD.unpack_from(memory, at + _CHECKSUM.size)[0])
