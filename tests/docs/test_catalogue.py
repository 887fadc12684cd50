"""The guides' tables say what the rules, the promise of receivers and the scenarios say."""

import re

import pytest

from scenarios.catalogue import drills
from tests.docs.catalogue import DOCUMENTS, RULES, TABLES, in_words, written
from tests.docs.reference import ROOT

WRITTEN = {name: text for document in DOCUMENTS for name, text in written(document).items()}


def test_every_table_is_there():
    assert WRITTEN.keys() == TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_files_say(name):
    assert WRITTEN[name] == TABLES[name](), "run: python -m tests.docs.catalogue"


@pytest.mark.parametrize("name", TABLES)
def test_no_template_is_left_for_a_person_to_read(name):
    assert "{{" not in WRITTEN[name]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "docs/MONITORING-INTEGRATION.md"])
def test_a_document_counts_the_alerts_and_the_drills_right(name):
    text = (ROOT / name).read_text()
    counted = re.findall(r"\b(\d+) (?:alert rules|alerts\b)", text)
    assert set(counted) == {str(len(RULES.alerts))}
    counted = re.findall(r"\b(\d+)\s+(?:drills|scenarios)\b", text)
    assert set(counted) <= {str(len(drills()))}
    quiet = re.findall(r"of which (\d+) stay", text)
    assert set(quiet) <= {str(sum(not drill.fires for drill in drills()))}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ $labels.service }} is down", "*service* is down"),
        ("{{ $value | humanizePercentage }} of {{ $labels.endpoint }}", "N% of *endpoint*"),
        ('{{ printf "%.0f" $value }} ms', "N ms"),
        (
            "{{ if gt $value 0.0 }}ends in {{ $value | humanizeDuration }}{{ else }}over{{ end }}",
            "ends in N or over",
        ),
    ],
)
def test_an_annotation_is_told_in_words(template, said):
    assert in_words(template) == said
