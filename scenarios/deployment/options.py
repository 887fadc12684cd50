"""The gate's options, each of which the environment may give too.

One rule: a setting is one line of `SETTINGS`; the variable's name follows from the option's, and
an option wins over its variable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from scenarios.deployment.target import FAIL_ON, STAGES
from stack.logs.lifecycle import ENVIRONMENTS
from stack.settings import variable

ALL_STAGES = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One option, and the variable of its name.

    Attributes:
        option: with its dashes.
        metavar: what stands for its value in the help.
        says: what it is, for the help and the guide.
        kind: one value, several (in the variable: separated by commas), or none.
        choices: the only values there are, if so.
    """

    option: str
    metavar: str
    says: str
    kind: Literal["one", "several", "flag"] = "one"
    choices: tuple[str, ...] = ()


def _watcher(name: str, says: str) -> Setting:
    return Setting(option=f"--{name.lower()}-url", metavar="URL", says=says)


SETTINGS = (
    Setting(
        option="--target",
        metavar="URL",
        says="address of the service, or of one of its instances",
        kind="several",
    ),
    _watcher("Prometheus", "address of the Prometheus that watches it"),
    _watcher("Alertmanager", "address of the Alertmanager that is told"),
    _watcher(
        "Elasticsearch",
        "address of Elasticsearch; who asks is said by ELASTICSEARCH_USER and the others of "
        "docs/logs.md",
    ),
    _watcher("Grafana", "address of Grafana"),
    _watcher("Kibana", "address of Kibana"),
    Setting(option="--secrets", metavar="FOLDER", says="holds the files of the channels' secrets"),
    Setting(option="--log-directory", metavar="FOLDER", says="where the service writes its log"),
    Setting(
        option="--stage",
        metavar="STAGE",
        says="which checks: pre-deployment, deployment, or all (default)",
        choices=(*STAGES, ALL_STAGES),
    ),
    Setting(
        option="--service",
        metavar="NAME",
        says="look at this value of the label `service` alone (default: all)",
    ),
    Setting(
        option="--distribution",
        metavar="NAME",
        says="the service's distribution, whose requirements must be installed where the gate "
        "runs (default: alertproof, which has the demo)",
    ),
    Setting(
        option="--environment",
        metavar="KIND",
        says="production, which keeps data for 30 days (default), or development, which keeps 7",
        choices=ENVIRONMENTS,
    ),
    Setting(option="--retention-days", metavar="N", says="keeps data for N days, whatever it is"),
    Setting(
        option="--metrics-path",
        metavar="PATH",
        says="where the monitoring endpoints are (default: /api/metrics)",
    ),
    Setting(
        option="--probe-path",
        metavar="PATH",
        says="a path of the service that it logs; asked for once, to find the record (default: /)",
    ),
    Setting(
        option="--log-delay",
        metavar="SECONDS",
        says="how long what ships the logs may gather records (default: 5)",
    ),
    Setting(
        option="--loaded-rules",
        metavar="FILE",
        says="the rule file that should be in force (default: stack/alert-rules.yml)",
    ),
    Setting(
        option="--loaded-routing",
        metavar="FILE",
        says="the Alertmanager file that should be in force "
        "(default: stack/alertmanager-config.yml)",
    ),
    Setting(
        option="--allow-alert",
        metavar="NAME",
        says="may fire, while the others must not",
        kind="several",
    ),
    Setting(
        option="--without-alert",
        metavar="NAME",
        says="can't fire here, as the service has nothing of its kind: its metrics are not asked "
        "for",
        kind="several",
    ),
    Setting(
        option="--budget-minimum",
        metavar="RATIO",
        says="how much of each error budget must be left, below 1 (default: more than 0)",
    ),
    Setting(
        option="--ca-file", metavar="FILE", says="the private authority that signed certificates"
    ),
    Setting(
        option="--token-file",
        metavar="FILE",
        says="holds the bearer token that the service's monitoring endpoints ask for",
    ),
    Setting(
        option="--prometheus-token-file",
        metavar="FILE",
        says="holds the bearer token that stands before Prometheus",
    ),
    Setting(
        option="--alertmanager-token-file",
        metavar="FILE",
        says="holds the bearer token that stands before Alertmanager",
    ),
    Setting(
        option="--grafana-token-file",
        metavar="FILE",
        says="holds the bearer token that stands before Grafana",
    ),
    Setting(
        option="--kibana-token-file",
        metavar="FILE",
        says="holds the bearer token that stands before Kibana, or an API key of its own, encoded",
    ),
    Setting(
        option="--request-timeout",
        metavar="SECONDS",
        says="how long one request may take (default: 5)",
    ),
    Setting(
        option="--deadline",
        metavar="SECONDS",
        says="how long all may take, from the start of the process to its end (default: 60)",
    ),
    Setting(
        option="--page-test",
        metavar="SEVERITY",
        says="send one marked test alert of this severity through the real routes, and end it; "
        "this tells people",
        choices=("CRITICAL", "HIGH", "MEDIUM", "LOW"),
    ),
    Setting(
        option="--confirm",
        metavar="",
        says="ask, at the terminal, whether the test alert came",
        kind="flag",
    ),
    Setting(
        option="--fail-on",
        metavar="VERDICT",
        says="from which verdict on the exit status is 1: fail, unknown (default), "
        "not-applicable, or never",
        choices=FAIL_ON,
    ),
    Setting(
        option="--summary",
        metavar="FILE",
        says="gets the summary as Markdown, appended; that of GITHUB_STEP_SUMMARY gets it anyway",
    ),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the gate's options, which explain themselves in ``pytest --help``."""
    group = parser.getgroup(
        "gate", "alertproof: the gate before a deploy (nox -s gate), docs/gate.md"
    )
    for each in SETTINGS:
        says = f"{each.says} [{variable(each.option)}]"
        if each.kind == "flag":
            group.addoption(each.option, action="store_true", default=None, help=says)
        elif each.kind == "several":
            says = f"{says}; may be repeated"
            group.addoption(
                each.option, action="append", default=None, metavar=each.metavar, help=says
            )
        else:
            group.addoption(each.option, default=None, metavar=each.metavar, help=says)
