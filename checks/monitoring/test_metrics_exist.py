"""Every metric that a rule reads is exported by something that this run scraped."""

import pytest

from scenarios.result import Result
from stack import promql
from stack.production import production_files
from stack.recorded import reads
from stack.rules import AlertRule, load_rules

RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")
RECORDED = {rule.name for rule in RULES.recordings}
OWN_TO_PROMETHEUS = {"ALERTS", "ALERTS_FOR_STATE"}


@pytest.mark.parametrize("rule", RULES.alerts, ids=lambda rule: rule.name)
def test_a_rule_reads_only_metrics_that_are_there(result: Result, rule: AlertRule) -> None:
    wanted = reads(promql.parse(rule.inlined)) - RECORDED - OWN_TO_PROMETHEUS
    missing = sorted(wanted - result.metric_names)
    assert not missing, (
        f"{rule.name} reads {', '.join(missing)}, which nothing exports that this run scraped; "
        "look at /api/metrics/prometheus of the service, or mend the expression"
    )
