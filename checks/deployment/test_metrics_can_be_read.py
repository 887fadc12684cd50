"""What the service exposes is in the format that Prometheus reads."""

import pytest

from scenarios.deployment.exposition import Exposition, expositions, judge_format
from scenarios.deployment.needs import TARGET
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(TARGET)
@pytest.mark.observes(what=expositions)
def test_metrics_can_be_read(observed: tuple[Exposition, ...] | Missing, judge: Judging) -> None:
    judge(judge_format(observed))
