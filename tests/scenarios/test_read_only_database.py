"""One byte makes a SQLite file read-only for everybody, and its return makes it writable again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.read_only_database import ReadOnlyDatabase


@pytest.fixture
def target(tmp_path: Path) -> Any:
    path = tmp_path / "shop.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE items (name TEXT)")
        database.execute("INSERT INTO items VALUES ('lamp')")
    return SimpleNamespace(id="shop", database=path, patience_seconds=1.0)


def write(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO items VALUES ('chair')")


def items(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT name FROM items")]


def test_what_is_read_is_read_and_nobody_writes_until_the_end_not_even_root(target: Any) -> None:
    before = target.database.read_bytes()
    with ReadOnlyDatabase().inject(target) as witness:
        assert "a write is refused" in witness.text
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            write(target.database)
        assert items(target.database) == ["lamp"]
    assert target.database.read_bytes() == before
    write(target.database)
    assert items(target.database) == ["lamp", "chair"]


def test_a_file_that_is_no_database_does_not_bite(target: Any) -> None:
    target.database.write_bytes(bytes(100))
    with pytest.raises(FaultDidNotBite), ReadOnlyDatabase().inject(target):
        pytest.fail("it was taken for read-only")
