"""The ``[tool.alertproof]`` block of a project's ``pyproject.toml``.

One rule: whatever it says becomes a dataclass here, or an error that names the file and the key,
and lists the keys that there are; nothing past this module looks into TOML.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.own_app.exposed import MetricsMapping
from scenarios.settings import STACKS

FILE = "pyproject.toml"
TABLE = "tool.alertproof"


class BlockError(ValueError):
    """The block can't be meant so; the message is one line that names the file and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDatabase:
    """The application's SQLite database.

    Attributes:
        file: relative to the instance's own folder.
        reads: the request that reads it, as ``GET /path``.
    """

    file: Path
    reads: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a project asks for; None, or empty, where it says nothing. Paths are absolute."""

    source: Path
    app: str | None = None
    locustfile: Path | None = None
    rules: Path | None = None
    alertmanager_config: Path | None = None
    time_scale: float | None = None
    stack: str | None = None
    reports: Path | None = None
    require: tuple[str, ...] = ()
    pythonpath: tuple[Path, ...] = ()
    working_directory: Path | None = None
    prepare: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    journey: Mapping[str, int] = field(default_factory=dict)
    unauthorized: str = ""
    database: OwnDatabase | None = None
    backup: Path | None = None
    metrics: MetricsMapping | None = None
    receivers: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_block(project: Path) -> Block:
    """Read the block of the project in this folder; an empty one where there is none.

    Raises:
        BlockError: the file is no TOML, a key is unknown, or a value can't be meant.
    """
    source = project / FILE
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Block(source=source)
    except (OSError, ValueError) as error:
        raise BlockError(f"{source}: {error}") from error
    table = document.get("tool", {}).get("alertproof", {})
    return _Reader(source).block(table)


def known_keys() -> tuple[str, ...]:
    """Return the keys that a block may have."""
    return tuple(sorted(_Reader(Path(FILE)).keys))


class _Reader:
    """Reads one file's values, and names it in each error."""

    def __init__(self, source: Path) -> None:
        self._source = source

    @property
    def keys(self) -> Mapping[str, Callable[[str, Any], object]]:
        """Every key, with what reads its value."""
        return {
            "app": self._text,
            "locustfile": self._file,
            "rules": self._file,
            "alertmanager-config": self._file,
            "time-scale": self._time_scale,
            "stack": self._stack,
            "reports": self._path,
            "require": self._texts,
            "pythonpath": self._folders,
            "working-directory": self._folder,
            "prepare": self._texts,
            "environment": self._environment,
            "journey": self._journey,
            "unauthorized": self._request,
            "database": self._database,
            "backup": self._relative,
            "metrics": self._metrics,
            "receivers": self._receivers,
        }

    def block(self, table: object) -> Block:
        values = self._each(TABLE, table, self.keys)
        return Block(
            source=self._source,
            **{key.replace("-", "_"): value for key, value in values.items()},  # type: ignore[arg-type]  # each parser returns its field's type
        )

    def _each(
        self, where: str, table: object, parsers: Mapping[str, Callable[[str, Any], object]]
    ) -> dict[str, object]:
        if not isinstance(table, dict):
            raise self._wrong(where, "a table", table)
        known = ", ".join(sorted(parsers))
        for key in table:
            if key not in parsers:
                raise BlockError(
                    f"{self._source}: [{where}] has an unknown key {key!r}; known: {known}"
                )
        return {key: parsers[key](f"{where}.{key}", value) for key, value in table.items()}

    def _wrong(self, where: str, expected: str, value: object) -> BlockError:
        return BlockError(f"{self._source}: {where}: expected {expected}, got {value!r}")

    def _text(self, where: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(where, "a text", value)
        return value

    def _texts(self, where: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self._wrong(where, "a list of texts", value)
        return tuple(self._text(where, one) for one in value)

    def _path(self, where: str, value: object) -> Path:
        return self._source.parent / self._text(where, value)

    def _relative(self, where: str, value: object) -> Path:
        path = Path(self._text(where, value))
        if path.is_absolute() or ".." in path.parts:
            raise self._wrong(where, "a path below the instance's own folder", value)
        return path

    def _file(self, where: str, value: object) -> Path:
        path = self._path(where, value)
        if not path.is_file():
            raise self._wrong(where, "a file that is there", value)
        return path

    def _folder(self, where: str, value: object) -> Path:
        path = self._path(where, value)
        if not path.is_dir():
            raise self._wrong(where, "a folder that is there", value)
        return path.resolve()

    def _folders(self, where: str, value: object) -> tuple[Path, ...]:
        return tuple(self._folder(where, one) for one in self._texts(where, value))

    def _time_scale(self, where: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
            raise self._wrong(where, "a number from 1", value)
        return float(value)

    def _stack(self, where: str, value: object) -> str:
        if value not in STACKS:
            raise self._wrong(where, f"one of {', '.join(STACKS)}", value)
        return str(value)

    def _environment(self, where: str, value: object) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise self._wrong(where, "a table of variables", value)
        return {name: self._variable(f"{where}.{name}", one) for name, one in value.items()}

    def _variable(self, where: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(where, 'a text (a number in quotes, as "8")', value)
        return value

    def _journey(self, where: str, value: object) -> Mapping[str, int]:
        if not isinstance(value, dict) or not value:
            raise self._wrong(where, "requests and their weights", value)
        for name, weight in value.items():
            self._request(where, name)
            if isinstance(weight, bool) or not isinstance(weight, int) or weight < 1:
                raise self._wrong(f"{where}.{name!r}", "a whole number from 1", weight)
        return dict(value)

    def _request(self, where: str, value: object) -> str:
        text = self._text(where, value)
        method, _, path = text.partition(" ")
        if not (method.isalpha() and method.isupper() and path.startswith("/")):
            raise self._wrong(where, "a request like 'GET /products'", value)
        return text

    def _database(self, where: str, value: object) -> OwnDatabase:
        found = self._each(where, value, {"file": self._relative, "reads": self._request})
        for key in ("file", "reads"):
            if key not in found:
                raise BlockError(f"{self._source}: {where} lacks the key {key!r}")
        reads = str(found["reads"])
        if not reads.startswith("GET "):
            raise self._wrong(f"{where}.reads", "a GET request", reads)
        return OwnDatabase(file=Path(str(found["file"])), reads=reads)

    def _metrics(self, where: str, value: object) -> MetricsMapping:
        labels = {"method": self._text, "endpoint": self._text, "status": self._text}
        found = self._each(
            where,
            value,
            {
                "path": self._text,
                "requests": self._text,
                "latency": self._text,
                "latency-unit": self._unit,
                "labels": lambda place, table: self._each(place, table, labels),
            },
        )
        if not str(found.get("path", "")).startswith("/"):
            raise self._wrong(f"{where}.path", "the path of the metrics, like '/metrics'", found)
        return MetricsMapping(
            path=str(found["path"]),
            requests=str(found.get("requests", "")),
            latency=str(found.get("latency", "")),
            latency_unit=str(found.get("latency-unit", "")),
            labels=found.get("labels", {}),  # type: ignore[arg-type]  # read above
        )

    def _unit(self, where: str, value: object) -> str:
        if value not in ("seconds", "milliseconds"):
            raise self._wrong(where, "seconds or milliseconds", value)
        return str(value)

    def _receivers(self, where: str, value: object) -> Mapping[str, frozenset[str]]:
        if not isinstance(value, dict):
            raise self._wrong(where, "severities and who is told", value)
        return {
            severity: frozenset(self._texts(f"{where}.{severity}", told))
            for severity, told in value.items()
        }
