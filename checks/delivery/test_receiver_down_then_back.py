"""A receiver that refused connections is told late, and once; the other channel before."""

import pytest

from scenarios.delivery.claims import told_late, told_once
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import ERRORS, TELLS_HIGH
from scenarios.verdict import Judging
from stack.receivers import EMAIL_ON_CALL, SLACK_ALERTS

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("receiver_down_then_back")
def test_receiver_down_then_back(seen: Evidence, judge: Judging) -> None:
    judge(told_late(seen, ERRORS.name, SLACK_ALERTS, {EMAIL_ON_CALL}))
    judge(told_once(seen, ERRORS.name, TELLS_HIGH))
