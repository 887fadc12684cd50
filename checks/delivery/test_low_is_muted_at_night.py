"""LOW is muted while the calendar says so, and told once it does not."""

import pytest

from scenarios.delivery.claims import muted_by
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import ERRORS, EXPIRING, TELLS_LOW
from scenarios.verdict import Judging

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("muted")
def test_low_is_muted_at_night(seen: Evidence, judge: Judging) -> None:
    judge(muted_by(seen, EXPIRING.name, "night", TELLS_LOW, told=ERRORS.name))
