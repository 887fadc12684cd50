"""How long a drill is expected to take follows from its bounds, and from what comes up for it."""

from __future__ import annotations

from dataclasses import replace

from scenarios.conditions import Service
from scenarios.estimates import about_seconds, unseen_seconds
from scenarios.faults.burn_cpu import BurnCPU
from scenarios.headroom import LATER_SECONDS, UNSEEN_SECONDS
from scenarios.nodes import NODE_SECONDS
from tests.scenarios.test_disturbance import PLAN


def of(service: Service, *, fires: bool = True) -> float:
    return about_seconds(replace(PLAN, drill=replace(PLAN.drill, service=service, fires=fires)))


def test_a_drill_takes_its_bounds_and_a_twin_as_long_as_it_is_watched() -> None:
    bounds = PLAN.want.bounds
    assert of(Service()) == (bounds.arrives + bounds.resolution_arrives).total_seconds()
    assert of(Service(), fires=False) == bounds.watch.total_seconds()


def test_a_node_of_its_own_comes_up_before() -> None:
    own = Service(ships_logs=True, own_elasticsearch=True)
    assert of(own) - of(Service(ships_logs=True)) == NODE_SECONDS
    assert of(own, fires=False) - of(Service(), fires=False) == NODE_SECONDS


def test_what_a_fault_takes_of_the_processor_is_seen_later() -> None:
    burns = replace(PLAN.drill, service=Service(cpu_limit_cores=0.5), fault=BurnCPU(seconds=0.1))
    burning = replace(PLAN, drill=burns)
    assert (unseen_seconds(PLAN), unseen_seconds(burning)) == (UNSEEN_SECONDS, LATER_SECONDS)
