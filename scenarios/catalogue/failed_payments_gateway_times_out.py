"""The payment gateway doesn't answer in time, so that payments are slow until they fail."""

from scenarios.conditions import PAYING, Service, steady
from scenarios.faults.gateway_answers import GatewayAnswers
from scenarios.model import Drill

DRILL = Drill(
    alert="FailedPayments",
    cause="gateway-times-out",
    load=steady(per_second=4, journey=PAYING),
    service=Service(own_gateway=True),
    fault=GatewayAnswers(behaviour="timeout"),
    may_fire={"HighErrorRate", "SlowResponseTime", "EndpointSlow"},
)
