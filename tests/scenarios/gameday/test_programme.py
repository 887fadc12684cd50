"""Which scenarios are broken, how much of the traffic they hit, and what is refused by name."""

from __future__ import annotations

import random

import pytest

from scenarios.catalogue import drills
from scenarios.gameday.exits import UsageError
from scenarios.gameday.options import Options, parse
from scenarios.gameday.programme import announced_share, choose, limitable, planned
from scenarios.model import MAIN
from scenarios.settings import Settings

CATALOGUE = drills()


def chosen(*names, lacking=lambda drill: "", soon=lambda drill: True, seed=1, **options):
    asked = Options(scenarios=names, **options)
    return choose(asked, CATALOGUE, lacking=lacking, chance=random.Random(seed), soon=soon)


def test_scenarios_are_taken_in_the_order_in_which_they_are_named() -> None:
    names = ("SlowResponseTime", "HighErrorRate")
    assert tuple(drill.id for drill in chosen(*names)) == names


def test_an_unknown_name_lists_those_that_are_known() -> None:
    with pytest.raises(UsageError) as error:
        chosen("SlowResponseTimes")
    assert "did you mean SlowResponseTime" in str(error.value)
    assert all(drill.id in str(error.value) for drill in CATALOGUE)


def test_an_alert_with_several_scenarios_lists_them() -> None:
    with pytest.raises(UsageError, match="SoftFactoryDown-killed"):
        chosen("SoftFactoryDown")


def test_what_this_machine_lacks_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="SlowResponseTime can't be drilled here: no legs"):
        chosen("SlowResponseTime", lacking=lambda drill: "no legs")


def test_a_share_limits_the_fault_and_never_makes_it_larger() -> None:
    (less,) = chosen("HighErrorRate", share=0.2)
    assert announced_share(less.fault) == 0.2
    assert "20% of requests" in less.fault.text
    (same,) = chosen("SlowResponseTime", share=0.9)
    assert announced_share(same.fault) < 0.9


def test_a_fault_that_hits_everything_is_refused_where_less_is_asked_for() -> None:
    assert not limitable(chosen("SoftFactoryDown-killed")[0].fault)
    with pytest.raises(UsageError, match="can't be limited to 20% of the requests"):
        chosen("SoftFactoryDown-killed", share=0.2)


def test_a_share_below_the_rule_s_threshold_is_refused_with_the_threshold() -> None:
    with pytest.raises(UsageError, match="never crosses the threshold"):
        planned(Settings(), chosen("SlowResponseTime", share=0.01))


def test_with_a_facilitator_names_tell_nothing_and_the_order_is_chance_s() -> None:
    names = [drill.id for drill in CATALOGUE if drill.fires][:8]
    drilled = chosen(*names, facilitator=True)
    assert [one.id for one in drilled] == [f"incident-{number}" for number in range(1, 9)]
    assert all(one.label == one.id or one.subject for one in drilled)
    assert sorted(one.name for one in drilled) == sorted(names)
    assert [one.name for one in drilled] != names


def test_with_a_facilitator_and_no_name_something_that_fires_is_chosen() -> None:
    found = {chosen(facilitator=True, seed=seed)[0].name for seed in range(40)}
    known = {drill.id: drill for drill in CATALOGUE}
    assert len(found) > 5
    assert all(known[name].fires and not known[name].requires for name in found)


def test_what_chance_chooses_comes_soon_unless_nothing_does() -> None:
    wanted = {"SlowResponseTime", "HighErrorRate"}
    soon = {
        chosen(facilitator=True, seed=seed, soon=lambda drill: drill.id in wanted)[0].name
        for seed in range(20)
    }
    assert soon == wanted
    assert chosen(facilitator=True, soon=lambda drill: False)


def test_a_facilitated_hold_fits_every_scenario_that_chance_may_choose() -> None:
    options = parse(["--facilitator"])
    settings = Settings(time_scale=options.time_scale, hold_seconds=options.hold_seconds)
    by_alert = {drill.alert: drill for drill in CATALOGUE if drill.fires and drill.stack == MAIN}
    for drill in by_alert.values():
        if not drill.subject:
            assert planned(settings, [drill])


def test_a_hold_in_which_receivers_would_be_told_again_is_refused() -> None:
    drills_ = chosen("SlowResponseTime")
    planned(Settings(hold_seconds=200.0), drills_)
    with pytest.raises(UsageError, match="told again after 240 s"):
        planned(Settings(hold_seconds=240.0), drills_)
    planned(Settings(hold_seconds=240.0, time_scale=10.0), drills_)


def test_plans_are_those_of_drills_on_stacks_of_their_own_too() -> None:
    drills_ = chosen("Watchdog-prometheus", "SuccessBudgetBurnFast", "SlowResponseTime")
    assert list(planned(Settings(), drills_)) == [one.id for one in drills_]
