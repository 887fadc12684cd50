"""What the guide to the logs names is there, and its commands do what it says on a real node."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from prometheus_client import Metric

from instrumentation.settings import InstrumentSettings, variable
from stack.logs.command import parse
from stack.logs.indices import PATTERN
from stack.logs.kibana.objects import load_objects
from stack.logs.lifecycle import RETENTION_DAYS
from stack.logs.shipping.backoff import CAP_SECONDS
from stack.logs.shipping.dead_letters import DEAD_LETTERS_FILE
from stack.logs.shipping.documents import TAGS
from stack.logs.shipping.metrics import ShipperMetrics
from stack.logs.shipping.settings import STATE_DIRECTORY
from stack.logs.shipping.tally import Tally
from tests.docs.guide import ROOT, blocks
from tests.stack.logs.running import running_node
from tests.stack.logs_production.logstash import CONFIGURATION

GUIDE = ROOT / "docs" / "logs.md"
TEXT = GUIDE.read_text()
COMMANDS = blocks("name", GUIDE)
NOT_RUN = {"size", "kibana", "logstash"}
"""A benchmark of its own, tests of their own, and what is not to be had here."""

ROOMS = "instrumentation|stack|loadtests|scenarios|checks|tests|docs|benchmarks"
REQUEST = "9d742004a5d87cee"
COMMAND_SECONDS = 60.0
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def command_lines() -> list[str]:
    """Every command line of stack.logs, in blocks and in prose."""
    text = TEXT.replace("\\\n", " ")
    return [line.strip() for line in re.findall(r"-m stack\.logs ([^`|>\n]+)", text)]


def metric_names() -> set[str]:
    families: list[Metric] = list(ShipperMetrics(Tally(), Path("/nowhere")).collect())
    return {f"{one.name}{'_total' if one.type == 'counter' else ''}" for one in families}


@pytest.mark.parametrize("line", command_lines())
def test_every_command_of_the_guide_exists_with_its_options(line: str) -> None:
    parse(shlex.split(line))


def test_the_options_that_are_named_alone_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["ship", "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    for command in ("setup", "prune"):
        with pytest.raises(SystemExit):
            parse([command, "--help"])
        known |= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    for line in re.findall(r"`((?:\w+ )?--[^`]+)`", TEXT):
        assert set(re.findall(r"--[a-z-]+", line)) <= known, line


def test_every_link_path_and_heading_that_the_guide_names_exists() -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", TEXT):
        linked = GUIDE.parent / target if target else GUIDE
        assert linked.exists(), target
        titles = re.findall(r"^#+ (.+)$", linked.read_text(), re.M)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in anchors, f"{target}#{anchor}"
    for path in set(re.findall(rf"(?<![\w./-])(?:{ROOMS})/[\w./-]*\w/?", TEXT)):
        assert (ROOT / path).exists(), path


def test_the_metrics_that_the_guide_names_are_the_shippers() -> None:
    named = set(re.findall(r"`(log_shipper_\w+)`", TEXT))
    assert named <= metric_names()
    assert len(named) > 5


def test_every_variable_that_the_guide_names_is_read_somewhere() -> None:
    known = {variable(one) for one in fields(InstrumentSettings)}
    assert set(re.findall(r"INSTRUMENT_\w*[A-Z]", TEXT)) <= known
    code = "".join(path.read_text() for path in (ROOT / "stack" / "logs").rglob("*.py"))
    code += CONFIGURATION.read_text()
    for name in set(re.findall(r"\b(?:ELASTICSEARCH|KIBANA|LOGSTASH)_[A-Z_]*[A-Z]\b", TEXT)):
        stem = name.removesuffix("_FILE")
        assert stem in code or f"_{stem.partition('_')[2]}" in code, name


def test_the_figures_of_the_guide_are_those_of_the_code() -> None:
    for environment, days in RETENTION_DAYS.items():
        assert f"| {environment} | {days} days |" in TEXT
    assert f"prune --days {RETENTION_DAYS['production']}" in COMMANDS["prune"]
    assert CAP_SECONDS == 10, "the guide says ten seconds"
    assert f"{STATE_DIRECTORY}/{DEAD_LETTERS_FILE}" in TEXT
    for tag in TAGS:
        assert f"`tags: {tag}`" in TEXT
    assert "number_of_shards" in (ROOT / "stack" / "logs" / "template.py").read_text()


def test_the_guide_names_what_is_imported_into_kibana() -> None:
    for one in load_objects():
        if one.type in ("search", "dashboard"):
            assert one.title.removeprefix("SoftFactory: ") in " ".join(
                re.findall(r"\*([a-z ]+)\*", TEXT.replace("\n", " "))
            )
        if one.type == "index-pattern":
            assert f"`{one.title}`" in TEXT


def test_logstash_is_given_every_variable_that_it_needs() -> None:
    needed = set(re.findall(r"\$\{([A-Z_]+)\}", CONFIGURATION.read_text()))
    assert needed == set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", COMMANDS["logstash"]))
    counted = re.findall(r'mutate \{ id => "(\w+)"', CONFIGURATION.read_text())
    assert [name for name in counted if f"`{name}`" not in TEXT] == []


def test_the_sizes_of_the_table_are_of_one_measurement() -> None:
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| ([\d.]+) GB \|$", TEXT, re.M)
    assert len(rows) == 2
    for size, gigabytes in rows:
        assert float(gigabytes) == round(int(size) * 30 / 1000, 1)


def test_every_command_is_run_or_says_why_not() -> None:
    source = Path(__file__).read_text()
    for name in COMMANDS:
        is_run = re.search(rf"run\(\S*COMMANDS\[.{name}.]", source)
        assert (name in NOT_RUN) is not bool(is_run), name


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    with running_node(tmp_path_factory.mktemp("elasticsearch")) as (_, client):
        yield client


def run(text: str, client: Elasticsearch, folder: Path) -> str:
    (node,) = client.transport.node_pool.all()
    text = re.sub(r"^export ELASTICSEARCH_URL=.*\n", "", text, flags=re.M)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env={
            **os.environ,
            "ELASTICSEARCH_URL": node.base_url,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{text}\nended with {done.returncode}: {done.stderr}"
    return done.stdout


def record(number: int, **fields: object) -> str:
    return json.dumps(
        {
            "@timestamp": f"{YESTERDAY:%Y-%m-%d}T08:30:0{number}Z",
            "log.level": "info",
            "event.id": f"guide-{number}",
            "message": f"record {number}",
            "request_id": REQUEST,
            **fields,
        }
    )


@pytest.mark.integration
def test_the_commands_of_the_guide_do_what_it_says(node: Elasticsearch, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    wrong = {"http.response.status_code": "none of that"}
    log.write_text(f"{record(1)}\n{record(2, **wrong)}\n{record(3, unknown_field='red')}\n")

    assert "index template softfactory-logs" in run(COMMANDS["setup"], node, tmp_path)
    run(f"{COMMANDS['ship'].rstrip()} --once", node, tmp_path)
    node.indices.refresh(index=PATTERN)
    found = run(COMMANDS["find"], node, tmp_path)
    assert "record 1" in found
    assert "record 3" in found
    assert "record 2" not in found

    assert "document_parsing_exception" in run(COMMANDS["why"], node, tmp_path)
    letters = log.parent / STATE_DIRECTORY / DEAD_LETTERS_FILE
    letters.write_text(letters.read_text().replace('"none of that"', "200"))
    assert json.loads(run(COMMANDS["again"], node, tmp_path)) == {"errors": False}
    node.indices.refresh(index=PATTERN)
    assert "record 2" in run(COMMANDS["find"], node, tmp_path)

    run(COMMANDS["prune"], node, tmp_path)
    assert node.count(index=PATTERN)["count"] == 3, "yesterday is kept"
