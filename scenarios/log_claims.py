"""What must hold of logs in the index; pure: documents and names in, problems out.

One rule: a problem is one line that says what was expected and what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from stack.logs.fields import Field
from stack.logs.indices import day_of

SHOWN = 5
"""So many names stand in a problem; the number of all stands beside them."""

FINISHED = ("all", "a request's", "a finished request", "shipped")
"""Which records' fields a finished request has (``stack/elasticsearch/fields.yml``)."""

OPTIONAL = frozenset(
    {"service.version", "service.environment", "url.query", "http.route", "event.sample_rate"}
    | {"user.id"}
)
"""Fields that a request's record has where there is something to say."""


def _is_utc(value: object) -> bool:
    if not isinstance(value, str) or not value.endswith("Z"):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_HOLDS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "date": _is_utc,
        "keyword": lambda value: isinstance(value, str | list),
        "text": lambda value: isinstance(value, str),
        "short": _is_whole,
        "long": _is_whole,
        "double": _is_number,
        "boolean": lambda value: isinstance(value, bool),
        "flattened": lambda value: isinstance(value, dict),
    }
)


def wrong_fields(document: Mapping[str, object], fields: Mapping[str, Field]) -> list[str]:
    """Return what is wrong with the fields that a document has: unknown, or of another type."""
    problems = []
    for name, value in document.items():
        field = fields.get(name)
        if field is None:
            problems.append(f"{name} is no field of the table")
        elif not _HOLDS[field.type](value):
            problems.append(f"{name} should be a {field.type} and is {value!r:.80}")
    return problems


def missing_fields(document: Mapping[str, object], fields: Mapping[str, Field]) -> list[str]:
    """Return which fields the document of a finished request lacks."""
    promised = {one.name for one in fields.values() if one.records in FINISHED} - OPTIONAL
    return [f"{name} is missing" for name in sorted(promised - document.keys())]


def unequal(
    in_file: Iterable[str], in_index: Iterable[str], in_dead_letters: Iterable[str] = ()
) -> list[str]:
    """Return how the records of a file and those that arrived differ, by their ids."""
    wanted, arrived = Counter(in_file), Counter([*in_index, *in_dead_letters])
    problems = []
    if lost := sorted(wanted.keys() - arrived.keys()):
        problems.append(f"{len(lost)} of {len(wanted)} records did not arrive: {_some(lost)}")
    if twice := sorted(one for one, number in arrived.items() if number > 1):
        problems.append(f"{len(twice)} records arrived more than once: {_some(twice)}")
    if strange := sorted(arrived.keys() - wanted.keys()):
        problems.append(f"{len(strange)} arrived that are in no file: {_some(strange)}")
    return problems


def too_old(indices: Collection[str], *, days: int, today: date) -> list[str]:
    """Return the daily indices that are older than ``days``, and names that are no such index."""
    problems = []
    for name in sorted(indices):
        day = day_of(name)
        if day is None:
            problems.append(f"{name} is no index of a day")
        elif day < today - timedelta(days=days):
            problems.append(f"{name} is older than {days} days")
    return problems


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
