"""The saved objects of `stack/kibana/`, one a file, as people read them and as Kibana takes them.

Design rule: a file holds plain JSON throughout, so that a change of it can be read; that Kibana
wants some attributes as JSON inside a string is put on only at the door.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.yamlfile import ConfigurationError

__all__ = ["OBJECTS_FOLDER", "Reference", "SavedObject", "load_objects", "to_ndjson"]

OBJECTS_FOLDER = Path(__file__).resolve().parents[2] / "kibana"

CORE_MIGRATION_VERSION = "8.8.0"
"""What every Kibana since 8.8 writes there; without it Kibana takes an object for one of 7.0, and
changes it step by step into what it is already."""

_IN_A_STRING = frozenset(
    {"optionsJSON", "panelsJSON", "searchSourceJSON", "uiStateJSON", "visState"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """That one object uses another: under which name, and which."""

    name: str
    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedObject:
    """One object of Kibana.

    Attributes:
        id: its file's name, so that importing it again replaces it.
        type: as Kibana calls it: `index-pattern` is what people see as a data view.
        type_version: the version of Kibana that last changed what such an object looks like.
        attributes: what it is, in plain JSON throughout.
        references: the objects that it uses.
    """

    id: str
    type: str
    type_version: str
    attributes: Mapping[str, Any]
    references: tuple[Reference, ...]

    @property
    def title(self) -> str:
        """What people see as its name."""
        return str(self.attributes["title"])


def load_objects(folder: Path = OBJECTS_FOLDER) -> tuple[SavedObject, ...]:
    """Return every object of the folder, by the files' names.

    Raises:
        ConfigurationError: a file is no such object, or one uses an object that is not there; the
            message starts with the file.
        OSError: a file can't be read.
    """
    objects = tuple(_load(path) for path in sorted(folder.glob("*.json")))
    if not objects:
        raise ConfigurationError(f"{folder}:1: there is no saved object in it, a *.json")
    there = {(one.type, one.id) for one in objects}
    for one in objects:
        for used in one.references:
            if (used.type, used.id) not in there:
                known = ", ".join(sorted(f"{kind} {id_}" for kind, id_ in there))
                raise ConfigurationError(
                    f"{one.id}.json:1: {used.type} {used.id} is not there; known: {known}"
                )
    return objects


def to_ndjson(objects: Iterable[SavedObject]) -> bytes:
    """Return the objects as Kibana imports them: one line of JSON each."""
    return b"".join(
        json.dumps(
            {
                "id": one.id,
                "type": one.type,
                "coreMigrationVersion": CORE_MIGRATION_VERSION,
                "typeMigrationVersion": one.type_version,
                "managed": False,
                "attributes": _at_the_door(one.attributes),
                "references": [
                    {"name": used.name, "type": used.type, "id": used.id} for used in one.references
                ],
            }
        ).encode()
        + b"\n"
        for one in objects
    )


def _load(path: Path) -> SavedObject:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path.name}:{error.lineno}: not JSON: {error.msg}") from error
    try:
        one = SavedObject(
            id=path.stem,
            type=given["type"],
            type_version=given["typeMigrationVersion"],
            attributes=given["attributes"],
            references=tuple(Reference(**used) for used in given["references"]),
        )
        str(one.title)
    except (KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path.name}:1: needs `type`, `typeMigrationVersion`, `attributes` with a `title`, and"
            f" `references` of `name`, `type` and `id`: {error!r}"
        ) from error
    return one


def _at_the_door(attributes: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in attributes.items():
        if name in _IN_A_STRING:
            shown[name] = json.dumps(value)
        elif isinstance(value, dict):
            shown[name] = _at_the_door(value)
        else:
            shown[name] = value
    return shown
