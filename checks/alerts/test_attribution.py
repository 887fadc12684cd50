"""Over the whole run, no fault raised an alert that its scenario does not declare."""

from scenarios.attribution import attribution, undeclared
from scenarios.result import Result


def test_every_alert_is_one_that_its_fault_may_raise(result: Result) -> None:
    strangers = undeclared(attribution(result))
    assert not strangers, "no scenario declares these: " + "; ".join(strangers)
