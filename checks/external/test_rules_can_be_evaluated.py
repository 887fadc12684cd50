"""No rule of a stack that somebody else runs fails when it is evaluated."""

from stack.clients.prometheus import PrometheusClient


def test_no_rule_fails_when_it_is_evaluated(prometheus: PrometheusClient) -> None:
    failing = [rule for rule in prometheus.rules().rules if rule.health == "err"]
    assert not failing, "expected every rule to be evaluated, observed: " + "; ".join(
        f"{rule.name}: {rule.last_error}" for rule in failing
    )
