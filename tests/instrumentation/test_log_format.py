import json
import logging
import sys
from collections import namedtuple
from dataclasses import dataclass

import orjson
import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st

from instrumentation.correlation import RequestState
from instrumentation.log_fields import FinishedRecord
from instrumentation.log_format import SMALLEST_RECORD_BYTES, LineFormatter, Service
from instrumentation.log_redaction import Redactor

MAX_BYTES = 4096
LINES = LineFormatter(
    Service(name="fuzzed", environment="test"), redactor=Redactor(), max_bytes=MAX_BYTES
)
SHORT_LINES = LineFormatter(Service(name="fuzzed"), redactor=Redactor(), max_bytes=1)
APP = Flask("fuzzed")
STATE = RequestState(APP, method="GET", path="/" + "\0" * 500)


class Hostile:
    def __init__(self, error):
        self._error = error

    def __str__(self):
        raise self._error

    __repr__ = __str__


class Impostor:
    """Says that it is a text, and is none."""

    __class__ = str


class Unlucky(dict):
    def items(self):
        raise RuntimeError("no items")


@dataclass
class Account:
    name: str
    password: str


def read(line, max_bytes=MAX_BYTES):
    """The record as both readers see it; a line it is only with one end."""
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) <= max_bytes
    one = json.loads(line)
    assert isinstance(one, dict)
    assert orjson.loads(line).keys() == one.keys()
    assert {"@timestamp", "log.level", "message", "event.id", "service.name"} <= one.keys()
    return one


def record(msg, *args, extra=None, error=None):
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.getLogger("fuzzed").makeRecord(
        "fuzzed", logging.INFO, "file.py", 1, msg, args, exc_info, extra=extra
    )


def line(*args, **options):
    return read(LINES.line(record(*args, **options), None))


ODD = {  # by name, as hypothesis shows what it draws from, and these cannot be shown
    "huge": 10**5000,
    "above": 2**64,
    "below": -(2**63) - 1,
    "raises": Hostile(ValueError("x")),
    "recurses": Hostile(RecursionError()),
    "impostor": Impostor(),
    "unlucky": Unlucky(a=1),
    "account": Account("a", "b"),
    "object": object(),
    "type": int,
    "function": lambda: None,
    "complex": 1j,
    "ellipsis": ...,
    "range": range(3),
}


def odd(name):
    return ODD[name]


texts = st.text(st.characters(codec=None), max_size=200) | st.sampled_from(
    [
        "a\nb",
        "\r\n",
        "\0",
        "\ud800",
        "\udfff\ud800",
        '"}\n{"a":1}',
        "\u2028\x85",
        "%s%d%(x)s",
        "\x1b[0m",
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | texts
    | st.floats()
    | st.integers(-(2**70), 2**70)
    | st.binary(max_size=50)
    | st.sampled_from(sorted(ODD)).map(odd)
)
keys = texts | st.integers() | st.none() | st.binary(max_size=5) | st.floats()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=20,
)
OWN = set(vars(record("x"))) | {"message", "asctime"}
extras = st.dictionaries(texts.filter(lambda name: name not in OWN), values, max_size=5)


@settings(max_examples=400, deadline=None)
@given(message=texts | values, arguments=st.lists(values, max_size=3), extra=extras, error=texts)
@example("%d users", ["many"], {}, "")
@example("%(a)s", [{}], {"x" * 10000: "y" * 10000}, "\ud800" * 3000)
def test_any_record_is_one_valid_line(message, arguments, extra, error):
    try:
        raise ValueError(error)
    except ValueError as raised:
        made = record(message, *arguments, extra=extra, error=raised)
        read(LINES.line(made, None))
        read(SHORT_LINES.line(made, STATE), SMALLEST_RECORD_BYTES)


@settings(max_examples=150, deadline=None)
@given(
    attributes=st.dictionaries(
        st.sampled_from(["name", "msg", "args", "levelname", "levelno", "created", "threadName"])
        | st.sampled_from(["process", "exc_info", "exc_text", "stack_info", "msecs"])
        | texts,
        values,
        max_size=6,
    )
)
def test_a_record_that_somebody_took_to_pieces_is_one_valid_line(attributes):
    read(LINES.line(logging.makeLogRecord(attributes), None))


@settings(max_examples=150, deadline=None)
@given(path=texts, query=texts, method=texts, thread=texts)
def test_any_request_is_one_valid_line(path, query, method, thread):
    state = RequestState(APP, method=method, path=path, query=query)
    state.status, state.latency_ms = 200, 1.5
    for made in (FinishedRecord("fuzzed", logging.INFO, state, None), record("inside")):
        read(LINES.line(made, state))
        read(SHORT_LINES.line(made, state), SMALLEST_RECORD_BYTES)


def test_a_path_forges_no_line_in_the_log_of_another_handler():
    state = RequestState(APP, method="GET", path="/a\nCRITICAL forged\x1b[2J\x85")
    state.status, state.latency_ms = 404, 1.0
    made = FinishedRecord("fuzzed", logging.INFO, state, None)
    text = logging.Formatter("%(levelname)s %(message)s").format(made)
    assert text == r"INFO GET /a\nCRITICAL forged\x1b[2J\x85 404"
    assert read(LINES.line(made, state))["url.path"] == state.path


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\nb", 'quote " back \\', "line\u2028separator", "next\x85line", "\0", "é漢😀"],
)
def test_text_arrives_as_it_was(text):
    shown = line("%s", text, extra={"more": text, text: 1})
    assert shown["message"] == text
    assert shown["extra"] == {"more": text, text: 1}


def test_half_a_surrogate_pair_arrives_as_its_escape():
    assert line("a\ud800b")["message"] == "a\\ud800b"


def test_arguments_that_do_not_fit_lose_nothing():
    assert line("%d users", "many")["message"] == "%d users ('many',)"


def test_values_that_json_lacks_are_written_as_text():
    cyclic = {"a": 1}
    cyclic["self"] = cyclic
    deep = []
    for _ in range(5000):
        deep = [deep]
    extra = line(
        "odd",
        extra={
            "ratio": float("nan"),
            "many": 10**5000,
            "big": 2**64,
            "raw": b"a\xff",
            "keys": {1: [float("inf")], None: 2},
            "cyclic": cyclic,
            "deep": deep,
            "bad": Hostile(ValueError()),
            "account": Account("ann", "hunter2"),
        },
    )["extra"]
    assert (extra["ratio"], extra["big"], extra["raw"]) == ("nan", str(2**64), "a\\xff")
    assert extra["keys"] == {"1": ["inf"], "None": 2}
    assert extra["many"].startswith("[integer of")
    assert "nested too deep" in json.dumps(extra["cyclic"])
    assert "nested too deep" in json.dumps(extra["deep"])
    assert extra["bad"] == "[Hostile that cannot be shown: ValueError]"
    assert extra["account"] == {"name": "ann", "password": "[redacted]"}


def test_a_long_record_is_cut_and_says_how_long_it_was():
    shown = line("start " + "x" * 1_000_000)
    assert shown["log.truncated"] is True
    assert shown["log.original_bytes"] == pytest.approx(1_000_000, rel=0.01)
    assert shown["message"].startswith("start xxx")
    assert shown["message"].endswith("[cut]")
    assert len(shown["message"]) > MAX_BYTES / 2
    beside = line("short", extra={"long": ["x" * 1_000_000]})
    assert beside["message"] == "short"
    assert beside["log.original_bytes"] == pytest.approx(1_000_000, rel=0.01)
    assert "log.truncated" not in line("short")


def test_a_long_stack_trace_keeps_its_beginning_and_its_end():
    def again(depth):
        if depth == 0:
            raise ValueError("the end of it")
        eval(f"again({depth - 1}) # {depth}", {"again": again})

    with pytest.raises(ValueError, match="end of it") as raised:
        again(150)
    shown = line("failed", error=raised.value)
    assert shown["log.truncated"] is True
    trace = shown["error.stack_trace"].splitlines()
    assert trace[0].startswith("Traceback")
    assert trace[-1] == "ValueError: the end of it"
    assert any("characters left out" in one for one in trace)


def test_what_many_extras_hold_is_left_out_beyond_a_budget():
    shown = line("many", extra={"numbers": list(range(100_000))})
    assert "[more left out]" in shown["extra"]["numbers"]


class CountingRedactor(Redactor):
    """Counts the characters that are searched, as it is searching that takes time."""

    def __init__(self):
        super().__init__()
        self.searched = 0

    def text(self, text):
        self.searched += len(text)
        return super().text(text)


LONG = "x password=x " * 2500
SHORT = "x password=x " * 40
Pair = namedtuple("Pair", ["name", "password"])


@pytest.mark.parametrize(
    ("message", "extra"),
    [
        ("list", {"all": [LONG] * 1000}),
        ("mapping", {"all": {str(n): LONG for n in range(200)}}),
        ("short texts", {"all": [SHORT] * 1000}),
        ("fields", {f"field_{n}": LONG for n in range(200)}),
        ("short fields", {f"field_{n}": SHORT for n in range(2000)}),
        ("names", {"all": {f"{SHORT}{n}": n for n in range(1000)}}),
        ("bytes", {"all": [LONG.encode()] * 200}),
        ("nested", {"all": [[[{"a": (LONG,)}]]] * 200}),
        (LONG * 20, {"beside": LONG}),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_no_record_is_searched_for_more_than_a_few_times_what_it_may_hold(message, extra):
    redactor = CountingRedactor()
    lines = LineFormatter(Service(name="fuzzed"), redactor=redactor, max_bytes=32_768)
    shown = read(lines.line(record("%s", message, extra=extra), STATE), 32_768)
    assert shown["log.truncated"] is True
    assert shown["message"][:8] == message.replace("=x", "=[redacted]")[:8]
    assert redactor.searched < 5 * 32_768


def test_any_request_is_searched_for_no_more_than_that_either():
    redactor = CountingRedactor()
    lines = LineFormatter(Service(name="fuzzed"), redactor=redactor, max_bytes=32_768)
    state = RequestState(APP, method="GET", path="/" + LONG * 20, query="a=1&" + LONG * 20)
    state.status, state.latency_ms = 200, 1.0
    for made in (FinishedRecord("fuzzed", logging.INFO, state, None), record("inside")):
        redactor.searched = 0
        shown = read(lines.line(made, state), 32_768)
        assert shown["request_id"] == state.request_id
        assert redactor.searched < 5 * 32_768


def test_a_secret_in_a_pair_or_in_a_named_tuple_is_hidden():
    headers = [("X-Api-Key", "hunter2"), (b"Cookie", b"hunter2"), ("Accept", "*/*")]
    shown = line("sent", extra={"headers": headers, "account": Pair("ann", "hunter2")})["extra"]
    assert "hunter2" not in json.dumps(shown)
    assert shown["headers"][2] == ["Accept", "*/*"]
    assert shown["account"] == {"name": "ann", "password": "[redacted]"}


def test_a_secret_that_a_cut_would_split_is_not_shown():
    for distance in range(0, 40, 3):
        text = "x" * (MAX_BYTES - distance) + " postgres://user:hunter2secret@host/db " + "y" * 9000
        assert "hunter2" not in json.dumps(line(text))


def test_logging_an_exception_whose_text_cannot_be_had_loses_only_the_text():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    try:
        raise Broken
    except Broken:
        shown = read(
            LINES.line(
                logging.getLogger("fuzzed").makeRecord(
                    "fuzzed", logging.ERROR, "f", 1, "failed", (), sys.exc_info()
                ),
                None,
            )
        )
    assert shown["error.type"] == "Broken"
    assert "Broken" in shown["error.stack_trace"]


@pytest.mark.parametrize(
    "extra",
    [
        {"note": "password=hunter2"},
        {"notes": ["short", "password=hunter2"]},
        {"password": ["hunter2"]},
        {"header": ["X-Api-Key", "hunter2"]},
        {"numbers": [1, 2.5, ["Bearer hunter2"]]},
        {"note": "Bearer", "beside": "of Bearer hunter2"},
    ],
    ids=str,
)
@pytest.mark.parametrize("message", ["sent", "sent password=hunter2"])
def test_one_secret_in_a_record_is_hidden_and_what_stands_beside_it_stays(message, extra):
    shown = line(message, extra={**extra, "kept": "beside", "count": 3})
    assert "hunter2" not in json.dumps(shown)
    assert shown["message"] == message.replace("hunter2", "[redacted]")
    assert (shown["extra"]["kept"], shown["extra"]["count"]) == ("beside", 3)


def test_what_another_handler_added_to_a_record_is_no_extra():
    made = record("sent %s", 1, extra={"kept": 1})
    logging.Formatter("%(asctime)s %(message)s").format(made)
    assert read(LINES.line(made, None))["extra"] == {"kept": 1}
    del made.kept
    assert "extra" not in read(LINES.line(made, None))


def test_a_record_says_who_logs_whoever_logged_before():
    def who(**fields):
        made = record("x")
        vars(made).update(fields)
        shown = read(LINES.line(made, None))
        return [shown.get(name) for name in ("log.level", "process.pid", "process.thread.name")]

    pid = record("x").process
    assert who(levelname="TRACE", threadName="one") == ["trace", pid, "one"]
    assert who(levelname="INFO", threadName="two") == ["info", pid, "two"]
    assert who(process=True, threadName="two")[1] is None
    assert who(process=1, threadName="two")[1] == 1
    for number in range(1000):
        assert who(threadName=f"thread {number}")[2] == f"thread {number}"


def test_no_secret_is_shown_wherever_in_a_record_it_stands():
    secret = "hunter2"
    try:
        raise ValueError(f"refused: postgres://user:{secret}@host/db")
    except ValueError as raised:
        shown = line(
            "sent password=%s",
            secret,
            extra={
                "headers": {"Authorization": f"Bearer {secret}", "Accept": "*/*"},
                "attempts": [{"deep": [{"api-key": secret, "note": f"Bearer {secret}"}]}],
                "url": f"https://host/?access_token={secret}",
                "session": object(),
                "account": Account("ann", secret),
            },
            error=raised,
        )
    assert secret not in json.dumps(shown)
    assert shown["extra"]["headers"] == {"Authorization": "[redacted]", "Accept": "*/*"}
    assert shown["error.message"] == "refused: postgres://user:[redacted]@host/db"
    assert "Traceback" in shown["error.stack_trace"]
