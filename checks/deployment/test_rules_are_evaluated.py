"""Every rule that Prometheus has was evaluated, and without an error."""

import pytest

from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.rules import judge_evaluated, loaded_rules
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE
from scenarios.verdict import Judging
from stack.clients.deployed_prometheus import LoadedGroup


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=loaded_rules)
def test_rules_are_evaluated(observed: tuple[LoadedGroup, ...] | Missing, judge: Judging) -> None:
    judge(judge_evaluated(observed))
