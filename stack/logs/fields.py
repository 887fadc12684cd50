"""The table of fields that a log document may have (`stack/elasticsearch/fields.yml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from stack.yamlfile import ConfigurationError, read_yaml

__all__ = ["FIELDS_FILE", "Field", "load_fields"]

FIELDS_FILE = Path(__file__).resolve().parents[1] / "elasticsearch" / "fields.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a log document.

    Attributes:
        name: its full name, dots included.
        type: its type in Elasticsearch.
        records: which records have it, in words.
        what: what it says, for a person.
        indexed: whether it can be searched.
        ignore_above: the longest value that is searched, in characters; None for any.
    """

    name: str
    type: str
    records: str
    what: str
    indexed: bool = True
    ignore_above: int | None = None


@lru_cache(maxsize=1)
def load_fields(path: Path = FIELDS_FILE) -> Mapping[str, Field]:
    """Return all fields by name, in the table's order.

    Raises:
        ConfigurationError: the table is malformed; the message starts with `file:line`.
        OSError: it can't be read.
    """
    raw = read_yaml(path.read_text(encoding="utf-8"), path.name)
    fields = {}
    for name, given in raw.items():
        try:
            fields[str(name)] = Field(
                name=str(name),
                type=str(given["type"]),
                records=str(given["in"]),
                what=str(given["what"]),
                indexed=bool(given.get("index", True)),
                ignore_above=given.get("ignore_above"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            line = raw.lc.key(name)[0] + 1
            raise ConfigurationError(
                f"{path.name}:{line}: {name} needs `type`, `in` and `what`: {error!r}"
            ) from error
    return MappingProxyType(fields)
