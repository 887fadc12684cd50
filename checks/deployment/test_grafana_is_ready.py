"""Grafana says that it is ready."""

import pytest

from scenarios.deployment.needs import GRAFANA
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.deployment.watchers import Readiness, grafana_ready, judge_ready
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(GRAFANA)
@pytest.mark.observes(what=grafana_ready)
def test_grafana_is_ready(observed: Readiness | Missing, judge: Judging) -> None:
    judge(judge_ready("Grafana", observed))
