"""Elasticsearch says that it is ready."""

import pytest

from scenarios.deployment.needs import ELASTICSEARCH
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.deployment.watchers import Readiness, elasticsearch_ready, judge_ready
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(ELASTICSEARCH)
@pytest.mark.observes(what=elasticsearch_ready)
def test_elasticsearch_is_ready(observed: Readiness | Missing, judge: Judging) -> None:
    judge(judge_ready("Elasticsearch", observed))
