"""Each rule is routed to exactly those who are promised to be told, by Alertmanager's own word."""

import subprocess

import pytest

from scenarios.expectation import RECEIVERS
from stack.dead_routes import dead_parts, lacking_labels
from stack.production import production_files
from stack.routes import load_routes
from stack.rules import load_rules
from stack.tools import Tools

pytestmark = pytest.mark.of_the_files

PRODUCTION = production_files()
TREE = load_routes(PRODUCTION.alertmanager.read_text(), PRODUCTION.alertmanager.name)
ALERTS = [
    {**rule.labels, "alertname": rule.name}
    for rule in load_rules(PRODUCTION.rules.read_text(), PRODUCTION.rules.name).alerts
]


@pytest.mark.parametrize("labels", ALERTS, ids=lambda labels: labels["alertname"])
def test_amtool_routes_the_rule_to_its_promised_receivers(
    tools: Tools, labels: dict[str, str]
) -> None:
    plain = {name: "shop" if "{{" in value else value for name, value in labels.items()}
    command = [
        *(*tools.amtool.command, "config", "routes", "test"),
        f"--config.file={PRODUCTION.alertmanager}",
        *(f"{name}={value}" for name, value in plain.items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    receivers = [name for name in done.stdout.replace(",", " ").split() if name]
    assert receivers == [route.receiver for route in TREE.route_for(plain)]
    told = frozenset(channel for name in receivers for channel in TREE.channels[name])
    assert told == RECEIVERS[labels["severity"]], (
        f"{labels['alertname']} ({labels['severity']}) is promised to "
        f"{', '.join(sorted(RECEIVERS[labels['severity']]))}, and amtool routes it to "
        f"{', '.join(receivers)}: {', '.join(sorted(told))}"
    )


def test_no_route_receiver_or_inhibition_is_dead() -> None:
    problems = dead_parts(TREE, ALERTS)
    assert not problems, "\n".join(problems)


def test_every_rule_has_the_labels_that_routes_and_inhibitions_need() -> None:
    problems = lacking_labels(TREE, ALERTS)
    assert not problems, "\n".join(problems)
