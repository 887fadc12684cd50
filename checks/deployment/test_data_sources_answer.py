"""What Grafana's panels ask answers Grafana: each data source of the repository, by its uid."""

import pytest

from scenarios.deployment.data_sources import (
    AskedSource,
    asked_sources,
    judge_sources,
    wanted_sources,
)
from scenarios.deployment.needs import GRAFANA
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(GRAFANA)
@pytest.mark.observes(what=asked_sources)
def test_data_sources_answer(
    observed: tuple[AskedSource, ...] | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_sources(observed, wanted_sources(deployment)))
