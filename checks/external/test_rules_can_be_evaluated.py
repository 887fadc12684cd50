"""No rule of a stack that somebody else runs fails when it is evaluated."""

from scenarios.external_claims import rules_evaluated
from scenarios.verdict import Judging
from stack.clients.prometheus import PrometheusClient


def test_no_rule_fails_when_it_is_evaluated(prometheus: PrometheusClient, judge: Judging) -> None:
    judge(rules_evaluated(prometheus.rules().rules))
