import json

import pytest
from rich.console import Console

from benchmarks.report import Outcome, publish, table_of
from benchmarks.targets import Target, all_met


@pytest.fixture
def outcome():
    return Outcome(
        name="example",
        title="an example",
        columns=("contender", "added"),
        rows=(("ours", "12.5"), ("theirs", "25.0")),
        targets=(Target(what="ours / theirs", observed=0.5, limit=0.4),),
        notes=("a note",),
        figures={"added_us": {"ours": 12.5}},
    )


@pytest.fixture
def console():
    return Console(record=True, width=80, file=None)


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(what="x", observed=0.7, limit=0.7), True),
        (Target(what="x", observed=0.71, limit=0.7), False),
        (Target(what="x", observed=1.0, limit=1.0, at_least=True), True),
        (Target(what="x", observed=0.99, limit=1.0, at_least=True), False),
        (Target(what="x", observed=None, limit=1.0), False),
        (Target(what="x", observed=None, limit=1.0, at_least=True), False),
    ],
)
def test_a_target_is_met_at_its_limit_and_missed_beyond_it(target, met):
    assert target.met is met
    assert target.line().startswith("PASS" if met else "MISS")


def test_one_missed_target_is_enough():
    met = Target(what="x", observed=0.0, limit=1.0)
    assert all_met([met, met])
    assert not all_met([met, Target(what="y", observed=2.0, limit=1.0)])


def test_a_table_fits_a_screen(outcome, console):
    console.print(table_of(outcome))
    assert all(len(line) <= 80 for line in console.export_text().splitlines())


def test_a_person_reads_rows_notes_and_what_was_missed(outcome, console, tmp_path):
    publish(outcome, folder=tmp_path, console=console)
    said = console.export_text()
    for part in ("ours", "25.0", "a note", "MISS  ours / theirs: 0.5, target <= 0.4"):
        assert part in said


def test_a_tool_reads_figures_and_targets_from_the_file(outcome, console, tmp_path):
    path = publish(outcome, folder=tmp_path / "new", console=console)
    document = json.loads(path.read_text())
    assert path.name == "example.json"
    assert document["added_us"] == {"ours": 12.5}
    assert document["targets"][0]["met"] is False
    assert document["cores"] >= 1
