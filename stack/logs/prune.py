"""Indices of old days are deleted, by the day in their name.

Design rule: what is deleted is decided from names by a pure function, shown, and then deleted by
exactly these names. No wildcard is ever deleted, and no age is asked of the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from elasticsearch import Elasticsearch

from stack.logs.indices import PATTERN, day_of

__all__ = ["LogIndex", "Sorted", "delete", "log_indices", "sort_out"]

_NAMES_IN_ONE_REQUEST = 50
"""Names stand in the address of the request, which may have 4,096 bytes; one has 26."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIndex:
    """One day's index; `bytes` is what it takes on all nodes."""

    name: str
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Which indices are too old, oldest first, and which stay; others' indices are in neither."""

    old: tuple[LogIndex, ...]
    kept: tuple[LogIndex, ...]


def sort_out(indices: Iterable[LogIndex], *, today: date, days: int) -> Sorted:
    """Tell the indices whose every record is more than `days` days old; `today` is UTC's.

    Today's index and those of days to come are kept, whatever `days` is.
    Raises ValueError for fewer days than one.
    """
    if days < 1:
        raise ValueError(f"{days} days would delete what is being written; give at least 1")
    dated = sorted(
        ((day, index) for index in indices if (day := day_of(index.name)) is not None),
        key=lambda pair: pair[0],
    )
    age = timedelta(days=days)
    return Sorted(
        old=tuple(index for day, index in dated if today - day > age),
        kept=tuple(index for day, index in dated if today - day <= age),
    )


def log_indices(client: Elasticsearch) -> tuple[LogIndex, ...]:
    """Return every open or closed index that a day's name fits.

    Raises `elasticsearch.ApiError` and `elasticsearch.TransportError`.
    """
    rows: Any = client.cat.indices(
        index=PATTERN,
        format="json",
        bytes="b",
        h=["index", "docs.count", "store.size"],
        expand_wildcards=["open", "closed"],
    )
    return tuple(
        LogIndex(
            name=row["index"],
            documents=int(row["docs.count"] or 0),  # a closed index counts nothing
            bytes=int(row["store.size"] or 0),
        )
        for row in rows
        if day_of(row["index"]) is not None
    )


def delete(client: Elasticsearch, indices: Iterable[LogIndex]) -> None:
    """Delete these indices, each by its full name; one that is gone already is no error.

    Raises ValueError, before anything is deleted, for a name that is no day's;
    `elasticsearch.ApiError` and `elasticsearch.TransportError`.
    """
    names = [index.name for index in indices]
    for name in names:
        if day_of(name) is None:
            raise ValueError(f"{name} is no index of a day's logs and is not deleted")
    for begin in range(0, len(names), _NAMES_IN_ONE_REQUEST):
        client.indices.delete(
            index=names[begin : begin + _NAMES_IN_ONE_REQUEST],
            ignore_unavailable=True,
            expand_wildcards="none",
        )
