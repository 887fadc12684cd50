"""Whether a Prometheus of somebody else's marks the alerts of a service as a game day's.

One rule: pure; what its own configuration does to labels is done here to those of the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stack.drill_labels import DRILL_LABEL, DRILL_RUN_LABEL
from stack.yamlfile import read_yaml

SNIPPET = """alerting:
  alert_relabel_configs:  # until the game day is over
    - {{source_labels: [service], regex: {service}, target_label: {drill}, replacement: "true"}}
    - {{source_labels: [service], regex: {service}, target_label: {drill_run}, replacement: {run}}}
"""


def are_marked(configuration: str, *, service: str, run: str) -> bool:
    """Return whether every alert of ``service`` is sent with both labels of the run.

    Only what sets a label of its own accord counts: `external_labels`, and relabeling that
    replaces. Raises ConfigurationError for what is no Prometheus configuration.
    """
    document = read_yaml(configuration, "the loaded configuration")
    labels = {str(k): str(v) for k, v in _mapping(document, "global", "external_labels").items()}
    labels["service"] = service
    for rule in _mapping(document, "alerting").get("alert_relabel_configs") or ():
        if rule.get("action", "replace") == "replace":
            _replace(rule, labels)
    return labels.get(DRILL_LABEL) == "true" and labels.get(DRILL_RUN_LABEL) == run


def snippet(*, service: str, run: str) -> str:
    """Return what makes a Prometheus mark them, for its configuration."""
    return SNIPPET.format(
        service=re.escape(service), run=run, drill=DRILL_LABEL, drill_run=DRILL_RUN_LABEL
    )


def _replace(rule: Mapping[str, Any], labels: dict[str, str]) -> None:
    """Do what `replace` does (Prometheus, *relabel_config*); groups of the pattern stay unread."""
    sources = rule.get("source_labels") or ()
    value = str(rule.get("separator", ";")).join(labels.get(str(name), "") for name in sources)
    try:
        matches = re.fullmatch(str(rule.get("regex", "(.*)")), value, flags=re.DOTALL)
    except re.error:  # RE2 knows what Python does not: such a rule proves nothing
        return
    replacement = str(rule.get("replacement", "$1"))
    if matches and "$" not in replacement and rule.get("target_label"):
        labels[str(rule["target_label"])] = replacement


def _mapping(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for key in path:
        document = document.get(key) or {}
    return document
