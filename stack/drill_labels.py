"""The labels by which everybody who is told of an alert sees that a drill raised it, and which.

Design rule: the rules themselves put them there, so that they are on every alert, whoever evaluates
the rules and wherever its alerts are sent.
"""

from __future__ import annotations

import re

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from stack.timescale import Change
from stack.yamlfile import read_yaml, write_yaml

__all__ = ["DRILL_LABEL", "DRILL_RUN_LABEL", "RUN_NAME", "mark_alerts"]

DRILL_LABEL = "drill"
"""Is "true" on every alert of a drill; templates show it in the first line."""

DRILL_RUN_LABEL = "drill_run"
"""Names the run."""

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}")
"""What a run may be called: of these characters no channel makes anything, and templates show no
others, and no more of them."""


def mark_alerts(rules_yaml: str, drill_run: str, *, source: str) -> tuple[str, tuple[Change, ...]]:
    """Return the rules with both labels on every alert, and what that changed.

    Raises ValueError for a name that templates would not show as it is.
    """
    if not RUN_NAME.fullmatch(drill_run):
        raise ValueError(f"a drill's run is named by {RUN_NAME.pattern}, got {drill_run!r}")
    document = read_yaml(rules_yaml, source)
    labels = {DRILL_LABEL: "true", DRILL_RUN_LABEL: drill_run}
    for group in document["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                marked = CommentedMap(rule.get("labels") or {})
                marked.update(
                    {name: DoubleQuotedScalarString(value) for name, value in labels.items()}
                )
                rule["labels"] = marked
    text = ", ".join(f"{name}: {value}" for name, value in labels.items())
    change = Change(file=source, where="every alert's labels", production="", drill=text)
    return write_yaml(document), (change,)
