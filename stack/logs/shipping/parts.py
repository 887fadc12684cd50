"""A batch becomes requests, each within the bound and few enough to be sent at the same time.

Design rule: pure but for the threads. A thread is a daemon, so that a process which is told to end
at once doesn't wait for an answer that may never come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

__all__ = ["AT_ONCE", "Record", "in_parallel", "split"]

Record: TypeAlias = tuple[bytes, bytes]
"""A record's two lines in a bulk request: what to do, and the document."""

AT_ONCE = 2
"""How many requests are under way together. Elasticsearch indexes the records of one request, for
one shard, on one core; with two it uses two, and there are not many more for logs."""

SMALLEST_BYTES = 64 * 1024
"""A request that is smaller costs more than sending its records one after another."""

T = TypeVar("T")
R = TypeVar("R")


def split(records: Sequence[Record], max_bytes: int) -> list[list[Record]]:
    """Return the records in parts of at most `max_bytes`, in their order.

    There are AT_ONCE parts of about the same size where that is possible. A record that is larger
    than the bound is a part of its own.
    """
    total = sum(map(_size, records))
    fair = max(-(-total // AT_ONCE), SMALLEST_BYTES)
    parts: list[list[Record]] = []
    size = 0
    for record in records:
        more = _size(record)
        if not parts or size >= fair or size + more > max_bytes:
            parts.append([])
            size = 0
        parts[-1].append(record)
        size += more
    return parts


def in_parallel(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Return what `work` makes of each thing, all at the same time. It must not raise."""
    results: dict[int, R] = {}

    def one(number: int) -> None:
        results[number] = work(things[number])

    threads = [
        threading.Thread(target=one, args=(number,), name=f"bulk-{number}", daemon=True)
        for number in range(1, len(things))
    ]
    for thread in threads:
        thread.start()
    if things:
        one(0)
    for thread in threads:
        thread.join()
    return [results[number] for number in range(len(things))]


def _size(record: Record) -> int:
    return len(record[0]) + len(record[1]) + 2  # each line has its end
