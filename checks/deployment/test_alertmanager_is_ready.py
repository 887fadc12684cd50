"""Alertmanager says that it is ready."""

import pytest

from scenarios.deployment.needs import ALERTMANAGER
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.deployment.watchers import Readiness, alertmanager_ready, judge_ready
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(ALERTMANAGER)
@pytest.mark.observes(what=alertmanager_ready)
def test_alertmanager_is_ready(observed: Readiness | Missing, judge: Judging) -> None:
    judge(judge_ready("Alertmanager", observed))
