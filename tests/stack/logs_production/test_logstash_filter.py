"""Logstash's filter and the shipper make the same document of the same line.

The filter's Ruby runs on JRuby, which Logstash runs on; around it stands as little of Logstash as
it uses (`jruby/filter.rb`).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stack.logs.shipping.documents import MAX_ID_BYTES, MESSAGE_CHARACTERS, DocumentMaker
from stack.tools import ToolSettings
from stack.tools.java import find_java
from stack.tools.maven import copy_artifacts, find_maven
from tests.stack.logs_production.logstash import CONFIGURATION, parse

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent / "jruby"
LOG_FILE = Path("/logs/app.log")
READ_AT = datetime(2026, 3, 7, 12, tzinfo=UTC)
TIME = "2026-03-07T11:59:59.123456Z"
SECONDS = 120.0
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""It runs for a second: compiling well costs more than it saves."""

USUAL = {
    "@timestamp": TIME,
    "log.level": "info",
    "message": "GET /api/items 200",
    "event.id": "0f3-1",
    "http.response.status_code": 200,
    "latency_ms": 12.5,
    "extra": {"left": 1, "deep": {"er": [1, 2]}},
}


def line(**changes: Any) -> str:
    record = {**USUAL, **changes}
    return json.dumps({name: value for name, value in record.items() if value is not ...})


LINES = {
    "usual": line(),
    "no extra": line(extra=...),
    "unknown fields": line(color="red", extra={"color": "blue"}, process={"name": "w"}),
    "names that look like Logstash's": line(
        **{"#": 1, "fields": 2, "end": 3, "host": "a", "path": "/b", "@version": "9", "record": {}}
    ),
    "nested as other clients do": line(log={"logger": "shop", "syslog": {"priority": 3}}),
    "nested and dotted": line(log={"level": "error"}),
    "an empty group": line(log={}),
    "extra that is no object": line(extra="all of it"),
    "an unknown null": line(color=None),
    "fields that only shipping adds": line(
        **{"event.ingested": TIME, "log.file.path": "/etc/passwd", "event.original": "x"}
    ),
    "no time": line(**{"@timestamp": ...}),
    "a time without a zone": line(**{"@timestamp": "2026-03-07T11:59:59"}),
    "a time that is none": line(**{"@timestamp": "2026-02-31T11:59:59Z"}),
    "a time that is a number": line(**{"@timestamp": 1772884799}),
    "a time with another zone": line(**{"@timestamp": "2026-03-07T23:59:59-05:00"}),
    "a time before 1970": line(**{"@timestamp": "1969-12-31T23:59:59.5Z"}),
    "the first time there is": line(**{"@timestamp": "1970-01-01T00:00:00Z"}),
    "a time far ahead": line(**{"@timestamp": "2999-01-01T00:00:00Z"}),
    "an hour that is none": line(**{"@timestamp": "2026-03-07T24:00:00Z"}),
    "a list in a field": line(**{"http.response.status_code": [200], "message": ["a", {"b": 1}]}),
    "a list in a nested field": line(user={"id": ["a", "b"]}),
    "a list for a time": line(**{"@timestamp": [TIME]}),
    "a nested id": line(event={"id": USUAL["event.id"]}, **{"event.id": ...}),
    "a tag of its own": line(tags="mine", **{"@timestamp": ...}),
    "tags of its own": line(tags=["a", "b"]),
    "text": "Traceback (most recent call last):",
    "text with blanks around it": '  File "app.py", line 3\t',
    "a long text": "é" * (MESSAGE_CHARACTERS + 1),
    "text just short enough": "é" * MESSAGE_CHARACTERS,
    "an array": '[{"message": "one"}]',
    "half a record": line()[:-3],
    "beyond the first plane": line(message="\U0001f4a5 größer", **{"url.path": "/\u2028"}),
}

OWN_IDS = {
    "no id": line(**{"event.id": ...}),
    "an empty id": line(**{"event.id": ""}),
    "an id that is a number": line(**{"event.id": 7}),
    "an id that is null": line(**{"event.id": None}),
    "an id that is a list": line(**{"event.id": ["a"]}),
    "too long an id": line(**{"event.id": "ü" * (MAX_ID_BYTES // 2 + 1)}),
}

Told = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def logstash(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the filter makes of lines: for each the id and the document."""
    folder = tmp_path_factory.mktemp("jruby")
    settings = ToolSettings.from_env()
    copy_artifacts(find_maven(settings, print), HERE / "pom.xml", folder, {})
    (jruby,) = folder.glob("jruby-complete-*.jar")
    (ruby,) = (one for one in parse(CONFIGURATION.read_text()) if one.name == "ruby")
    parts = [folder / "init", folder / "code"]
    for part in parts:
        part.write_text(str(ruby.options[part.name]), encoding="utf-8")
    java = find_java(settings, print)

    def told(lines: list[str]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [*java.command, *QUICK, "-jar", jruby, "--dev", HERE / "filter.rb", *parts],
            input="".join(f"{one}\n" for one in lines),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(one) for one in done.stdout.split("\n")[:-1]]  # U+2028 ends none

    return told


@pytest.fixture(scope="session")
def made_twice(logstash: Told) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """What the filter makes of every line, and when it reads it again."""
    asked = LINES | OWN_IDS
    told = logstash([*asked.values(), *asked.values()])
    first, again = told[: len(asked)], told[len(asked) :]
    return dict(zip(asked, first, strict=True)), dict(zip(asked, again, strict=True))


@pytest.fixture
def made(made_twice: tuple[dict[str, dict[str, Any]], object]) -> dict[str, dict[str, Any]]:
    return made_twice[0]


def shipped(text: str) -> tuple[str, dict[str, Any]]:
    maker = DocumentMaker(LOG_FILE)
    maker.begin(now=READ_AT, arrival=READ_AT)
    document = maker.make(text.encode(), key="k", offset=0)
    source = json.loads(document.source)
    return json.loads(document.action)["create"]["_id"], source


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """All that Elasticsearch makes a difference of: null is absent, and a time is a time."""
    told = {name: value for name, value in document.items() if value is not None}
    told["@timestamp"] = datetime.fromisoformat(told["@timestamp"])
    datetime.fromisoformat(told.pop("event.ingested"))
    return told


@pytest.mark.parametrize("name", LINES | OWN_IDS)
def test_the_document_is_the_shippers(name: str, made: dict[str, dict[str, Any]]) -> None:
    wanted_id, wanted = shipped((LINES | OWN_IDS)[name])
    wanted, told = comparable(wanted), comparable(made[name]["document"])
    # One that was made is of its place in the file here, and of its content there.
    assert (wanted.pop("event.id"), told.pop("event.id")) == (wanted_id, made[name]["id"])
    assert told == wanted


@pytest.mark.parametrize("name", [name for name, text in LINES.items() if text.endswith("}")])
def test_the_id_is_the_records_own(name: str, made: dict[str, dict[str, Any]]) -> None:
    assert made[name]["id"] == shipped(LINES[name])[0] == USUAL["event.id"]


def test_a_record_without_a_usable_id_has_one_of_its_content_each_time(
    made_twice: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]],
) -> None:
    first, again = made_twice
    assert [one["id"] for one in first.values()] == [one["id"] for one in again.values()]
    ids = [first[name]["id"] for name in (*OWN_IDS, "text", "a long text", "an array")]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == len(shipped(LINES["text"])[0]) for one in ids)
