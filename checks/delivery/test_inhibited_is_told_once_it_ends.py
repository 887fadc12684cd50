"""An inhibited alert is quiet for that reason, and told once it has ended."""

import pytest

from scenarios.delivery.claims import inhibited_by
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import DOWN, ERRORS, TELLS_HIGH
from scenarios.verdict import Judging

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("inhibited")
def test_inhibited_is_told_once_it_ends(seen: Evidence, judge: Judging) -> None:
    judge(inhibited_by(seen, ERRORS.name, DOWN.name, TELLS_HIGH))
