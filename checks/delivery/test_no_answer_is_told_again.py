"""A receiver that takes a page and never answers is told again, under the same key."""

import pytest

from scenarios.delivery.claims import told_again, told_at_least_once
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import DOWN, TELLS_CRITICAL
from scenarios.verdict import Judging
from stack.receivers import PAGERDUTY

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("accepts_and_never_answers")
def test_no_answer_is_told_again(seen: Evidence, judge: Judging) -> None:
    judge(told_again(seen, DOWN.name, PAGERDUTY))
    judge(told_at_least_once(seen, DOWN.name, TELLS_CRITICAL, keyed=PAGERDUTY))
