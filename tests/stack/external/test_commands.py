"""Whoever starts an engine is told every flag that a drill relies on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from stack.derive import DISCOVERY_TICK, LOOKBACK_SCRAPES
from stack.durations import parse_duration
from stack.external import commands
from stack.external.commands import Listening
from stack.external.engine import REMEMBERED_FILTERS, VICTORIAMETRICS
from stack.tools.victoriametrics import NEEDED_FLAGS

AT = Listening(prometheus="127.0.0.1:1", rules="127.0.0.1:2", alertmanager="127.0.0.1:3")
FOLDER, DATA = Path("/folder"), Path("/data")


def flags(arguments: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, _, value in (one.partition("=") for one in arguments)}


def test_delays_of_victoriametrics_are_off_and_the_rest_is_scaled() -> None:
    derived = commands.scaled(60)
    storage = flags(commands.victoriametrics(AT, FOLDER, DATA, derived))
    alerting = flags(commands.vmalert(AT, FOLDER, derived))
    assert storage["-search.latencyOffset"] == alerting["-rule.evalDelay"] == "0s"
    assert storage[f"-{REMEMBERED_FILTERS}"] == "1"
    assert alerting["-evaluationInterval"] == "250ms"
    assert alerting["-rule.resendDelay"] == "1s"
    assert parse_duration(alerting["-datasource.queryStep"]) == timedelta(minutes=5) / 60
    assert parse_duration(storage["-promscrape.fileSDCheckInterval"]) <= DISCOVERY_TICK / 2


@pytest.mark.parametrize("time_scale", [1.0, 20.0, 60.0, 100.0])
def test_a_query_looks_back_over_what_is_hidden_and_a_few_scrapes(time_scale: float) -> None:
    derived = commands.scaled(time_scale)
    step = parse_duration(flags(commands.vmalert(AT, FOLDER, derived))["-datasource.queryStep"])
    assert step >= VICTORIAMETRICS.visible_after + LOOKBACK_SCRAPES * derived.scrape_interval


def test_every_flag_that_is_given_and_not_old_is_asked_for_when_a_program_is_found() -> None:
    derived = commands.scaled(60)
    given = {
        "victoria-metrics": commands.victoriametrics(AT, FOLDER, DATA, derived),
        "vmalert": commands.vmalert(AT, FOLDER, derived),
    }
    for name, arguments in given.items():
        assert NEEDED_FLAGS[name] <= flags(arguments).keys()


@pytest.mark.parametrize("time_scale", [1.0, 30.0, 60.0])
def test_a_prometheus_gets_the_flags_of_an_embedded_one_and_may_be_told_to_read_again(
    time_scale: float,
) -> None:
    derived = commands.scaled(time_scale)
    arguments = commands.prometheus(AT, FOLDER, DATA, derived)
    assert set(derived.prometheus_flags) < set(arguments)
    assert "--web.enable-lifecycle" in arguments
    assert set(derived.alertmanager_flags) < set(commands.alertmanager(AT, FOLDER, DATA, derived))


def test_in_real_time_discovery_is_looked_at_within_its_bound() -> None:
    storage = flags(commands.victoriametrics(AT, FOLDER, DATA, commands.scaled(1)))
    assert parse_duration(storage["-promscrape.fileSDCheckInterval"]) == DISCOVERY_TICK / 2
