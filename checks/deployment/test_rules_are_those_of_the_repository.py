"""Prometheus runs the rules that the repository has, by their meaning."""

import pytest

from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.rules import judge_loaded, loaded_rules
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE
from scenarios.verdict import Judging
from stack.clients.deployed_prometheus import LoadedGroup
from stack.rules import RuleSet


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=loaded_rules)
def test_rules_are_those_of_the_repository(
    observed: tuple[LoadedGroup, ...] | Missing, wanted_rules: RuleSet, judge: Judging
) -> None:
    judge(judge_loaded(observed, wanted_rules))
