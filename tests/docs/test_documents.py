"""What the guides name is there: links, paths, nox sessions, options and variables."""

from __future__ import annotations

import argparse
import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks.__main__ import _DRILLS, _HOMES
from instrumentation.settings import InstrumentSettings, variable
from scenarios import command_init

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "MONITORING-INTEGRATION.md"
PRODUCTION = ROOT / "docs" / "instrumentation-in-production.md"
REFERENCE = ROOT / "docs" / "instrumentation-reference.md"
DELIVERY = ROOT / "docs" / "delivery.md"
SETUP = ROOT / "docs" / "MONITORING-SETUP.md"
LOGS = ROOT / "docs" / "logs.md"
TIME_SCALE = ROOT / "docs" / "time-scale.md"
CONTAINERS = ROOT / "docs" / "containers.md"
BASELINE = ROOT / "docs" / "baseline.md"
LOADTEST = ROOT / "docs" / "loadtest.md"
CHECKLIST = ROOT / "docs" / "checklist.md"
REPORT = ROOT / "docs" / "report.md"
GAMEDAY = ROOT / "docs" / "GAMEDAY.md"
GATE = ROOT / "docs" / "gate.md"
EXTERNAL = ROOT / "docs" / "external.md"
OWN_APP = ROOT / "docs" / "own-app.md"
DOCUMENTS = (
    *(GUIDE, PRODUCTION, REFERENCE, SETUP, DELIVERY),
    *(ROOT / "docs" / name for name in ("drills.md", "pitfalls.md")),
    TIME_SCALE,
    LOGS,
    CONTAINERS,
    *(BASELINE, LOADTEST, CHECKLIST),
    REPORT,
    GAMEDAY,
    GATE,
    EXTERNAL,
    OWN_APP,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "README.md")),
)
ROOMS = "instrumentation|stack|loadtests|scenarios|checks|tests|docs|benchmarks"
EXAMPLES = re.compile(r"QueueTooLong|queue_too_long|targets/shop|unit/NAME")
"""Names of files that the reader is about to write."""
MADE = ("stack/.env", "stack/compose/secrets/")
"""What `nox -s stack -- up` makes: in no clone, and never in one's history."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_of_this_repository_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text().replace("../alertproof/", "")
    named = set(re.findall(rf"(?<![\w./-])(?:{ROOMS})/[\w./-]*\w/?", text))
    assert [
        path
        for path in sorted(named - set(MADE))
        if not (EXAMPLES.search(path) or (ROOT / path).exists())
    ] == []


def test_what_the_compose_stack_makes_is_ignored_by_git() -> None:
    assert {f"/{path}" for path in MADE} <= set((ROOT / ".gitignore").read_text().splitlines())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_nox_session_that_a_document_names_exists(document: Path) -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    sessions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(re.findall(r"\bnox -s (\w+)", document.read_text())) <= sessions


def test_every_benchmark_that_contributing_names_exists_and_none_is_left_out() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text[text.index("| `nox -s bench --` |") :].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \|", table, re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == _HOMES.keys() | _DRILLS.keys()


def test_every_option_of_the_checklist_that_a_document_names_exists(
    pytestconfig: pytest.Config,
) -> None:
    of_servers = {PRODUCTION, SETUP, TIME_SCALE, DELIVERY, LOGS}  # whose options are others'
    of_servers |= {BASELINE, LOADTEST, CHECKLIST}  # and those of commands, which their tests read
    of_servers |= {GAMEDAY}
    of_servers |= {EXTERNAL}
    init = argparse.ArgumentParser()
    command_init.add_arguments(init)
    of_init = {option for action in init._actions for option in action.option_strings}
    for document in set(DOCUMENTS) - of_servers:
        for option in re.findall(r"`(?:pytest [^`]*)?(--[a-z-]+)", document.read_text()):
            if document != OWN_APP or option not in of_init:
                assert pytestconfig.getoption(option, default=pytest) is not pytest, option


def test_every_variable_that_a_document_names_is_a_setting_and_the_reference_has_all() -> None:
    known = {variable(one) for one in fields(InstrumentSettings)}
    for document in DOCUMENTS:
        assert set(re.findall(r"INSTRUMENT_\w*[A-Z]", document.read_text())) <= known, document
    assert set(re.findall(r"^\| `(INSTRUMENT_\w+)`", REFERENCE.read_text(), re.M)) == known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_heading_that_a_document_links_to_exists(document: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text()):
        linked = document.parent / target if target else document
        titles = re.findall(r"^#+ (.+)$", linked.read_text(), re.M)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert anchor in anchors, f"{target}#{anchor}"
