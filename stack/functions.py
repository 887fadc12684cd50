"""What each PromQL function and aggregation does to a quantity's exponent of time.

One that stands nowhere is refused by name: nothing is assumed of what is not known.
"""

from __future__ import annotations

__all__ = ["COMPARING", "COUNTING_AGGREGATIONS", "CURVED", "NONE", "SAME", "TIME"]

TIME = frozenset(
    {
        "time",
        "timestamp",
        "step",
        "range",
        "increase",
        "delta",
        "idelta",
        "changes",
        "resets",
        "count_over_time",
        "sum_over_time",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    }
)
"""Grow with the window or the clock. `count_over_time` and `sum_over_time` count samples: they
change with the window and with the scrape interval, so their author has to say which way."""

NONE = frozenset(
    {
        "rate",
        "irate",
        "deriv",
        "absent",
        "absent_over_time",
        "present_over_time",
        "pi",
        "sgn",
        "histogram_quantile",
        "histogram_fraction",
        "histogram_avg",
        "histogram_stddev",
        "histogram_stdvar",
        "minute",
        "hour",
        "day_of_week",
        "day_of_month",
        "day_of_year",
        "days_in_month",
        "month",
        "year",
    }
)
"""Do not depend on a window's length: per second of real time, a share, a quantile, yes or no."""

SAME = frozenset(
    {
        "abs",
        "ceil",
        "floor",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "last_over_time",
        "first_over_time",
        "quantile_over_time",
        "mad_over_time",
        "stddev_over_time",
        "double_exponential_smoothing",
        "sort",
        "sort_desc",
        "sort_by_label",
        "sort_by_label_desc",
        "label_replace",
        "label_join",
        "info",
        "histogram_count",
        "histogram_sum",
    }
)
"""Have the exponent of what they are given."""

COMPARING = frozenset({"clamp", "clamp_min", "clamp_max", "round"})
"""Have the exponent of their first argument, and hold the others against it."""

CURVED = frozenset(
    {
        "exp",
        "ln",
        "log2",
        "log10",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "deg",
        "rad",
    }
)
"""Not linear: no single factor makes up for scaled windows."""

COUNTING_AGGREGATIONS = frozenset({"count", "count_values", "group"})
"""Count series, whatever their values mean."""
