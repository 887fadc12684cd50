"""kill -9 loses the log of what was told: nothing is lost, and what is sent twice has one key."""

import pytest

from scenarios.delivery.claims import told_again, told_at_least_once
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import DOWN, MEMORY, TELLS_CRITICAL
from scenarios.verdict import Judging
from stack.receivers import PAGERDUTY

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("killed")
def test_kill_loses_nothing(seen: Evidence, judge: Judging) -> None:
    judge(told_again(seen, DOWN.name, PAGERDUTY))
    for alert in (DOWN, MEMORY):
        judge(told_at_least_once(seen, alert.name, TELLS_CRITICAL, keyed=PAGERDUTY))
