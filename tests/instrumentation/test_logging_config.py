import gc
import json
import logging
import logging.config
import pickle
import re
import stat
import weakref
from datetime import datetime

import pytest
from flask import Flask

from instrumentation.log_handler import JsonFileHandler
from instrumentation.logging_config import (
    configure_logging,
    flush_logs,
    log_counts,
    request_logging_middleware,
)
from instrumentation.settings import InstrumentSettings, SettingsError


@pytest.fixture
def records(read_log):
    return lambda name="app.log": [json.loads(line) for line in read_log(name)]


def access(records):
    return [record for record in records if record["log.logger"] == "instrumentation.request"]


def test_each_request_is_one_record_with_who_what_and_how_long(make_app, ask, records):
    ask(make_app(), "/items/3?page=2", headers={"X-Request-Id": "abc"})
    (record,) = access(records())
    expected = {
        "request_id": "abc",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.response.body.bytes": len('{"item":3}\n'),
        "http.route": "/items/<int:item>",
        "url.path": "/items/3",
        "url.query": "page=2",
        "log.level": "info",
        "message": "GET /items/3 200",
    }
    assert expected.items() <= record.items()
    assert record["latency_ms"] > 0
    assert record["event.duration"] == pytest.approx(record["latency_ms"] * 1e6, abs=1000)
    assert re.fullmatch("[0-9a-f]{32}", record["trace.id"])
    assert re.fullmatch("[0-9a-f]{16}", record["span.id"])


def test_a_record_says_which_service_process_and_thread_it_is_of(make_app, records, tmp_path):
    app = make_app()
    settings = InstrumentSettings(service_name="shop", service_version="1.2", environment="staging")
    configure_logging(app, tmp_path / "app.log", settings=settings)
    app.logger.warning("start")
    record = records()[-1]
    expected = {
        "service.name": "shop",
        "service.version": "1.2",
        "service.environment": "staging",
        "process.thread.name": "MainThread",
        "log.level": "warning",
    }
    assert expected.items() <= record.items()
    assert record["ecs.version"]
    assert isinstance(record["process.pid"], int)


def test_every_record_has_an_id_of_its_own(make_app, ask, records):
    app = make_app()
    for _ in range(5):
        ask(app, "/ok")
    ids = [record["event.id"] for record in records()]
    assert len(ids) >= 10
    assert len(set(ids)) == len(ids)


def test_time_is_utc_with_a_z(make_app, ask, records):
    ask(make_app(), "/ok")
    stamp = records()[0]["@timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z", stamp)
    datetime.fromisoformat(stamp)


def test_what_the_application_logs_carries_the_request_and_trace_it_belongs_to(
    make_app, ask, records
):
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Request-Id": "abc", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    ask(make_app(), "/ok", headers=headers)
    (inside,) = [record for record in records() if record["message"] == "inside ok"]
    (finished,) = access(records())
    for name in ("request_id", "trace.id", "span.id"):
        assert inside[name] == finished[name]
    assert (inside["request_id"], inside["trace.id"]) == ("abc", trace)
    assert inside["url.path"] == "/ok"


def test_what_is_not_known_is_absent_rather_than_null(make_app, ask, records):
    app = make_app()
    app.logger.warning("start")
    ask(app, "/nowhere")
    assert all(value is not None for record in records() for value in record.values())
    start = next(record for record in records() if record["message"] == "start")
    assert "request_id" not in start
    assert "http.route" not in access(records())[0]


def test_a_failure_is_logged_with_its_traceback_and_the_same_request_id(make_app, ask, records):
    request_id = ask(make_app(), "/boom").headers["X-Request-Id"]
    failure = next(record for record in records() if "error.stack_trace" in record)
    assert failure["error.type"] == "KeyError"
    assert "first line" in failure["error.message"]
    assert failure["error.stack_trace"].startswith("Traceback")
    assert failure["request_id"] == request_id
    (finished,) = access(records())
    assert (finished["log.level"], finished["http.response.status_code"]) == ("error", 500)
    assert finished["error.type"] == "KeyError"


def test_a_forged_path_cannot_break_a_line(make_app, ask, records):
    ask(make_app(), '/a%0A{"log.level":"error"}')
    (record,) = access(records())
    assert record["url.path"] == '/a\n{"log.level":"error"}'


def test_extras_of_a_known_name_and_type_stand_beside_the_message(make_app, records):
    extra = {"http.response.status_code": 200, "http.route": 7, "order": 3, "message_id": "x"}
    make_app().logger.info("called", extra=extra)
    record = records()[-1]
    assert record["http.response.status_code"] == 200
    assert record["extra"] == {"http.route": 7, "order": 3, "message_id": "x"}


def test_scrapes_do_not_fill_the_log_unless_debugging(make_app, ask, records):
    ask(make_app(), "/api/metrics/live")
    assert access(records()) == []
    ask(make_app("debugged", debug=True), "/api/metrics/live")
    (record,) = access(records())
    assert (record["log.level"], record["url.path"]) == ("debug", "/api/metrics/live")


def test_two_applications_keep_their_records_apart(make_app, ask, read_log, tmp_path):
    one, two = make_app("one"), make_app("two", log_file=tmp_path / "two.log")
    ask(one, "/ok", headers={"X-Request-Id": "for-one"})
    ask(two, "/boom", headers={"X-Request-Id": "for-two"})
    assert "for-two" not in "".join(read_log())
    assert "for-one" not in "".join(read_log("two.log"))
    assert "for-two" in "".join(read_log("two.log"))


def test_configuring_again_replaces_the_file(make_app, read_log, tmp_path):
    app = make_app()
    app.logger.info("before")
    configure_logging(app, log_file=tmp_path / "new" / "app.log")
    app.logger.info("once")
    assert [json.loads(line)["message"] for line in read_log("new/app.log")] == ["once"]
    assert "once" not in "".join(read_log())
    assert "before" in "".join(read_log())


def test_the_two_step_form_logs_without_metrics(clean_up, ask, records, tmp_path):
    app = Flask("plain", static_folder=None)
    clean_up(app)
    configure_logging(app, log_file=str(tmp_path / "plain.log"), debug=False)
    request_logging_middleware(app)
    response = ask(app, "/nowhere")
    (record,) = records("plain.log")
    assert record["http.response.status_code"] == 404
    assert record["request_id"] == response.headers["X-Request-Id"]


def test_asking_for_request_logs_twice_logs_each_request_once(make_app, ask, records):
    app = make_app()
    request_logging_middleware(app)
    ask(app, "/ok")
    assert len(access(records())) == 1


def test_libraries_are_in_the_file_as_well(make_app, records):
    make_app()
    logging.getLogger("some.library").warning("hello")
    assert records()[-1]["log.logger"] == "some.library"


def test_the_file_and_its_directory_are_closed_to_others_whatever_the_umask(
    make_app, tmp_path, open_umask
):
    make_app(log_file=tmp_path / "a" / "b" / "app.log")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "a" / "b" / "app.log").stat().st_mode) == 0o640


@pytest.mark.parametrize("where", ["taken/app.log", "directory"])
def test_a_log_that_cannot_be_written_is_refused_at_the_start_in_one_line(
    clean_up, tmp_path, where
):
    (tmp_path / "taken").write_text("a file, no directory")
    (tmp_path / "directory").mkdir()
    app = Flask("plain", static_folder=None)
    clean_up(app)
    with pytest.raises(SettingsError, match=re.escape(str(tmp_path / where))) as refused:
        configure_logging(app, log_file=tmp_path / where)
    assert "\n" not in str(refused.value)


def test_records_are_counted_by_level_and_handed_over_to_whoever_binds(make_app, records):
    app = make_app()
    told = []
    before = log_counts(app).levels["warning"]
    app.logger.warning("one")
    log_counts(app).bind(lambda level, n: told.append((level, n)), lambda *_: None)
    app.logger.warning("two")
    app.logger.log(logging.WARNING + 5, "a level of the team's own")
    records()
    assert sum(n for level, n in told if level == "warning") == before + 3
    assert log_counts(app).levels["warning"] == before + 3
    assert set(log_counts(app).lost.values()) == {0}


def test_debug_shows_records_on_standard_error_too(clean_up, tmp_path, capsys):
    app = Flask("desk", static_folder=None)
    clean_up(app)
    configure_logging(app, log_file=tmp_path / "app.log", debug=True)
    app.logger.debug("a detail", extra={"order": 7, "password": "hunter2", "line": "a\nb\x1b[1m"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("DEBUG")
    assert "a detail order=7 password=[redacted] line=a\\nb\\x1b[1m" in line
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        app.logger.exception("failed")
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "\x1b" not in shown
    configure_logging(app, log_file=tmp_path / "app.log", debug=False)
    app.logger.warning("not at a desk")
    assert capsys.readouterr().err == ""


def test_settings_name_the_service_and_its_further_secrets(clean_up, records, tmp_path):
    app = Flask("plain", static_folder=None)
    clean_up(app)
    settings = InstrumentSettings(service_name="shop", log_redact=("pin",))
    configure_logging(app, log_file=tmp_path / "app.log", settings=settings)
    app.logger.warning("pin=1234", extra={"customer_pin": 1234})
    (record,) = records()
    assert (record["message"], record["extra"]) == (
        *("pin=[redacted]", {"customer_pin": "[redacted]"}),
    )
    assert flush_logs(app)


def test_a_log_that_dictconfig_took_away_is_back_with_the_first_request(make_app, ask, read_log):
    app = make_app()
    logging.config.dictConfig({"version": 1, "root": {"level": "WARNING", "handlers": []}})
    ask(app, "/ok")
    told = [json.loads(line) for line in read_log()]
    assert [one["http.response.status_code"] for one in told if "latency_ms" in one] == [200]
    assert [one for one in told if "is back" in one["message"]]


def test_a_record_of_a_request_can_be_sent_to_another_process(make_app, ask):
    taken = []
    handler = logging.Handler()
    handler.emit = lambda record: taken.append(pickle.loads(pickle.dumps(record)))
    logger = logging.getLogger("instrumentation.request")
    logger.addHandler(handler)
    try:
        ask(make_app(), "/ok")
    finally:
        logger.removeHandler(handler)
    assert [record.getMessage() for record in taken] == ["GET /ok 200"]


def test_the_log_keeps_no_application_alive(tmp_path):
    app = Flask("passing", static_folder=None)
    configure_logging(app, tmp_path / "passing.log")
    handlers = [one for one in logging.getLogger().handlers if isinstance(one, JsonFileHandler)]
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None
    assert handlers[-1] not in logging.getLogger().handlers
