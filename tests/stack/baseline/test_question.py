"""What is asked about a rule puts the rule together again, or nothing is proposed for it."""

from __future__ import annotations

import pytest

from stack import promql
from stack.baseline.question import question_about
from stack.grafana.conditions import on_one_line
from stack.production import production_files
from stack.rules import RuleSet, load_rules

RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")


def rules_with(expr: str) -> RuleSet:
    text = (
        "groups:\n  - name: g\n    rules:\n"
        "      - {record: 'threshold:x:ratio', expr: vector(0.05)}\n"
        "      - {record: 'threshold:y:ratio', labels: {slo: a}, expr: vector(0.1)}\n"
        "      - {record: 'threshold:y:ratio', labels: {slo: b}, expr: vector(0.2)}\n"
        f"      - alert: A\n        expr: {expr}\n"
    )
    return load_rules(text, "rules.yml")


def ask(expr: str):
    rules = rules_with(expr)
    return question_about(rules.alert("A"), rules)


def one_line(text: str) -> str:
    return on_one_line(promql.parse(text))


@pytest.mark.parametrize("rule", RULES.alerts, ids=lambda rule: rule.name)
def test_every_question_about_a_shipped_rule_is_promql_without_a_recorded_threshold(rule) -> None:
    question = question_about(rule, RULES)
    texts = [question.whole, question.measured, question.present]
    if question.tunable:
        texts += [question.tunable.gated, *filter(None, [question.tunable.rest])]
    for text in texts:
        promql.parse(text)
        assert "threshold:" not in text


@pytest.mark.parametrize("rule", RULES.alerts, ids=lambda rule: rule.name)
def test_every_shipped_rule_with_one_named_threshold_can_be_tuned(rule) -> None:
    question = question_about(rule, RULES)
    named = promql.parse(rule.expr).prettify().count("scalar(threshold:")
    if not named:
        assert question.tunable is None
    elif rule.group == "slo":
        assert "follows from" in question.tunable.fixed_because
    else:
        assert question.tunable.threshold
        assert question.tunable.limit == next(
            one.constant for one in RULES.recordings if one.name == question.tunable.threshold
        )


@pytest.mark.parametrize(
    ("expr", "gated", "rest"),
    [
        ("a > scalar(threshold:x:ratio)", "(a)", ""),
        ("a > scalar(threshold:x:ratio) and b > 0", "(a) and b > 0", ""),
        ("a > scalar(threshold:x:ratio) unless b", "(a) unless b", ""),
        ("min by (s) (a < scalar(threshold:x:ratio) and b < 0)", "min by (s) ((a) and b < 0)", ""),
        (
            "a == 0 or b > scalar(threshold:x:ratio)",
            "((b))",
            "a == 0 or (b) > Inf",
        ),
        (
            "(a < scalar(threshold:x:ratio) or b == 0) and c",
            "(((a))) and c",
            "((a) < -Inf or b == 0) and c",
        ),
    ],
)
def test_what_is_compared_is_asked_for_where_the_other_conditions_hold(
    expr: str, gated: str, rest: str
) -> None:
    tunable = ask(expr).tunable
    assert one_line(tunable.gated) == one_line(gated)
    assert (one_line(tunable.rest) if tunable.rest else "") == (one_line(rest) if rest else "")
    assert tunable.limit == 0.05
    assert tunable.threshold == "threshold:x:ratio"


@pytest.mark.parametrize(
    "expr",
    [
        "b > 0 and a > scalar(threshold:x:ratio)",  # the value is b's
        "max by (s) (a < scalar(threshold:x:ratio))",  # the largest of those below, not of all
        "sum by (s) (a > scalar(threshold:x:ratio))",
        "a == 0",
        "a > 0",
        "5 < a",
        "a > bool 5",  # holds always: what it makes is 0 or 1
        "vector(1)",
    ],
)
def test_a_rule_that_can_not_be_put_together_again_has_nothing_to_tune(expr: str) -> None:
    assert ask(expr).tunable is None


@pytest.mark.parametrize(
    ("expr", "because"),
    [
        ("a > 0.3", "without a name"),
        ('a > 2 * scalar(threshold:y:ratio{slo="a"})', "follows from y:ratio"),
        ("a > scalar(threshold:x:ratio) * scalar(threshold:x:ratio)", "follows from x:ratio"),
    ],
)
def test_a_limit_without_a_name_of_its_own_is_judged_and_not_proposed(
    expr: str, because: str
) -> None:
    tunable = ask(expr).tunable
    assert because in tunable.fixed_because
    assert tunable.threshold == ""


@pytest.mark.parametrize(
    ("expr", "present", "named"),
    [
        ("a == 0 or b == 0", "count(a) or count(b)", ("a", "b")),
        ("5 < a", "count(a)", ("a",)),
        ("absent(a)", "vector(1)", ("a",)),
        ("max(a) == 0 or absent(a)", "count(max(a)) or vector(1)", ("a",)),
        ("vector(1)", "count(vector(1))", ()),
    ],
)
def test_what_a_rule_about_a_state_looks_at_is_counted(
    expr: str, present: str, named: tuple[str, ...]
) -> None:
    question = ask(expr)
    assert one_line(question.present) == one_line(present)
    assert question.selectors == named


def test_the_series_of_a_rule_are_named_without_windows_and_offsets() -> None:
    question = ask("rate(a{x=~\"1|2\",y!='3'}[5m] offset 10m) > scalar(threshold:x:ratio)")
    assert question.selectors == ('a{x=~"1|2",y!="3"}',)


def test_the_buckets_of_a_quantile_are_named() -> None:
    question = question_about(RULES.alert("SlowResponseTime"), RULES)
    assert question.tunable is not None
    assert question.tunable.buckets == 'softfactory_request_latency_ms_bucket{job="softfactory"}'
    assert ask("a > scalar(threshold:x:ratio)").tunable.buckets == ""
