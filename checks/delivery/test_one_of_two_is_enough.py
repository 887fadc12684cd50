"""Of a cluster of two one dies: nothing is lost, and nothing is sent twice."""

import pytest

from scenarios.delivery.claims import told_once
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import DOWN, MEMORY, TELLS_CRITICAL
from scenarios.verdict import Judging

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("one_of_two_dies")
def test_one_of_two_is_enough(seen: Evidence, judge: Judging) -> None:
    for alert in (DOWN, MEMORY):
        judge(told_once(seen, alert.name, TELLS_CRITICAL))
        judge(told_once(seen, alert.name, TELLS_CRITICAL, "resolved"))
