"""Every metric that a rule reads is exported by something that this run scraped."""

import pytest
from _pytest.mark import ParameterSet

from scenarios.capabilities import OWN_WATCHERS
from scenarios.result import Result
from stack import promql
from stack.external.engine import SAMPLE_LIMIT_SERIES
from stack.production import production_files
from stack.recorded import reads
from stack.rules import AlertRule, load_rules

pytestmark = pytest.mark.of_the_files

RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")
RECORDED = {rule.name for rule in RULES.recordings}
OWN_TO_PROMETHEUS = {"ALERTS", "ALERTS_FOR_STATE"}


OF_THE_SHIPPER = "log_shipper_"
OF_PROMETHEUS, SAMPLE_LIMIT = "prometheus_", "scrape_sample_limit"
"""What another engine than Prometheus tells under other names, or not at all."""


def _parameter(rule: AlertRule) -> ParameterSet:
    read = reads(promql.parse(rule.inlined))
    shipped = any(name.startswith(OF_THE_SHIPPER) for name in read)
    marks = [pytest.mark.requires("elasticsearch")] if shipped else []
    if any(name.startswith(OF_PROMETHEUS) for name in read):
        marks.append(pytest.mark.requires(OWN_WATCHERS))
    if SAMPLE_LIMIT in read:
        marks.append(pytest.mark.requires(SAMPLE_LIMIT_SERIES))
    return pytest.param(rule, id=rule.name, marks=marks)


@pytest.mark.parametrize("rule", [_parameter(rule) for rule in RULES.alerts])
def test_a_rule_reads_only_metrics_that_are_there(result: Result, rule: AlertRule) -> None:
    wanted = reads(promql.parse(rule.inlined)) - RECORDED - OWN_TO_PROMETHEUS
    missing = sorted(wanted - result.metric_names)
    assert not missing, (
        f"{rule.name} reads {', '.join(missing)}, which nothing exports that this run scraped; "
        "look at /api/metrics/prometheus of the service, or mend the expression"
    )
