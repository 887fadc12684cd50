"""A dashboard's questions are put to a Prometheus of a run, over the whole of the run.

Design rule: asked is what Grafana asks, its durations divided by the time scale as the rules' are;
an answer is a series that holds a number, as nothing else is drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import promql_parser as ast

from stack import promql
from stack.clients.prometheus import PrometheusError, Sample
from stack.durations import divide, format_duration
from stack.grafana.conditions import on_one_line
from stack.grafana.dashboards import Query, concrete
from stack.promql_rewrite import rewrite
from stack.selectors import selectors

__all__ = ["Answer", "Asked", "ask", "longest_offset", "question"]

LOOKS = 120
"""How often a run is looked at, evenly. A firing alert of a run of minutes is there for several."""

SHORTEST = timedelta(milliseconds=250)
"""Nothing is scraped or evaluated more often in a drill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One Prometheus of a run.

    Attributes:
        query: evaluates an instant query, or raises PrometheusError.
        time_scale: by which durations are divided where it watches.
        began: when the run did, on the monotonic clock.
    """

    query: Callable[[str], Sequence[Sample]]
    time_scale: float
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one question.

    Attributes:
        question: as it was asked.
        series: how many of its series hold a number, or how many records were found.
        error: what was said instead; "" where there is nothing to complain of.
    """

    question: str
    series: int = 0
    error: str = ""

    @property
    def holds(self) -> bool:
        """Whether there is anything to draw."""
        return self.series > 0 and not self.error


def ask(query: Query, run: Sequence[Asked]) -> Answer:
    """Ask each Prometheus of a run until one has series; return its answer.

    Where none has, an error is returned before an answer without series.

    Raises DashboardError and PromQLError for what can't be asked, ValueError for a run of none.
    """
    answers = []
    for one in run:
        lasted = divide(timedelta(seconds=time.monotonic() - one.began), 1)  # to the millisecond
        text = question(query, time_scale=one.time_scale, lasted=lasted)
        try:
            drawn = [sample for sample in one.query(text) if not math.isnan(sample.value)]
        except PrometheusError as error:
            answers.append(Answer(question=text, error=str(error)))
            continue
        if drawn:
            return Answer(question=text, series=len(drawn))
        answers.append(Answer(question=text))
    if not answers:
        raise ValueError(f"nobody is there to be asked {query.text!r}")
    return next((each for each in answers if each.error), answers[0])


def question(query: Query, *, time_scale: float, lasted: timedelta) -> str:
    """Return the instant query for the largest number of each series that a run of `lasted` drew.

    Raises DashboardError and PromQLError for what can't be asked.
    """
    expr = promql.parse(concrete(query))
    scaled = rewrite(expr, duration=lambda value: divide(value, time_scale))
    text = on_one_line(promql.parse(scaled))
    if _is_scalar(expr):  # of which there is no subquery
        text = f"vector({text})"
    step = max(divide(lasted, LOOKS), SHORTEST)
    return f"max_over_time(({text})[{format_duration(lasted)}:{format_duration(step)}])"


def longest_offset(query: Query) -> timedelta:
    """Return how far back the newest sample lies that a question looks at, at most."""
    offsets = [each.offset for each in selectors(promql.parse(concrete(query))) if each.offset]
    return max(offsets, default=timedelta(0))


def _is_scalar(expr: ast.Expr) -> bool:
    match expr:
        case ast.NumberLiteral():
            return True
        case ast.Call():
            return bool(expr.func.return_type == ast.ValueType.Scalar)
        case ast.ParenExpr() | ast.UnaryExpr():
            return _is_scalar(expr.expr)
        case ast.BinaryExpr():
            return _is_scalar(expr.lhs) and _is_scalar(expr.rhs)
        case _:
            return False
