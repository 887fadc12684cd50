"""The tables of docs/gate.md, made from the gate's options and checks.

    python -m tests.docs.gate

writes them into the document; a test compares them, so that neither can change alone.
"""

from __future__ import annotations

import ast
from pathlib import Path

from scenarios.deployment import needs
from scenarios.deployment.options import SETTINGS
from scenarios.deployment.target import STAGES
from stack.settings import variable
from tests.docs.reference import ROOT, TABLE, table

GATE = ROOT / "docs" / "gate.md"
CHECKS = ROOT / "checks" / "deployment"


def settings_table() -> str:
    """Every setting, by its option and its variable."""
    rows = [
        (
            f"`{one.option}`" + (f" *{one.metavar}*" if one.metavar else ""),
            f"`{variable(one.option)}`",
            one.says + ("; several" if one.kind == "several" else ""),
        )
        for one in SETTINGS
    ]
    return table(("option", "variable", "what"), rows)


def checks_table() -> str:
    """Every check: its stage, what it says, and what it must be told."""
    rows = sorted(
        (_row(path) for path in CHECKS.glob("test_*.py")),
        key=lambda row: (STAGES.index(row[0].partition(",")[0]), row[1]),
    )
    return table(("stage", "check", "says", "needs"), rows)


def _row(path: Path) -> tuple[str, str, str, str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (check,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    marks = [node for node in check.decorator_list if isinstance(node, ast.Call)]
    stages = {_argument(one) for one in marks if _name(one) == "stage"}
    lacking = sorted(
        f"`--{getattr(needs, _argument(one))}`" for one in marks if _name(one) == "needs"
    )
    said = (ast.get_docstring(tree) or "").rstrip(".")
    name = f"[{check.name.removeprefix('test_')}](../checks/deployment/{path.name})"
    return (
        ", ".join(
            one for one in STAGES if {STAGES[0]: "BEFORE", STAGES[1]: "AFTER"}[one] in stages
        ),
        name,
        said,
        ", ".join(lacking),
    )


def _name(mark: ast.Call) -> str:
    return mark.func.attr if isinstance(mark.func, ast.Attribute) else ""


def _argument(mark: ast.Call) -> str:
    (argument,) = mark.args
    return argument.id if isinstance(argument, ast.Name) else ""


TABLES = {"gate-checks": checks_table, "gate-settings": settings_table}


def written() -> dict[str, str]:
    """Return the tables that stand in the guide, by their names."""
    return {match["name"]: match["text"] for match in TABLE.finditer(GATE.read_text())}


def main() -> None:
    """Write each table between its markers."""
    text = GATE.read_text()
    GATE.write_text(TABLE.sub(lambda m: f"{m['begin']}{TABLES[m['name']]()}{m['end']}", text))


if __name__ == "__main__":
    main()
