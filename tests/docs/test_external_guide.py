"""The guide to external engines names flags, options and drills that are there, and no others."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from scenarios.capabilities import OF_THE_STACK
from scenarios.catalogue import drills
from scenarios.external import read_external
from scenarios.model import MAIN
from scenarios.settings import Settings
from scenarios.watching import as_seen
from stack.clients.server import Server
from stack.external import External, commands
from stack.external.command import _parser
from stack.external.commands import Listening
from stack.external.engine import SAMPLE_LIMIT_SERIES, VICTORIAMETRICS
from stack.production import production_files
from stack.rules import load_rules
from stack.settings import given_by, variable
from stack.windows import groups_within
from stack.yamlfile import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "external.md").read_text()
AT = Listening(prometheus="127.0.0.1:1", rules="127.0.0.1:2", alertmanager="127.0.0.1:3")
FOLDER = Path("/folder")
URL = "http://127.0.0.1:1"


def test_every_flag_of_the_table_is_given_to_the_program_that_it_is_listed_under() -> None:
    derived = commands.scaled(20)
    given = {
        "victoria-metrics": commands.victoriametrics(AT, FOLDER, FOLDER, derived),
        "vmalert": commands.vmalert(AT, FOLDER, derived),
        "prometheus": commands.prometheus(AT, FOLDER, FOLDER, derived),
    }
    table = TEXT[TEXT.index("| program | flag |") :].partition("\n\n")[0]
    program, listed = "", 0
    for row in table.splitlines()[2:]:
        first, flags = (cell.strip() for cell in row.split("|")[1:3])
        program = first.strip("`") or program
        for flag in re.findall(r"`(-[^`]+)`", flags):
            name, _, value = flag.partition("=")
            values = [one.partition("=")[2] for one in given[program] if one.startswith(name)]
            assert values, flag
            assert value in ("", *values), flag
            listed += 1
    assert listed == 13


def test_every_command_of_the_guide_is_understood() -> None:
    text = TEXT.replace("\\\n", "")
    said = re.findall(r"python -m stack\.external (\w+[^\n`|#]*)", text)
    assert {shlex.split(one)[0] for one in said} == {"init", "show", "up", "drill"}
    for one in said:
        _parser().parse_args(shlex.split(one))


def test_every_option_of_the_checklist_is_one(pytestconfig: pytest.Config) -> None:
    options = set(
        re.findall(r"(--[a-z-]+-(?:url|file)|--external-folder|--visible-after|--stack)", TEXT)
    )
    assert len(options) == 10
    for option in options:
        assert pytestconfig.getoption(option, default="none") != "none", option


def test_the_environment_s_names_are_those_that_are_read() -> None:
    named = set(re.findall(r"ALERTPROOF_\w+", TEXT))
    assert named == {
        variable(option)
        for option in ("--prometheus-url", "--rules-url", "--alertmanager-url", "--external-folder")
    }
    assert read_external(given_by({}, dict.fromkeys(named, URL))).rules.url == URL


def test_the_line_that_refuses_a_scale_is_the_one_that_is_said() -> None:
    rules = load_rules(production_files().rules.read_text())
    production = rules.only(groups_within(rules, timedelta(hours=2)))
    late = External(
        prometheus=Server(url=URL),
        rules=Server(url=URL),
        alertmanager=Server(url=URL),
        visible_after=VICTORIAMETRICS.visible_after,
    )
    derived = replace(commands.scaled(100), production_rules=production)
    with pytest.raises(ConfigurationError) as refused:
        as_seen(derived, Settings(external=late))
    assert f"\n{refused.value}\n" in TEXT


def test_how_late_is_what_the_code_takes_and_nox_drills_at_the_scale_that_is_told() -> None:
    assert f"hidden\nfor {VICTORIAMETRICS.visible_after.total_seconds():g} s" in TEXT
    (scale,) = re.findall(r"`nox -s external` drills at (\d+)", TEXT)
    assert f"--time-scale={scale}" in (ROOT / "noxfile.py").read_text()


def test_the_table_of_what_does_not_apply_is_complete() -> None:
    table = TEXT[TEXT.index("| capability |") :].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.M)) == set(OF_THE_STACK)
    needing = {drill.alert for drill in drills() if SAMPLE_LIMIT_SERIES in drill.requires}
    assert needing == {"ScrapeNearSampleLimit"}
    assert any(drill.watched_by != MAIN for drill in drills())
