"""Every metric that a rule reads is exported by something that this run scraped."""

import pytest
from _pytest.mark import ParameterSet

from scenarios.result import Result
from stack import promql
from stack.production import production_files
from stack.recorded import reads
from stack.rules import AlertRule, load_rules

pytestmark = pytest.mark.of_the_files

RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")
RECORDED = {rule.name for rule in RULES.recordings}
OWN_TO_PROMETHEUS = {"ALERTS", "ALERTS_FOR_STATE"}


OF_THE_SHIPPER = "log_shipper_"


def _parameter(rule: AlertRule) -> ParameterSet:
    shipped = any(name.startswith(OF_THE_SHIPPER) for name in reads(promql.parse(rule.inlined)))
    marks = [pytest.mark.requires("elasticsearch")] if shipped else []
    return pytest.param(rule, id=rule.name, marks=marks)


@pytest.mark.parametrize("rule", [_parameter(rule) for rule in RULES.alerts])
def test_a_rule_reads_only_metrics_that_are_there(result: Result, rule: AlertRule) -> None:
    wanted = reads(promql.parse(rule.inlined)) - RECORDED - OWN_TO_PROMETHEUS
    missing = sorted(wanted - result.metric_names)
    assert not missing, (
        f"{rule.name} reads {', '.join(missing)}, which nothing exports that this run scraped; "
        "look at /api/metrics/prometheus of the service, or mend the expression"
    )
