"""Kibana has the repository's data view and searches, and finds the logs in them."""

import pytest

from scenarios.deployment.discover import (
    HeldObject,
    discover_objects,
    held_objects,
    judge_discover,
)
from scenarios.deployment.needs import KIBANA
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(KIBANA)
@pytest.mark.observes(what=held_objects)
def test_discover_works(observed: tuple[HeldObject, ...] | Missing, judge: Judging) -> None:
    judge(judge_discover(observed, discover_objects()))
