"""Imports between rooms run one way only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = "instrumentation.faults"
MAY_IMPORT = {
    "instrumentation": (),
    "stack": (),
    "loadtests": (CONTRACT,),
    "scenarios": ("stack", CONTRACT),
    "checks": ("scenarios", "stack"),
}


def imports_of(path: Path, room: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; name the module in full"
            found |= {f"{node.module}.{name.name}" for name in node.names} | {str(node.module)}
    return {
        name for name in found if name.split(".")[0] in MAY_IMPORT and name.split(".")[0] != room
    }


def strays(room: str) -> list[str]:
    allowed = MAY_IMPORT[room]
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in sorted(imports_of(path, room))
        if not any(
            f"{name}.".startswith(f"{one}.") or f"{one}.".startswith(f"{name}.") for one in allowed
        )
    ]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    assert strays(room) == []


def test_an_import_against_the_direction_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from scenarios.model import Drill\nimport checks\n")
    assert imports_of(wrong, "stack") == {"scenarios.model", "scenarios.model.Drill", "checks"}


def test_locust_is_imported_by_no_room_that_pytest_loads() -> None:
    for room in MAY_IMPORT.keys() - {"loadtests"}:
        for path in (ROOT / room).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            modules = {
                name.name
                for node in ast.walk(tree)
                if isinstance(node, ast.Import)
                for name in node.names
            }
            modules |= {
                str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            }
            assert not any(name.split(".")[0] in ("locust", "gevent") for name in modules), path
