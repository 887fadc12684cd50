"""Over the whole run, no fault raised an alert that its scenario does not declare."""

from scenarios.attribution import attribution, declared_alone
from scenarios.result import Result
from scenarios.verdict import Judging


def test_every_alert_is_one_that_its_fault_may_raise(result: Result, judge: Judging) -> None:
    judge(declared_alone(attribution(result)))
