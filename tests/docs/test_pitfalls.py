"""Each pitfall names the tests that guard it, and those tests are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PITFALLS = (ROOT / "docs" / "pitfalls.md").read_text()
ENTRY = re.compile(r"^## (PF-\d{3}) (?P<title>.+)\n(?P<text>(?:(?!^## ).*\n?)*)", re.MULTILINE)
ENTRIES = {match[1]: match["text"] for match in ENTRY.finditer(PITFALLS)}
GUARD = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CASE = re.compile(r"`(stack/unit/\w+\.yml)` \*([^*]+)\*")
"""A case of a rule's unit tests, which run in virtual time."""
PARTS = ("**Symptom.**", "**Cause.**", "**Right.**", "**Guarded by**")


def claims_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_four_that_were_asked_for_are_there() -> None:
    assert {"PF-017", "PF-018", "PF-019", "PF-020"} <= ENTRIES.keys()


def test_numbers_are_in_order_and_used_once() -> None:
    numbers = re.findall(r"^## (PF-\d{3})", PITFALLS, re.MULTILINE)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("number", ENTRIES)
def test_a_pitfall_has_its_four_parts_in_order(number: str) -> None:
    places = [ENTRIES[number].find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("number", ENTRIES)
def test_the_tests_that_guard_a_pitfall_exist(number: str) -> None:
    guards = GUARD.findall(ENTRIES[number].partition("**Guarded by**")[2])
    assert guards, f"{number} names no test"
    for path, name in guards:
        assert name in claims_of(path), f"{path} has no {name}"
    for path, name in CASE.findall(ENTRIES[number]):
        assert f"- name: {name}\n" in (ROOT / path).read_text(), f"{path} has no case {name}"
