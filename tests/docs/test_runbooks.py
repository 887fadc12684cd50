"""Every alert has a runbook that a person can follow, and whose queries work."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser
import pytest

from stack.production import production_files
from stack.rules import load_rules

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "How to drill it")
RULES = {
    rule.name: rule
    for rule in load_rules(production_files().rules.read_text(), "alert-rules.yml").alerts
}
METRIC = re.compile(r"\b(?:softfactory_[a-z_]+|up)\b(?=[{\[])")


def queries(runbook: Path) -> list[str]:
    return re.findall(r"```promql\n(.*?)```", runbook.read_text(), flags=re.DOTALL)


def test_the_runbooks_are_those_of_the_rules() -> None:
    assert {path.stem for path in RUNBOOKS} == RULES.keys()


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_every_section_and_says_how_to_drill_it(runbook: Path) -> None:
    text = runbook.read_text()
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert tuple(headings) == SECTIONS
    assert f"pytest checks/ -k {runbook.stem}" in text
    assert RULES[runbook.stem].labels["severity"] in text


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_every_query_of_a_runbook_parses_and_names_metrics_that_the_service_exports(
    runbook: Path, exposition: str
) -> None:
    assert queries(runbook)
    exported = set(re.findall(r"^([a-z_]+)", exposition, flags=re.MULTILINE)) | {"up"}
    for query in queries(runbook):
        promql_parser.parse(query)
        assert METRIC.findall(query), query
        assert not set(METRIC.findall(query)) - exported, query


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> str:
    from instrumentation.demo import create_app  # the service itself says what it exports

    folder = tmp_path_factory.mktemp("service")
    (folder / "key").write_text("sk_test_unused")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{folder}/softfactory.db")
        patch.setenv("STRIPE_API_KEY_FILE", str(folder / "key"))
        patch.setenv("INSTRUMENT_LOG_FILE", str(folder / "app.log"))
        patch.setenv("BACKUP_DIR", str(folder / "backups"))
        client = create_app().test_client()
    return str(client.get("/api/metrics/prometheus").get_data(as_text=True))
