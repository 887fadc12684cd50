"""The record of a request is found in Elasticsearch in time."""

import pytest

from scenarios.deployment.log_arrival import Arrival, arrival, judge_arrival
from scenarios.deployment.needs import ELASTICSEARCH, TARGET
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(TARGET)
@pytest.mark.needs(ELASTICSEARCH)
@pytest.mark.observes(what=arrival)
def test_logs_arrive(observed: Arrival | Missing, judge: Judging) -> None:
    judge(judge_arrival(observed))
