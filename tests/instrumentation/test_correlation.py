import re

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from instrumentation.correlation import RequestState, parse_traceparent

APP = Flask("correlated")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def state(**options):
    return RequestState(APP, method="GET", path="/", **options)


@given(st.text() | st.from_regex(r"[0-9a-fA-F]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.{0,5}"))
@example(f"00-{TRACE}-{SPAN}-01\n")
@example(f"00-{TRACE}-{SPAN}-\u0660\u0661")
@example("")
def test_what_is_accepted_as_a_trace_is_lower_hex_of_its_length_and_not_zero(header):
    parsed = parse_traceparent(header)
    if parsed is not None:
        trace, parent, flags = parsed
        assert re.fullmatch(r"[0-9a-f]{32}", trace, re.ASCII)
        assert re.fullmatch(r"[0-9a-f]{16}", parent, re.ASCII)
        assert re.fullmatch(r"[0-9a-f]{2}", flags, re.ASCII)
        assert int(trace, 16)
        assert int(parent, 16)
        assert not header.startswith("ff")


@given(
    st.integers(0, 254), st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255)
)
def test_every_valid_header_is_taken_over(version, trace, parent, flags):
    header = f"{version:02x}-{trace:032x}-{parent:016x}-{flags:02x}"
    assert parse_traceparent(header) == (f"{trace:032x}", f"{parent:016x}", f"{flags:02x}")


@pytest.mark.parametrize(
    "header",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_other_headers_begin_a_new_trace(header):
    assert parse_traceparent(header) is None
    one = state(traceparent=header)
    assert one.trace_id != TRACE
    assert one.parent_id is None


def test_a_later_version_may_say_more():
    assert parse_traceparent(f"01-{TRACE}-{SPAN}-01-more") == (TRACE, SPAN, "01")


@given(st.text())
@example("a\n")
@example("x" * 129)
@example("é")
def test_a_request_id_is_kept_where_it_can_neither_forge_nor_break_anything(offered):
    kept = state(request_id=offered).request_id
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", kept)
    assert kept == offered or not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", offered)


def test_what_is_passed_on_continues_the_trace_with_a_span_of_its_own():
    one = state(traceparent=f"00-{TRACE}-{SPAN}-01")
    version, trace, span, flags = one.traceparent.split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span == one.span_id != SPAN
    assert parse_traceparent(one.traceparent) is not None
