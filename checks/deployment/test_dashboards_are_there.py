"""Grafana opens the dashboards that the repository has, with the same panels and queries."""

import pytest

from scenarios.deployment.dashboards import OpenedDashboard, judge_dashboards, opened_dashboards
from scenarios.deployment.needs import GRAFANA
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging
from stack.grafana.shown import load_shown


@pytest.mark.stage(AFTER)
@pytest.mark.needs(GRAFANA)
@pytest.mark.observes(what=opened_dashboards)
def test_dashboards_are_there(
    observed: tuple[OpenedDashboard, ...] | Missing, judge: Judging
) -> None:
    judge(judge_dashboards(observed, load_shown()))
