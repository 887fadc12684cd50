"""What the error budgets' recording rules write, in virtual time and on a real Prometheus."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import requests
from ruamel.yaml import YAML

from stack.backfill import PastSeries, backfill
from stack.derive import RunAddresses, derive
from stack.durations import divide
from stack.ports import reserve
from stack.processes import Processes
from stack.production import production_files
from stack.rules import load_rules
from stack.tools import ToolSettings, find_tools
from stack.waiting import wait_until
from stack.windows import largest_time_scale

RULES = production_files().rules
WANTED = {
    "threshold:slo_error_budget:ratio",
    "softfactory:slo_error:ratio_30d",
    "softfactory:slo_budget_remaining:ratio",
}
SAMPLES = 30 * 12  # of 2h


@pytest.fixture(scope="module")
def tools():
    return find_tools(ToolSettings.from_env(), lambda _: None)


@pytest.fixture(scope="module")
def promtool(tools):
    return tools.promtool.command


def dump(content: object, path: Path) -> None:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(content, stream)
    path.write_text(stream.getvalue())


def evaluated(promtool, folder: Path, series: dict[str, str], expected: list[dict]) -> str:
    """Evaluate the rules of the 30 days alone, every 2h: promtool can't hold 30d of 1m samples."""
    groups = YAML(typ="safe").load(RULES.read_text())["groups"]
    rules = [
        rule
        for name in ("slo_long", "slo")
        for group in groups
        if group["name"] == name
        for rule in group["rules"]
        if rule.get("record") in WANTED
    ]
    dump({"groups": [{"name": "slo", "rules": rules}]}, folder / "rules.yml")
    case = {
        "interval": "2h",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": "round(softfactory:slo_budget_remaining:ratio, 0.001)",
                "eval_time": "30d",
                "exp_samples": expected,
            }
        ],
    }
    dump(
        {
            "rule_files": ["rules.yml"],
            "evaluation_interval": "2h",
            "tests": [case],
        },
        folder / "unit.yml",
    )
    done = subprocess.run(
        [*promtool, "test", "rules", str(folder / "unit.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def remaining(slo: str, value: float) -> dict:
    return {"labels": f'{{service="shop", slo="{slo}"}}', "value": value}


@pytest.mark.integration
def test_the_remaining_budget_is_what_30_days_have_not_spent(promtool, tmp_path):
    """Half of latency's, all of success' and a tenth more, and nothing of availability's."""
    labels = 'service="shop", slo='
    series = {
        f'softfactory:slo_bad:rate{{{labels}"availability"}}': f"0x{SAMPLES}",
        f'softfactory:slo_total:rate{{{labels}"availability"}}': f"1x{SAMPLES}",
        f'softfactory:slo_bad:rate{{{labels}"latency"}}': f"0x{SAMPLES // 2} 1x{SAMPLES // 2}",
        f'softfactory:slo_total:rate{{{labels}"latency"}}': f"20x{SAMPLES}",
        f'softfactory:slo_bad:rate{{{labels}"success"}}': f"0.0011x{SAMPLES}",
        f'softfactory:slo_total:rate{{{labels}"success"}}': f"10x{SAMPLES}",
    }
    expected = [remaining("availability", 1), remaining("latency", 0.5), remaining("success", -0.1)]
    assert evaluated(promtool, tmp_path, series, expected) == ""


@pytest.mark.integration
def test_without_a_request_there_is_no_budget_to_speak_of(promtool, tmp_path):
    labels = 'service="shop", slo="success"'
    series = {
        f"softfactory:slo_bad:rate{{{labels}}}": f"0x{SAMPLES}",
        f"softfactory:slo_total:rate{{{labels}}}": f"0x{SAMPLES}",
    }
    assert evaluated(promtool, tmp_path, series, []) == ""


# --- on a real Prometheus, at the largest scale, from a backfilled past ---

GROUPS = {"slo", "slo_long"}
SERVICE = "softfactory"  # the one that is missed when discovery has nothing at all


@pytest.fixture(params=[True, False], ids=["with a past", "without a past"])
def watching(request, tools, tmp_path) -> Iterator[tuple[bool, str]]:
    """A Prometheus with the scaled rules of the error budgets that has nothing to scrape."""
    production = production_files()
    scale = largest_time_scale(load_rules(RULES.read_text()), GROUPS)
    derived = derive(
        production,
        time_scale=scale,
        groups=GROUPS,
        run=RunAddresses(
            prometheus_targets_glob=tmp_path / "none-*.json",
            prometheus="127.0.0.1:9",
            alertmanager="127.0.0.1:9",
            pagerduty_url="http://127.0.0.1:9/",
            smtp_smarthost="127.0.0.1:9",
            smtp_ca_file=tmp_path / "ca.pem",
            secrets_directory=tmp_path,
        ),
    )
    (tmp_path / "prometheus.yml").write_text(derived.prometheus_yaml)
    (tmp_path / RULES.name).write_text(derived.rules_yaml)
    if request.param:
        end = datetime.now(UTC)
        backfill(
            tools.promtool.command,
            [
                PastSeries(name=name, labels={"service": SERVICE, "slo": "availability"}, value=v)
                for name, v in (("softfactory:slo_bad:rate", 0), ("softfactory:slo_total:rate", 1))
            ],
            data=tmp_path / "data",
            start=end - divide(timedelta(days=3), scale),
            end=end,
            step=derived.scrape_interval,
        )
    with reserve() as port, Processes() as processes:
        processes.start(
            "prometheus",
            [
                *tools.prometheus.command,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port.port}",
                *derived.prometheus_flags,
            ],
            log=tmp_path / "log",
        )
        yield request.param, f"http://127.0.0.1:{port.port}"


def firing(url: str) -> set[str]:
    alerts = requests.get(f"{url}/api/v1/alerts", timeout=2).json()["data"]["alerts"]
    assert {each["labels"]["service"] for each in alerts} <= {SERVICE}
    return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}


def value(url: str, query: str) -> float:
    found = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=2).json()
    result = found["data"]["result"]
    return float(result[0]["value"][1]) if result else -1.0


@pytest.mark.integration
def test_an_outage_burns_fast_and_slow_against_a_healthy_past_and_is_no_news_without_one(watching):
    past, url = watching
    ratio = 'softfactory:slo_error:ratio_1d{slo="availability"}'
    wait_until(
        lambda: value(url, ratio) > (0.02 if past else 0.99),
        what=f"the outage's share of a scaled day at {url}",
        timeout_seconds=40,
        retry_on=(requests.RequestException,),
    )
    if not past:
        assert firing(url) == set()
        return
    wait_until(
        lambda: firing(url) == {"AvailabilityBudgetBurnFast", "AvailabilityBudgetBurnSlow"},
        what=f"both burn alerts at {url}",
        timeout_seconds=40,
    )
    assert value(url, ratio) < 0.5, "the past counts"
