import json
import logging
import re
from datetime import datetime

import pytest
from flask import Flask

from instrumentation.logging_config import (
    JsonFormatter,
    configure_logging,
    request_logging_middleware,
)

FIELDS = {"@timestamp", "level", "message", "logger", "request_id", "latency_ms", "user_id"} | {
    "method",
    "path",
    "status",
}


@pytest.fixture
def records(read_log):
    return lambda: [json.loads(line) for line in read_log()]


def access(records):
    return [record for record in records if record["logger"] == "instrumentation.request"]


def test_each_request_is_one_record_with_who_what_and_how_long(make_app, ask, records):
    ask(make_app(), "/items/3", headers={"X-Request-Id": "abc", "X-User-Id": "42"})
    (record,) = access(records())
    assert record.keys() >= FIELDS
    assert (record["request_id"], record["user_id"]) == ("abc", "42")
    assert (record["method"], record["path"], record["status"]) == ("GET", "/items/3", 200)
    assert record["latency_ms"] > 0
    assert record["level"] == "INFO"


def test_time_is_utc_with_a_z(make_app, ask, records):
    ask(make_app(), "/ok")
    stamp = records()[0]["@timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    datetime.fromisoformat(stamp)


def test_what_the_application_logs_carries_the_request_it_belongs_to(make_app, ask, records):
    ask(make_app(), "/ok", headers={"X-Request-Id": "abc"})
    (inside,) = [record for record in records() if record["message"] == "inside ok"]
    assert (inside["request_id"], inside["path"], inside["status"]) == ("abc", "/ok", None)


def test_outside_a_request_the_fields_are_there_and_null(make_app, records):
    make_app().logger.warning("start")
    record = records()[-1]
    assert record.keys() >= FIELDS
    assert record["request_id"] is None


def test_a_failure_is_logged_with_its_traceback_and_the_same_request_id(make_app, ask, records):
    request_id = ask(make_app(), "/boom").headers["X-Request-Id"]
    failure = next(record for record in records() if "exception" in record)
    assert "KeyError" in failure["exception"]
    assert "\n" in failure["exception"]
    assert failure["request_id"] == request_id
    (finished,) = access(records())
    assert (finished["level"], finished["status"]) == ("ERROR", 500)


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\nb", 'quote " back \\', "line\u2028separator", "next\x85line", "\ud800", "\0"],
)
def test_no_text_can_break_a_line(make_app, read_log, text):
    app = make_app()
    before = len(read_log())
    app.logger.error(text, extra={"more": text, text: 1})
    try:
        raise ValueError(text)
    except ValueError:
        app.logger.exception("%s", text)
    lines = read_log()[before:]
    assert len(lines) == 2
    assert json.loads(lines[0])["message"] == text
    assert json.loads(lines[0])["extra"]["more"] == text


def test_a_forged_path_or_user_cannot_break_a_line(make_app, ask, records):
    ask(make_app(), '/a%0A{"level":"ERROR"}', headers={"X-User-Id": 'x"y'})
    (record,) = access(records())
    assert record["path"] == '/a\n{"level":"ERROR"}'
    assert record["user_id"] is None


def test_values_that_json_lacks_are_written_as_text(make_app, records):
    extra = {"ratio": float("nan"), "thing": object(), "deep": {1: [float("inf")]}}
    make_app().logger.info("odd", extra=extra)
    written = records()[-1]["extra"]
    assert written["ratio"] == "nan"
    assert written["thing"].startswith("<object")
    assert written["deep"] == {"1": ["inf"]}


def test_arguments_that_do_not_fit_lose_nothing():
    record = logging.makeLogRecord({"msg": "%d users", "args": ("many",)})
    assert json.loads(JsonFormatter().format(record))["message"] == "%d users ('many',)"


def test_scrapes_do_not_fill_the_log_unless_debugging(make_app, ask, records, tmp_path):
    ask(make_app(), "/api/metrics/live")
    assert access(records()) == []
    ask(make_app("debugged", debug=True), "/api/metrics/live")
    (record,) = access(records())
    assert (record["level"], record["path"]) == ("DEBUG", "/api/metrics/live")


def test_two_applications_keep_their_records_apart(make_app, ask, read_log, tmp_path):
    one, two = make_app("one"), make_app("two", log_file=tmp_path / "two.log")
    ask(one, "/ok", headers={"X-Request-Id": "for-one"})
    ask(two, "/boom", headers={"X-Request-Id": "for-two"})
    assert "for-two" not in "".join(read_log())
    assert "for-one" not in (tmp_path / "two.log").read_text()
    assert "for-two" in (tmp_path / "two.log").read_text()


def test_a_log_file_that_is_moved_away_is_followed(make_app, read_log, tmp_path):
    app = make_app()
    app.logger.info("before")
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    app.logger.info("after")
    assert len(read_log()) == 1


def test_configuring_again_replaces_the_file(make_app, clean_up, tmp_path):
    app = make_app()
    configure_logging(app, log_file=tmp_path / "new" / "app.log")
    app.logger.info("once")
    assert len((tmp_path / "new" / "app.log").read_text().splitlines()) == 1
    assert "once" not in (tmp_path / "app.log").read_text()


def test_the_two_step_form_logs_without_metrics(clean_up, ask, tmp_path):
    app = Flask("plain", static_folder=None)
    clean_up(app)
    configure_logging(app, log_file=str(tmp_path / "plain.log"), debug=False)
    request_logging_middleware(app)
    response = ask(app, "/nowhere")
    (record,) = [json.loads(line) for line in (tmp_path / "plain.log").read_text().splitlines()]
    assert record["status"] == 404
    assert record["request_id"] == response.headers["X-Request-Id"]


def test_libraries_are_in_the_file_as_well(make_app, records):
    make_app()
    logging.getLogger("some.library").warning("hello")
    assert records()[-1]["logger"] == "some.library"
