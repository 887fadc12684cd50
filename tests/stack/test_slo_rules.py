"""What the error budgets' recording rules write, in virtual time and on a scaled stack's rules."""

import subprocess
from io import StringIO
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stack.production import production_files
from stack.tools import ToolSettings, find_tools

RULES = production_files().rules
WANTED = {
    "threshold:slo_error_budget:ratio",
    "softfactory:slo_error:ratio_30d",
    "softfactory:slo_budget_remaining:ratio",
}
DAYS = 30 * 48  # samples of 30m


@pytest.fixture(scope="module")
def promtool():
    return find_tools(ToolSettings.from_env(), lambda _: None).promtool.command


def dump(content: object, path: Path) -> None:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(content, stream)
    path.write_text(stream.getvalue())


def evaluated(promtool, folder: Path, series: dict[str, str], expected: list[dict]) -> str:
    """Evaluate the rules of the 30 days alone, every 30m: promtool can't hold 30d of 1m samples."""
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
        "interval": "30m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": "softfactory:slo_budget_remaining:ratio",
                "eval_time": "30d",
                "exp_samples": expected,
            }
        ],
    }
    dump(
        {
            "rule_files": ["rules.yml"],
            "evaluation_interval": "30m",
            "fuzzy_compare": True,
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
    name = "softfactory:slo_budget_remaining:ratio"
    return {"labels": f'{name}{{service="shop", slo="{slo}"}}', "value": value}


@pytest.mark.integration
def test_the_remaining_budget_is_what_30_days_have_not_spent(promtool, tmp_path):
    """Half the latency budget, all of the success budget and a tenth more; availability untouched."""
    labels = 'service="shop", slo='
    series = {
        f'softfactory:slo_bad:rate{{{labels}"availability"}}': f"0x{DAYS}",
        f'softfactory:slo_total:rate{{{labels}"availability"}}': f"1x{DAYS}",
        f'softfactory:slo_bad:rate{{{labels}"latency"}}': f"0x{DAYS // 2} 1x{DAYS // 2}",
        f'softfactory:slo_total:rate{{{labels}"latency"}}': f"20x{DAYS}",
        f'softfactory:slo_bad:rate{{{labels}"success"}}': f"0.0011x{DAYS}",
        f'softfactory:slo_total:rate{{{labels}"success"}}': f"10x{DAYS}",
    }
    expected = [remaining("availability", 1), remaining("latency", 0.5), remaining("success", -0.1)]
    assert evaluated(promtool, tmp_path, series, expected) == ""


@pytest.mark.integration
def test_without_a_request_there_is_no_budget_to_speak_of(promtool, tmp_path):
    labels = 'service="shop", slo="success"'
    series = {
        f"softfactory:slo_bad:rate{{{labels}}}": f"0x{DAYS}",
        f"softfactory:slo_total:rate{{{labels}}}": f"0x{DAYS}",
    }
    assert evaluated(promtool, tmp_path, series, []) == ""
