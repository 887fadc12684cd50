"""A person says that the test alert came; only where they shall be asked."""

import pytest

from scenarios.deployment.needs import ALERTMANAGER, CONFIRM
from scenarios.deployment.page_test import Told, judge_confirmed, page
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.needs(ALERTMANAGER)
@pytest.mark.needs(CONFIRM)
@pytest.mark.observes(what=page)
def test_test_alert_is_seen(
    observed: Told | Missing, confirmed: bool | None, judge: Judging
) -> None:
    judge(judge_confirmed(confirmed, observed))
