"""The monitoring endpoints of every instance answer 200."""

import pytest

from scenarios.deployment.endpoints import Probed, judge_endpoints, liveness
from scenarios.deployment.needs import TARGET
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(TARGET)
@pytest.mark.observes(what=liveness)
def test_service_is_alive(observed: tuple[Probed, ...] | Missing, judge: Judging) -> None:
    judge(judge_endpoints("the service answers", observed))
