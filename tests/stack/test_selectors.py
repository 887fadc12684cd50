"""What an expression reads is told as PromQL that chooses the same."""

from __future__ import annotations

import pytest

from stack import promql
from stack.selectors import selector_text, selectors


def texts(expression: str) -> list[str]:
    return [selector_text(one) for one in selectors(promql.parse(expression))]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("up", ["up"]),
        ("rate(a[5m] offset 1h) / b", ["a", "b"]),
        ("topk(scalar(k), a)", ["k", "a"]),
        ('max_over_time(sum(a{b="c"})[5m:])', ['a{b="c"}']),
        ('a{b!="c",d=~"e.*",f!~"g"}', ['a{b!="c",d=~"e.*",f!~"g"}']),
        ('{__name__="a",b="c"}', ['a{b="c"}']),
        ('{__name__=~"a|b"}', ['{__name__=~"a|b"}']),
    ],
)
def test_each_series_is_told_without_its_window(expression: str, told: list[str]) -> None:
    assert texts(expression) == told


def test_whatever_a_value_holds_is_the_same_when_it_is_read_again() -> None:
    asked = promql.parse(r'a{b=~"\\d+ \"x\" é"}')
    again = promql.parse(texts(r'a{b=~"\\d+ \"x\" é"}')[0])
    assert promql.anatomy(again) == promql.anatomy(asked)
