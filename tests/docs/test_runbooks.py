"""Every alert has a runbook that a person can follow: its parts, queries, commands and links."""

import re
import shlex
from pathlib import Path

import promql_parser
import pytest
import trustme
from prometheus_client import CollectorRegistry, generate_latest

from stack.logs.shipping.metrics import ShipperMetrics
from stack.logs.shipping.tally import Tally
from stack.production import production_files
from stack.rules import load_rules

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(RUNBOOKS.glob("*.md"))
RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "How to drill it"]
OF_THE_WATCHERS = {  # Prometheus' own series, and what it and Alertmanager export
    *("up", "ALERTS", "process_cpu_seconds_total"),
    *("scrape_duration_seconds", "scrape_timeout_seconds", "scrape_sample_limit"),
    *("scrape_samples_scraped", "scrape_samples_post_metric_relabeling"),
    "prometheus_config_last_reload_successful",
    "prometheus_config_last_reload_success_timestamp_seconds",
    "prometheus_rule_evaluations_total",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_interval_seconds",
    "prometheus_rule_group_iterations_missed_total",
    "prometheus_rule_group_last_duration_seconds",
    "prometheus_tsdb_head_series",
    "alertmanager_config_last_reload_successful",
    "alertmanager_notifications_total",
    "alertmanager_notifications_failed_total",
}
RECORDED = {rule.name for rule in RULES.recordings}
OF_NO_SERVICE = {  # what SoftFactoryDown can't inhibit: their `service` is a watcher
    *("Watchdog", "AlertDeliveryFailing", "ConfigReloadFailed"),
    *("RuleEvaluationFailing", "RuleEvaluationSlow"),
}
COMMANDS = {  # what a block may start a command with
    *("amtool", "cat", "curl", "df", "du", "jq", "journalctl", "ls", "openssl", "promtool", "ps"),
    *("nox", "psql", "pytest", "python", "sqlite3", "ss", "systemctl", "tail", "timedatectl"),
}

PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.M | re.S)


def metrics(node: object) -> set[str]:
    """Return the names of the metrics that a parsed expression reads."""
    found: set[str] = set()
    if isinstance(node, promql_parser.VectorSelector) and node.name:
        found.add(node.name)
    children = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    for child in [*children, *getattr(node, "args", ())]:
        if child is not None:
            found |= metrics(child)
    return found


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> set[str]:
    """The names of all samples that the service really exports, with everything switched on."""
    folder = tmp_path_factory.mktemp("service")
    secret, certificate = folder / "fault_secret", folder / "shop.pem"
    secret.write_bytes(b"s" * 32)
    secret.chmod(0o600)
    trustme.CA().issue_cert("shop.example").cert_chain_pems[0].write_to_path(certificate)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DATABASE_URL", f"sqlite:///{folder}/softfactory.sqlite3")
        patch.setenv("INSTRUMENT_LOG_FILE", str(folder / "app.log"))
        patch.setenv("INSTRUMENT_FAULT_SECRET_FILE", str(secret))
        patch.setenv("INSTRUMENT_CERTIFICATE_FILES", str(certificate))
        from instrumentation.demo import create_app
        from instrumentation.extension import EXTENSION

        app = create_app()
        app.extensions[EXTENSION].served_by(4)
        client = app.test_client()
        client.get("/api/users")
        text = client.get("/api/metrics/prometheus").get_data(as_text=True)
    registry = CollectorRegistry()
    registry.register(ShipperMetrics(Tally(), folder / "app.log"))
    text += generate_latest(registry).decode()
    return set(re.findall(r"^(\w+)(?:\{| )", text, flags=re.M))


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    assert [page.stem for page in PAGES] == sorted(rule.name for rule in RULES.alerts)


@PAGE
def test_a_runbook_has_its_sections_in_order(page):
    assert re.findall(r"^## (.+)$", page.read_text(), flags=re.M) == SECTIONS
    assert page.read_text().startswith(f"# {page.stem}\n")


@PAGE
def test_a_runbook_states_the_severity_of_its_alert(page):
    severity = RULES.alert(page.stem).labels["severity"]
    assert page.read_text().splitlines()[2].startswith(f"{severity}: ")


@PAGE
def test_a_diagnosis_has_queries_and_commands(page):
    assert len(blocks(page, "promql")) >= 2
    assert len(blocks(page, "console")) >= 2


@PAGE
def test_every_query_parses_and_reads_metrics_that_exist(page, exported):
    for query in blocks(page, "promql"):
        read = metrics(promql_parser.parse(query))
        assert read, query
        assert not read - exported - OF_THE_WATCHERS - RECORDED, query


@PAGE
def test_every_metric_named_in_the_text_exists(page, exported):
    named = set(re.findall(r"\bsoftfactory_\w+", page.read_text()))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported}
    assert not named - exported - families


@PAGE
def test_every_command_is_one_a_person_can_paste(page):
    for block in blocks(page, "console"):
        for line in block.splitlines():
            assert line.startswith("$ "), line
            words = shlex.split(line.removeprefix("$ "))
            assert words[0] in COMMANDS, line


@PAGE
def test_the_drill_command_selects_this_alert(page):
    assert f"$ pytest checks/ -k {page.stem}\n" in page.read_text()


@PAGE
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        linked = page.parent / name
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked), target


@PAGE
def test_every_runbook_leads_to_what_softfactorydown_swallows(page):
    if page.stem == "SoftFactoryDown":
        assert "never sends its\n   resolution" in page.read_text()
    elif page.stem not in OF_NO_SERVICE:
        assert "SoftFactoryDown.md#mitigation" in page.read_text()


@PAGE
def test_no_other_language_hides_a_block_from_these_tests(page):
    assert set(re.findall(r"^```(\w+)$", page.read_text(), flags=re.M)) <= {"promql", "console"}
