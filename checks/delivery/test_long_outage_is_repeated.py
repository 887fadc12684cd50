"""A long outage is told once within the repeat interval, as it is deduplicated, and once after."""

import pytest

from scenarios.delivery.claims import deduplicated, told_again_after
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import DOWN, TELLS_CRITICAL
from scenarios.verdict import Judging

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("long_outage")
def test_long_outage_is_repeated(seen: Evidence, judge: Judging) -> None:
    judge(told_again_after(seen, DOWN.name, TELLS_CRITICAL))
    judge(deduplicated(seen, DOWN.name))
