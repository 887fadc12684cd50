"""Kibana says that it is ready."""

import pytest

from scenarios.deployment.needs import KIBANA
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.deployment.watchers import Readiness, judge_ready, kibana_ready
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(KIBANA)
@pytest.mark.observes(what=kibana_ready)
def test_kibana_is_ready(observed: Readiness | Missing, judge: Judging) -> None:
    judge(judge_ready("Kibana", observed))
