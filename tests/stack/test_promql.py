from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack import promql
from stack.durations import divide, format_duration
from stack.promql_rewrite import rewrite

LENGTHS = st.integers(min_value=1, max_value=400_000_000).map(
    lambda n: format_duration(timedelta(milliseconds=n))
)
SELECTORS = st.sampled_from(
    [
        "up",
        'http_requests_total{job="a",status=~"5.."}',
        '{__name__="x"}',
        '{"with.dots",tab="\\t"}',
        'y{q="a\\"b"}',
        'z{a!="1",b!~"x|y"}',
    ]
)
SUFFIXES = st.one_of(
    st.just(""),
    st.just(" @ end()"),
    LENGTHS.map(lambda length: f" offset {length}"),
    LENGTHS.map(lambda length: f" offset -{length}"),
    LENGTHS.map(lambda length: f" @ start() offset {length}"),
)
NUMBERS = st.one_of(
    st.sampled_from(["0", "1", "-2", "0.05", "24 * 3600", "-(5)", "1e9", "Inf"]),
    st.floats(min_value=1e-6, max_value=1e12).map(repr),
)


def _extend(vectors: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", ">", "== bool", "and", "or on (a)", "unless"])
    compare = st.sampled_from(["+", "-", "*", ">", "<= bool", "=="])
    return st.one_of(
        st.tuples(vectors, operators, vectors).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(vectors, compare, NUMBERS).map(lambda t: f"({t[0]}) {t[1]} {t[2]}"),
        st.tuples(st.sampled_from(["sum by (a)", "topk", "max without ()"]), vectors).map(
            lambda t: f"topk(5, {t[1]})" if t[0] == "topk" else f"{t[0]} ({t[1]})"
        ),
        st.tuples(vectors, LENGTHS, st.one_of(st.just(""), LENGTHS), SUFFIXES).map(
            lambda t: f"max_over_time(({t[0]})[{t[1]}:{t[2]}]{t[3]})"
        ),
        vectors.map(lambda v: f"-({v})"),
        vectors.map(lambda v: f"clamp({v}, 1, 2 * 3)"),
        vectors.map(lambda v: f'label_replace({v}, "a", "$1", "b", "(.*)")'),
    )


VECTORS = st.recursive(
    st.one_of(
        st.tuples(SELECTORS, SUFFIXES).map("".join),
        st.tuples(SELECTORS, LENGTHS, SUFFIXES).map(lambda t: f"rate({t[0]}[{t[1]}]{t[2]})"),
    ),
    _extend,
    max_leaves=5,
)


@given(VECTORS, st.floats(min_value=1, max_value=5_000))
def test_a_rewritten_expression_differs_in_its_durations_alone(text: str, k: float) -> None:
    before = promql.anatomy(promql.parse(text))
    rewritten = rewrite(promql.parse(text), duration=lambda value: divide(value, k))
    after = promql.anatomy(promql.parse(rewritten))
    assert after.shape == before.shape
    assert after.constants == before.constants
    assert after.durations == tuple(divide(value, k) for value in before.durations)


@given(VECTORS)
def test_rewriting_without_a_change_keeps_everything(text: str) -> None:
    assert promql.anatomy(promql.parse(rewrite(promql.parse(text)))) == promql.anatomy(
        promql.parse(text)
    )


@given(VECTORS, st.data())
def test_one_constant_can_be_replaced_and_the_others_stay(text: str, data: st.DataObject) -> None:
    before = promql.anatomy(promql.parse(text))
    if not before.constants:
        return
    position = data.draw(st.integers(min_value=0, max_value=len(before.constants) - 1))
    after = promql.anatomy(
        promql.parse(rewrite(promql.parse(text), constants={position: 0.015625}))
    )
    expected = list(before.constants)
    expected[position] = 0.015625
    assert after.constants == tuple(expected)
    assert (after.shape, after.durations) == (before.shape, before.durations)


@pytest.mark.parametrize(
    ("original", "other"),
    [
        ("rate(a[5m])", "irate(a[5m])"),
        ("rate(a[5m])", "rate(b[5m])"),
        ('a{x="1"}', 'a{x="2"}'),
        ('a{x="1"}', 'a{x!="1"}'),
        ("sum by (x) (a)", "sum by (y) (a)"),
        ("sum by (x) (a)", "sum without (x) (a)"),
        ("sum(a)", "max(a)"),
        ("a > b", "a > bool b"),
        ("a > b", "a >= b"),
        ("a * on (x) b", "a * on (y) b"),
        ("a * on (x) group_left (z) b", "a * on (x) group_right (z) b"),
        ("a * on (x) group_left (z) b", "a * on (x) group_left b"),
        ("a and b", "a and ignoring (x) b"),
        ("a offset 5m", "a"),
        ("a @ start()", "a @ end()"),
        ("max_over_time(a[1h:1m])", "max_over_time(a[1h:])"),
        ("-a", "a"),
        ("a - b - c", "a - (b - c)"),
        ('label_join(a, "x", ",", "y")', 'label_join(a, "x", ";", "y")'),
        ("topk(5, a)", "topk(6, a)"),
    ],
)
def test_any_difference_but_a_duration_shows_in_the_anatomy(original: str, other: str) -> None:
    assert promql.anatomy(promql.parse(original)) != promql.anatomy(promql.parse(other))


def test_sub_second_ranges_are_written_in_full() -> None:
    text = rewrite(promql.parse("rate(a[15s])"), duration=lambda value: divide(value, 60))
    assert text == "rate(a[250ms])"


def test_numbers_in_a_row_are_one_constant() -> None:
    anatomy = promql.anatomy(promql.parse("a > 24 * 3600 and b < -(2 ^ 3)"))
    assert anatomy.constants == (86400, -8)


@pytest.mark.parametrize("text", ["1 / 0", "5 % 0", "(-8) ^ 0.5"])
def test_a_number_that_python_cannot_compute_is_not_a_number(text: str) -> None:
    value = promql.constant(promql.parse(text))
    assert value is not None
    assert math.isnan(value)


def test_a_fixed_point_in_time_is_refused() -> None:
    with pytest.raises(promql.PromQLError, match="fixed point in time"):
        rewrite(promql.parse("a @ 1700000000 > 5"), duration=lambda value: value)


def test_text_that_is_not_promql_is_named() -> None:
    with pytest.raises(promql.PromQLError, match=r"'rate\('"):
        promql.parse("rate(")
