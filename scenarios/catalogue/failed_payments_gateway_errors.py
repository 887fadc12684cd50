"""The payment gateway answers with server errors."""

from scenarios.conditions import PAYING, Service, steady
from scenarios.faults.gateway_answers import GatewayAnswers
from scenarios.model import Drill

DRILL = Drill(
    alert="FailedPayments",
    cause="gateway-errors",
    load=steady(per_second=4, journey=PAYING),
    service=Service(own_gateway=True),
    fault=GatewayAnswers(behaviour="error500"),
    may_fire={"HighErrorRate"},
)
