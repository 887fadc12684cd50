"""An expression is split at the comparisons that decide, and nothing of it is lost."""

from __future__ import annotations

import pytest

from stack import promql
from stack.grafana.conditions import on_one_line, read_conditions
from stack.recorded import reads
from stack.rules import RuleSet


@pytest.mark.parametrize(
    ("expr", "sentence", "measured"),
    [
        ("a / b > scalar(threshold:x:ratio)", "A > x:ratio", ["a / b"]),
        ("a == 0", "A == 0", ["a"]),
        ("a < vector(5)", "A < 5", ["a"]),
        ("a > b", "A > b", ["a"]),
        ("vector(1)", "A", ["vector(1)"]),
        ("(a > 1) and on (service) (b < 2)", "A > 1 and B < 2", ["a", "b"]),
        ("(a == 0 or b == 0) and c > 0", "(A == 0 or B == 0) and C > 0", ["a", "b", "c"]),
        ("a > 1 unless b", "A > 1 unless B", ["a", "b"]),
        ("a == 0 or (b unless c)", "A == 0 or B", ["a", "b unless c"]),
        ("a > 1 and a > 2", "A > 1 and A > 2", ["a", "a"]),
        ("max by (s) (a / (b > 0)) > 1", "A > 1", ["max by (s) (a / (b > 0))"]),
        ("min by (s) (a < 1 and b < 2)", "A < 1 and B < 2", ["min by (s) (a)", "min by (s) (b)"]),
        ("sum(a > bool 0)", "A", ["sum(a > bool 0)"]),
        (
            'a > scalar(threshold:x:factor) * scalar(threshold:y:ratio{slo="l"})',
            "A > x:factor * y:ratio",
            ["a"],
        ),
    ],
)
def test_an_expression_is_said_in_letters_and_each_letter_is_measured(
    expr: str, sentence: str, measured: list[str]
) -> None:
    reading = read_conditions(promql.parse(expr))
    assert reading.sentence == sentence
    assert [on_one_line(one.measured) for one in reading.conditions] == measured


def test_the_condition_with_a_recorded_threshold_decides() -> None:
    reading = read_conditions(promql.parse("a == 0 or b > scalar(threshold:x:seconds)"))
    assert reading.deciding.letter == "B"
    assert reading.deciding.thresholds == ("threshold:x:seconds",)


def test_nothing_that_a_rule_reads_is_lost(rules: RuleSet) -> None:
    for rule in rules.alerts:
        read = set()
        for one in read_conditions(promql.parse(rule.expr)).conditions:
            read |= reads(one.measured) | (reads(one.limit) if one.limit else set())
        assert read == reads(promql.parse(rule.expr)), rule.name


def test_an_expression_on_one_line_keeps_the_spaces_of_its_labels() -> None:
    with pytest.raises(promql.PromQLError):
        on_one_line(promql.parse('a{path="two  spaces"}'))
    assert on_one_line(promql.parse('sum  by (s)\n  (a{path="one space"})')) == (
        'sum by (s) (a{path="one space"})'
    )
