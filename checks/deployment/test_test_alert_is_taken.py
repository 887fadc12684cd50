"""Every provider takes the test alert; only where one was asked for."""

import pytest

from scenarios.deployment.needs import ALERTMANAGER, PAGE_TEST
from scenarios.deployment.page_test import Told, judge_page, page
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(ALERTMANAGER)
@pytest.mark.needs(PAGE_TEST)
@pytest.mark.observes(what=page)
def test_test_alert_is_taken(observed: Told | Missing, judge: Judging) -> None:
    judge(judge_page(observed))
