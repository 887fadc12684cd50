"""Errors first, until their alert is delivered; then the service is killed, which hushes it."""

from scenarios.conditions import steady
from scenarios.faults.error import Error
from scenarios.faults.kill import Kill
from scenarios.model import Drill, Precondition

DRILL = Drill(
    alert="SoftFactoryDown",
    cause="inhibits",
    after=Precondition(alert="HighErrorRate", fault=Error(share=0.8)),
    load=steady(per_second=4),
    fault=Kill(),
    hushes={"HighErrorRate"},
    may_fire={"BookingsStalled", "FailedPayments"},  # most of their few requests fail as well
)
