"""A time is how long ago, or when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stack.logs.times import moment

NOW = datetime(2030, 5, 17, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("15m", NOW - timedelta(minutes=15)),
        ("1d12h", NOW - timedelta(hours=36)),
        ("2030-05-17T08:00:00Z", datetime(2030, 5, 17, 8, tzinfo=UTC)),
        ("2030-05-17T10:00+02:00", datetime(2030, 5, 17, 8, tzinfo=UTC)),
        ("2030-05-17 08:00", datetime(2030, 5, 17, 8, tzinfo=UTC)),
        ("2030-05-17", datetime(2030, 5, 17, tzinfo=UTC)),
    ],
)
def test_both_forms_are_understood(text: str, when: datetime) -> None:
    assert moment(text, now=NOW) == when


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "15",
        "15 minutes",
        "-5m",
        "9999999y",
        "9999-12-31T23:59:59-23:00",
        "0001-01-01T00:00:00+23:00",
    ],
)
def test_anything_else_is_refused_with_both_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"15m.*2030-05-17T08:30:00Z"):
        moment(text, now=NOW)
