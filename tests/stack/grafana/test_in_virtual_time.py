"""Prometheus itself answers every question, of two services with two instances each.

What only several series show is found here: vectors that do not match, a label that is missing.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest

from stack.grafana.dashboards import PROMETHEUS, Dashboard, concrete
from stack.production import production_files
from stack.tools import ToolSettings, find_tools

pytestmark = pytest.mark.integration

EVALUATED_AT = "70m"
SAMPLES = 300
"""One each 15 s, until after the evaluation."""

VALUES: Mapping[str, tuple[str, ...]] = {
    "endpoint": ("/api/bookings", "unmatched"),
    "environment": ("production",),
    "le": ("100.0", "1000.0", "+Inf"),
    "method": ("POST",),
    "outcome": ("failed", "succeeded"),
    "state": ("in_use", "idle", "active"),
    "status": ("200", "401", "500"),
}
"""The values of those labels that questions ask for."""

WITHOUT_ANSWER = {
    "alerts.json: SoftFactoryDown, B",  # instances that have gone
    "alerts.json: SoftFactoryDown, C",  # no instance at all
    "alerts.json: AvailabilityBudgetBurnSlow, E",  # a past of more than two hours
}
"""What is asked for is not so in a service that runs since an hour."""


def targets() -> Iterator[dict[str, str]]:
    for job, service in product(("softfactory", "log-shipper"), ("shop", "office")):
        for at in ("a", "b"):
            yield {"job": job, "service": service, "instance": f"{service}-{job}-{at}"}
    for job in ("prometheus", "alertmanager"):
        yield {"job": job, "service": job, "instance": job}


def exports(job: str, name: str) -> bool:
    if name.startswith(("up", "scrape_", "process_")):
        return True
    if name.startswith(("ALERTS", "threshold:", "softfactory:")):
        return False  # made by the rules
    return name.startswith(f"{job.replace('-', '_')}_")


def series(known: Mapping[str, frozenset[str]]) -> Iterator[dict[str, str]]:
    for target in targets():
        for name, labels in known.items():
            if not exports(target["job"], name):
                continue
            for values in product(*(VALUES.get(label, ("x",)) for label in sorted(labels))):
                own = dict(zip(sorted(labels), values, strict=True)) | target
                text = ",".join(f"{label}={json.dumps(value)}" for label, value in own.items())
                grows = name.endswith(("_total", "_bucket", "_count", "_sum"))
                yield {"series": f"{name}{{{text}}}", "values": f"1+{int(grows)}x{SAMPLES}"}


def answers(
    folder: Path, known: Mapping[str, frozenset[str]], expressions: Sequence[str]
) -> dict[int, str]:
    """Ask promtool for each expression; return what it says, by the expression's position.

    Each is told to expect a sample that carries its position and never comes.
    """
    file = folder / "questions.json"
    asked = [
        {
            "expr": expr,
            "eval_time": EVALUATED_AT,
            "exp_samples": [{"labels": f'never{{at="{at}"}}', "value": 1}],
        }
        for at, expr in enumerate(expressions)
    ]
    test = {"interval": "15s", "input_series": list(series(known)), "promql_expr_test": asked}
    rules = [str(production_files().rules)]
    file.write_text(json.dumps({"rule_files": rules, "tests": [test]}))
    promtool = find_tools(ToolSettings.from_env(), lambda _: None).promtool.command
    done = subprocess.run(
        [*promtool, "test", "rules", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = {}
    for block in re.split(r"\n\s+expr: ", f"\n{done.stdout}{done.stderr}")[1:]:
        about = re.search(r'never", at="(\d+)"', block)
        text = block.partition("got:")[2].strip()
        if about:
            said[int(about[1])] = "" if text.startswith("nil") else text
    return said


def test_every_question_has_an_answer(
    tmp_path: Path, known: Mapping[str, frozenset[str]], dashboards: Sequence[Dashboard]
) -> None:
    asked = [
        (where, concrete(query))
        for dashboard in dashboards
        for where, query in dashboard.queries
        if query.kind == PROMETHEUS
    ]
    said = answers(tmp_path, known, [expr for _, expr in asked])
    unanswered = {where for at, (where, _) in enumerate(asked) if not said.get(at)}
    assert unanswered == WITHOUT_ANSWER


def test_a_question_whose_vectors_do_not_match_has_none(tmp_path: Path) -> None:
    known = {"up": frozenset(), "softfactory_requests_total": frozenset({"status"})}
    many_to_many, nothing, matched = (
        "up / on (service) up",
        "up / softfactory_requests_total",
        "up / on (instance) group_right () softfactory_requests_total",
    )
    said = answers(tmp_path, known, [many_to_many, nothing, matched])
    assert [bool(said.get(at)) for at in range(3)] == [False, False, True]
