"""Ten instances that fail at once are one message that lists them all; the next waits."""

import pytest

from scenarios.delivery.claims import grouped, lists_all
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import ERRORS, INSTANCES
from scenarios.verdict import Judging

pytestmark = pytest.mark.of_the_files


@pytest.mark.trial("many_at_once")
def test_many_at_once_are_one_message(seen: Evidence, judge: Judging) -> None:
    judge(lists_all(seen, ERRORS.name, INSTANCES))
    judge(grouped(seen, ERRORS.name, "10.0.0.10:8000"))
