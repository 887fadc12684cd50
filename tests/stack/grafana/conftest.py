"""What the dashboards under test may ask for: series of the service, the rules and the watchers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from instrumentation.demo import create_app
from stack.grafana.dashboards import Dashboard, load_dashboards
from stack.logs.shipping.metrics import ShipperMetrics
from stack.logs.shipping.tally import Tally
from stack.production import production_files
from stack.rules import RuleSet, load_rules
from tests.docs.reference import REFERENCE, TABLE

Labels = Mapping[str, frozenset[str]]

ALERT = frozenset({"alertname", "alertstate", "severity", "category"})
OF_PROMETHEUS: Labels = {
    "ALERTS": ALERT,
    "up": frozenset(),
    "scrape_duration_seconds": frozenset(),
    "scrape_samples_post_metric_relabeling": frozenset(),
    "scrape_sample_limit": frozenset(),
    "scrape_timeout_seconds": frozenset(),
    "process_cpu_seconds_total": frozenset(),
    "process_resident_memory_bytes": frozenset(),
    "prometheus_config_last_reload_successful": frozenset(),
    "prometheus_notifications_dropped_total": frozenset(),
    "prometheus_notifications_errors_total": frozenset({"alertmanager"}),
    "prometheus_notifications_queue_capacity": frozenset(),
    "prometheus_notifications_queue_length": frozenset(),
    "prometheus_notifications_sent_total": frozenset({"alertmanager"}),
    "prometheus_rule_evaluation_failures_total": frozenset({"rule_group"}),
    "prometheus_rule_group_interval_seconds": frozenset({"rule_group"}),
    "prometheus_rule_group_iterations_missed_total": frozenset({"rule_group"}),
    "prometheus_rule_group_last_duration_seconds": frozenset({"rule_group"}),
    "prometheus_tsdb_head_series": frozenset(),
    "prometheus_tsdb_storage_blocks_bytes": frozenset(),
    "prometheus_tsdb_wal_storage_size_bytes": frozenset(),
}
OF_ALERTMANAGER: Labels = {
    "alertmanager_alerts": frozenset({"state"}),
    "alertmanager_config_last_reload_successful": frozenset(),
    "alertmanager_notification_latency_seconds_bucket": frozenset({"integration", "le"}),
    "alertmanager_notifications_failed_total": frozenset({"integration", "reason"}),
    "alertmanager_notifications_total": frozenset({"integration"}),
    "alertmanager_silences": frozenset({"state"}),
}


@pytest.fixture(scope="session")
def dashboards() -> tuple[Dashboard, ...]:
    return load_dashboards()


@pytest.fixture(scope="session")
def rules() -> RuleSet:
    path = production_files().rules
    return load_rules(path.read_text(encoding="utf-8"), path.name)


@pytest.fixture(scope="session")
def known(demo_page: str, rules: RuleSet, tmp_path_factory: pytest.TempPathFactory) -> Labels:
    """Every series that there may be, with its labels."""
    shipper = ShipperMetrics(Tally(), tmp_path_factory.mktemp("shipper") / "app.log")
    recorded = {
        rule.name: frozenset(rule.labels) | ({"slo"} if rule.constant is None else set())
        for rule in rules.recordings
    }
    return {
        **dict(_documented()),
        **dict(_exported(text_string_to_metric_families(demo_page))),
        **dict(_exported(shipper.collect())),
        **recorded,
        **OF_PROMETHEUS,
        **OF_ALERTMANAGER,
    }


@pytest.fixture(scope="session")
def demo_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the demo service answers to a scrape, after a request."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("STRIPE_API_KEY_FILE", "STRIPE_API_BASE", "BACKUP_STATUS_FILE"):
            patched.delenv(name, raising=False)
        patched.setenv("DATABASE_URL", f"sqlite:///{folder}/demo.sqlite3")
        patched.setenv("BACKUP_DIR", f"{folder}/backups")
        patched.setenv("INSTRUMENT_LOG_FILE", f"{folder}/app.log")
        app = create_app()
        client = app.test_client()
        client.get("/api/users", buffered=True)
        yield client.get("/api/metrics/prometheus", buffered=True).text
        app.extensions["instrumentation"].tasks.stop()


def _documented() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what the reference's table names, which a test compares with the code."""
    table = next(
        found["text"]
        for found in TABLE.finditer(REFERENCE.read_text(encoding="utf-8"))
        if found["name"] == "metrics"
    )
    for row in table.splitlines()[2:]:
        name, kind, labels, _ = (cell.strip() for cell in row.strip("| ").split(" | "))
        own = frozenset(label.strip("` ") for label in labels.split(",")) - {""}
        yield from _series(name.strip("`"), kind, own)


def _exported(families: Iterator[Metric]) -> Iterator[tuple[str, frozenset[str]]]:
    for family in families:
        own = frozenset(label for sample in family.samples for label in sample.labels) - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield from _series(name, family.type, own)


def _series(name: str, kind: str, own: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    if kind == "histogram":
        yield f"{name}_bucket", own | {"le"}
        yield f"{name}_sum", own
        yield f"{name}_count", own
    else:
        yield name, own


@pytest.fixture(scope="session")
def provisioning() -> Path:
    return Path(__file__).resolve().parents[3] / "stack" / "grafana" / "provisioning"
