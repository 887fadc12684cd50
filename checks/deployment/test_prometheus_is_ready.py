"""Prometheus says that it is ready."""

import pytest

from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.deployment.watchers import Readiness, judge_ready, prometheus_ready
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=prometheus_ready)
def test_prometheus_is_ready(observed: Readiness | Missing, judge: Judging) -> None:
    judge(judge_ready("Prometheus", observed))
