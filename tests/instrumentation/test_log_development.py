import json
import logging
import re

import pytest

from instrumentation.log_development import is_request_line
from stack.ports import reserve
from stack.waiting import wait_until
from tests.instrumentation.blog.conversation import get
from tests.instrumentation.test_foreign_app import flask_run, running

SAYS = (get("/nowhere"), get("/export/crash"), get("/static/style.css"))


def terminal_of(factory, folder):
    """What the development server shows: the lines that are neither of a probe nor of a moment."""
    with reserve() as port, running(flask_run(factory, port.port), port.port, folder) as wire:
        for say in SAYS:
            wire.answer(say, {})
        log = folder / "app.log"
        wait_until(
            lambda: not log.exists() or paths_in(log).count("/export/crash") == 1,
            what="what was logged stands in the file, as a signal ends this server at once",
            timeout_seconds=30,
        )
    shown = (folder / "server.log").read_text().replace(str(port.port), "PORT")
    shown = re.sub(r"\[[^\]\[]*\d\d:\d\d:\d\d[^\]\[]*\]", "[TIME]", shown)
    shown = shown.replace(factory, "FACTORY")
    lines = shown.splitlines()
    return [line for line in lines if line.strip() and not line.startswith("  ")]


def paths_in(log):
    lines = log.read_text().splitlines(keepends=True)
    records = [json.loads(line) for line in lines if line.endswith("\n")]
    return [one["url.path"] for one in records if one["log.logger"] == "instrumentation.request"]


@pytest.mark.integration
def test_a_terminal_shows_of_the_development_server_what_it_would_show_without_us(tmp_path):
    bare = terminal_of("bare", tmp_path / "bare")
    observed = terminal_of("in_one_call", tmp_path / "observed")
    assert any("Running on http://" in line for line in bare)
    assert any(line.startswith("Traceback") for line in bare)
    probes = '"GET /static/style.css HTTP/1.1'  # waiting may have taken more than one
    assert sorted({line for line in observed if probes not in line}) == sorted(
        {line for line in bare if probes not in line}
    )
    assert [line for line in observed if "Running" in line or "Traceback" in line] == [
        line for line in bare if "Running" in line or "Traceback" in line
    ]
    records = [
        json.loads(line) for line in (tmp_path / "observed" / "app.log").read_text().splitlines()
    ]
    assert not any("HTTP/1.1" in record["message"] for record in records)
    told = paths_in(tmp_path / "observed" / "app.log")
    assert [told.count(path) for path in ("/nowhere", "/export/crash")] == [1, 1]
    assert any("Running on" in record["message"] for record in records)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ('127.0.0.1 - - [24/Nov/2026 10:00:00] "GET /a HTTP/1.1" 200 -', True),
        ('::1 - - [24/Nov/2026 10:00:00] "\x1b[33mGET /a HTTP/1.0\x1b[0m" 404 -', True),
        (" * Running on http://127.0.0.1:5000", False),
        ("code 400, message Bad request version", False),
    ],
)
def test_a_request_line_of_the_server_is_known_by_its_form(text, is_one):
    made = logging.makeLogRecord({"name": "werkzeug", "levelno": logging.INFO, "msg": text})
    assert is_request_line(made) is is_one
    made.name = "shop"
    assert not is_request_line(made)
