"""The labels by which everybody who is told of an alert sees that a drill raised it, and which."""

from __future__ import annotations

DRILL_LABEL = "drill"
"""Is "true" on every alert of a drill; templates show it in the first line."""

DRILL_RUN_LABEL = "drill_run"
"""Names the run, in characters of which no channel makes anything: letters, digits, `.` and `-`."""
