"""Every instance says that it may be sent requests."""

import pytest

from scenarios.deployment.endpoints import Probed, judge_endpoints, readiness
from scenarios.deployment.needs import TARGET
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(TARGET)
@pytest.mark.observes(what=readiness)
def test_service_is_ready(observed: tuple[Probed, ...] | Missing, judge: Judging) -> None:
    judge(judge_endpoints("the service is ready", observed))
