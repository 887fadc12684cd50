"""The game day's commands, in its guide and in every runbook, are real and name what there is."""

from __future__ import annotations

import random
import re
import shlex
from pathlib import Path

import pytest

from scenarios.catalogue import drills
from scenarios.gameday.day import LEASE_SECONDS
from scenarios.gameday.deployment import borne
from scenarios.gameday.exits import Exit
from scenarios.gameday.marks import snippet
from scenarios.gameday.options import EPILOG, HOLD_SECONDS, Options, parse
from scenarios.gameday.programme import choose, planned
from scenarios.gameday.response import HELP
from scenarios.gameday.runbook import DIAGNOSIS, DRILL, MITIGATION, RUNBOOKS, commands, section
from scenarios.gameday.stop import (
    DELAY_TOLERANCE,
    ERROR_TOLERANCE_RATIO,
    LEAST_P95_SECONDS,
    STOP_SECONDS,
    WINDOW_SECONDS,
)
from scenarios.settings import Settings

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "GAMEDAY.md"
PAGES = sorted(RUNBOOKS.glob("*.md"))
CATALOGUE = drills()
GAMEDAY, CHECKS = "nox -s gameday -- ", "pytest checks/ -k "


def parsed(command: str) -> Options:
    return parse(shlex.split(command.removeprefix(GAMEDAY)))


def drilled(options: Options):
    return choose(options, CATALOGUE, lacking=lambda drill: "", chance=random.Random(1))


@pytest.mark.parametrize("command", commands(GUIDE.read_text()))
def test_every_command_of_the_guide_can_be_planned(command: str) -> None:
    assert command.startswith(GAMEDAY)
    options = parsed(command)
    settings = Settings(time_scale=options.time_scale, hold_seconds=options.hold_seconds)
    chosen = drilled(options)
    if options.deployment:
        chosen = borne(chosen, options.deployment)
    assert planned(settings, chosen)


def test_the_configuration_that_marks_alerts_is_the_one_that_is_asked_for() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), flags=re.M | re.S)
    assert shown == snippet(service="softfactory", run="gd-friday")


def test_every_option_of_the_guide_exists_and_every_stop_condition_is_in_it() -> None:
    text = GUIDE.read_text()
    known = set(re.findall(r"--[a-z0-9-]+", help_text()))
    assert set(re.findall(r"`(?:nox -s gameday -- )?(--[a-z0-9-]+)", text)) <= known
    assert {one for one in known if one.startswith("--stop-")} <= set(
        re.findall(r"--[a-z0-9-]+", text)
    )


def help_text() -> str:
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        parse(["--help"])
    return out.getvalue()


def test_the_guide_documents_every_exit_status_as_the_help_does() -> None:
    documented = {int(one) for one in re.findall(r"^\| (\d) \| ", GUIDE.read_text(), re.M)}
    assert documented == {status.value for status in Exit}
    assert all(f"  {status.value}  " in EPILOG for status in Exit)


def test_the_guide_explains_every_word_that_a_responder_may_type() -> None:
    words = {line.split()[0] for line in HELP.splitlines()} - {"anything"}
    assert words <= set(re.findall(r"^\| `(\w+)", GUIDE.read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_s_drill_section_names_a_scenario_in_which_its_alert_may_fire(page: Path) -> None:
    given = commands(section(page.read_text(), DRILL))
    held = [one for one in given if one.startswith(GAMEDAY)]
    assert held
    for command in held:
        for drill in drilled(parsed(command)):
            assert page.stem in drill.declared


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_s_drill_section_holds_commands_of_this_project_alone(page: Path) -> None:
    for command in commands(section(page.read_text(), DRILL)):
        assert command.startswith((GAMEDAY, CHECKS)), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_has_the_steps_that_a_responder_asks_for(page: Path) -> None:
    assert section(page.read_text(), DIAGNOSIS)
    assert section(page.read_text(), MITIGATION)


def test_a_command_that_names_no_scenario_is_found() -> None:
    with pytest.raises(ValueError, match="no scenario is named 'SlowResponse'"):
        drilled(parsed(GAMEDAY + "--scenario SlowResponse"))


def test_the_guide_s_figures_are_those_of_the_code() -> None:
    text = " ".join(GUIDE.read_text().split())
    figures = {
        "among the answers of the last 5 s": WINDOW_SECONDS == 5,
        "a quarter more than announced": ERROR_TOLERANCE_RATIO == 0.25,
        "twice the announced delay, 2 s at least": (DELAY_TOLERANCE, LEAST_P95_SECONDS) == (2, 2),
        "A stop ends every fault within a second": STOP_SECONDS == 1,
        "under a lease of three seconds": LEASE_SECONDS == 3,
        "three minutes at the most": HOLD_SECONDS == 180,
    }
    for words, agrees in figures.items():
        assert words in text
        assert agrees, words
