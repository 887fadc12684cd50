"""The payment gateway refuses the service's key."""

from scenarios.conditions import PAYING, Service, steady
from scenarios.faults.gateway_answers import GatewayAnswers
from scenarios.model import Drill

DRILL = Drill(
    alert="FailedPayments",
    cause="key-refused",
    load=steady(per_second=4, journey=PAYING),
    service=Service(own_gateway=True),
    fault=GatewayAnswers(behaviour="refuse_key"),
    may_fire={"HighErrorRate"},
)
