"""The setup guide's files and commands work on the real tools; nobody outside is told anything."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import promql_parser
import pytest
import requests

from stack.grafana.dashboards import DASHBOARDS
from stack.ports import reserve
from stack.processes import Processes
from stack.production import production_files
from stack.rules import load_rules
from stack.tools import ToolSettings, find_tools
from stack.waiting import wait_until
from tests.docs.catalogue import SETUP
from tests.docs.guide import ROOT, blocks

COMMANDS = blocks("name", SETUP)
FILES = blocks("title", SETUP)
TEXT = SETUP.read_text()
RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")
CONFIG = production_files().alertmanager.read_text()
NOT_RUN = {"start", "reload", "look", "prove"}
"""They need systemd, a Prometheus, or a whole drill; the guide for applications runs the like."""
NOBODY = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
COMMAND_SECONDS = 60.0


@pytest.fixture(scope="module")
def tools():
    return find_tools(ToolSettings.from_env(), lambda _: None)


@pytest.fixture(scope="module")
def machine(tools, tmp_path_factory):
    """A folder that stands for the machine's root, with the tools on its path."""
    root = tmp_path_factory.mktemp("machine")
    for name in ("bin", "opt", "etc"):
        (root / name).mkdir()
    (root / "opt" / "alertproof").symlink_to(ROOT)
    for tool in tools.each():
        wrapper = root / "bin" / tool.name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(tool.command)} "$@"\n')
        wrapper.chmod(0o755)
    run(root, COMMANDS["install"])
    return root


def run(root: Path, text: str, *, given: str = "", folder: Path = ROOT) -> str:
    """Run a block as whoever this is, below `root` in place of the machine's own folders."""
    text = re.sub(r"^useradd .*\n", "", text, flags=re.M)
    text = re.sub(r" -o \w+(?: -g \w+)?", "", text)
    text = re.sub(r"(?<![\w.$])/(?=(?:etc|opt|var)/)", f"{root}/", text)
    done = subprocess.run(
        ["bash", "-euc", text],
        cwd=folder,
        env={**os.environ, "USER": "ann", "PATH": f"{root / 'bin'}:{os.environ['PATH']}"},
        input=given,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (
        f"{text}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout


def test_every_command_is_run_or_is_one_that_needs_a_machine():
    source = Path(__file__).read_text()
    for name in COMMANDS:
        assert (name in NOT_RUN) is not (f'COMMANDS["{name}"]' in source), name
    assert COMMANDS.keys() >= NOT_RUN


def test_the_secrets_table_and_the_command_name_the_files_that_alertmanager_reads():
    read = set(re.findall(r": /etc/alertmanager/secrets/(\w+)", CONFIG))
    table = TEXT.partition("| file | is |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \| ", table, re.M)) == read
    assert set(re.findall(r"\b\w+_(?:url|key|password)\b", COMMANDS["secrets"])) == read


def test_every_query_reads_series_that_exist():
    known = {rule.name for rule in RULES.recordings}
    for query in re.findall(r"^```promql\n(.*?)^```$", TEXT, re.M | re.S):
        promql_parser.parse(query)
        assert set(re.findall(r"\b(?:softfactory|threshold):[\w:]+", query)) <= known


def test_the_routes_table_has_the_repeat_intervals_of_the_routes():
    rows = re.findall(r"^\| (CRITICAL|HIGH|MEDIUM|LOW) \|.*\| (\d+h)[^|]*\| [^|]+\|$", TEXT, re.M)
    for severity, repeat in rows:
        route = CONFIG.partition(f'severity="{severity}"')[2].partition("matchers")[0]
        assert f"repeat_interval: {repeat}\n" in route, severity
    assert len(rows) == 4


def test_the_headline_is_one_that_a_receiver_can_take_apart():
    from stack.receivers import parse_headline

    (line,) = re.findall(r"^\[FIRING\] .*$", TEXT, re.M)
    headline = parse_headline(line)
    assert headline is not None
    rule = RULES.alert(headline.alert)
    assert (headline.severity, headline.action) == (
        rule.labels["severity"],
        rule.annotations["action"],
    )


@pytest.mark.integration
@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_each_flag_of_a_unit_is_known_to_its_program(tools, name):
    unit = FILES[f"/etc/systemd/system/{name}.service"]
    done = subprocess.run(
        [*getattr(tools, name).command, "--help"], capture_output=True, text=True, check=False
    )
    for flag in re.findall(r"--[\w.-]+", unit):
        assert f" {flag}" in done.stdout + done.stderr, flag


@pytest.mark.integration
def test_what_is_installed_is_what_the_checks_accept_and_every_secret_is_its_owners(machine):
    (machine / "etc" / "prometheus" / "targets" / "shop.yml").write_text(
        FILES["/etc/prometheus/targets/shop.yml"]
    )
    one = COMMANDS["secrets"].replace("/dev/stdin", "<(echo secret)")
    run(machine, one)
    said = run(machine, COMMANDS["check"])
    assert f"{len(RULES.rules)} rules found" in said
    assert "FAILED" not in said
    assert len(re.findall(r"^600 \w+ \w+$", said, re.M)) == 7
    assert (machine / "etc" / "alertmanager" / "secrets").stat().st_mode & 0o777 == 0o700


@pytest.mark.integration
def test_a_change_is_checked_with_commands_that_work(machine):
    said = run(machine, COMMANDS["tune"])
    assert f"{len(RULES.rules)} rules found" in said
    assert said.rstrip().endswith("high")


@pytest.mark.integration
def test_grafana_gets_its_dashboards_and_data_sources_by_the_command(machine):
    (machine / "etc" / "grafana").mkdir()
    run(machine, COMMANDS["grafana"])
    installed = machine / "etc" / "grafana"
    assert {path.name for path in (installed / "dashboards").iterdir()} == {
        path.name for path in DASHBOARDS.iterdir()
    }
    sources = installed / "provisioning" / "datasources" / "softfactory.yml"
    for address in re.findall(
        r"`(\w+:\d+)`", TEXT.partition("## Dashboards")[2].partition("##")[0]
    ):
        assert f"url: http://{address}\n" in sources.read_text()


def test_the_command_for_panels_writes_what_is_not_in_its_form(tmp_path):
    copytree(ROOT / "stack", tmp_path / "stack", ignore=ignore_patterns("__pycache__"))
    alerts = tmp_path / "stack" / "grafana" / "dashboards" / "alerts.json"
    shipped = alerts.read_text()
    alerts.unlink()
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert run(tmp_path, COMMANDS["panels"], folder=tmp_path) == f"wrote {alerts}\n"
    assert alerts.read_text() == shipped


def test_grafanas_address_is_as_shipped_in_the_one_place_that_the_guide_names():
    row = re.search(r"`softfactory\.grafana` in `(templates/\S+)` \| `(\S+)`", TEXT)
    assert row
    room = production_files().rules.parent
    places = [path.name for path in room.rglob("*") if path.is_file() and row[2] in _text(path)]
    assert places == [Path(row[1]).name]


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


@pytest.mark.integration
def test_alerts_by_hand_are_seen_silenced_and_heard_again(tools, machine, tmp_path):
    (tmp_path / "alertmanager.yml").write_text(NOBODY)
    with reserve() as port, Processes() as processes:
        url = f"127.0.0.1:{port.port}"
        processes.start(
            "alertmanager",
            [
                *tools.alertmanager.command,
                f"--config.file={tmp_path / 'alertmanager.yml'}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address={url}",
                "--cluster.listen-address=",
            ],
            log=tmp_path / "log",
        )
        wait_until(
            lambda: requests.get(f"http://{url}/-/ready", timeout=5).ok,
            what="Alertmanager to be ready",
            timeout_seconds=20,
            retry_on=(requests.ConnectionError,),
        )

        def here(text: str) -> str:
            return run(machine, text.replace("127.0.0.1:9093", url))

        here(COMMANDS["by-hand"])
        now = here(COMMANDS["now"])
        assert all(f"Hello{severity}" in now for severity in ("CRITICAL", "HIGH", "MEDIUM", "LOW"))
        assert "HighCPUUsage" in here(COMMANDS["silence"])
        here(COMMANDS["expire"])
        assert "HighCPUUsage" not in here(COMMANDS["silence"].splitlines()[-1])
