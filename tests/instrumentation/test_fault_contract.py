import base64
import hmac
import json
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from instrumentation.faults.contract import (
    KINDS,
    MAX_HEADER_LENGTH,
    REASONS,
    UNSIGNED,
    BurnCPU,
    Delay,
    End,
    Error,
    FaultRejected,
    HoldMemory,
    RaiseException,
    Renew,
    SlowQuery,
    _signature,
    decode,
    decode_until,
    encode,
    fault_from_json,
    fault_to_json,
    leased,
)

SECRET = b"0123456789abcdef"
NOW = 1_000_000.0

seconds = st.floats(min_value=0.001, max_value=1.0)
leases = st.none() | seconds
faults = st.one_of(
    st.builds(Delay, seconds=seconds, lease=leases),
    st.builds(Error, status=st.integers(500, 599)),
    st.builds(RaiseException),
    st.builds(HoldMemory, percent=st.floats(min_value=1, max_value=98), seconds=seconds),
    st.builds(BurnCPU, seconds=seconds),
    st.builds(SlowQuery, seconds=seconds, lease=leases),
    st.builds(Renew, seconds=seconds),
    st.builds(End),
)


BOUND = {"instance": "shop-1", "method": "GET", "path": "/api/users"}


def read(header, *, secret=SECRET, now=NOW, **bound):
    return decode(header, secret=secret, now=now, **{**BOUND, **bound})


def write(fault, *, expires=NOW + 10, **bound):
    return encode(fault, secret=SECRET, expires=expires, **{**BOUND, **bound})


def sign(payload):
    """A header that the secret signed, whatever is in it."""
    return f"{payload.decode('latin-1')}.{_signature(payload, SECRET)}"


def signed(text):
    """A header that the secret signed, around any text."""
    return sign(base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).rstrip(b"="))


@given(faults)
def test_what_is_written_is_read(fault):
    assert read(write(fault)) == fault
    assert fault_from_json(json.loads(json.dumps(fault_to_json(fault)))) == fault


def test_the_json_form_is_the_documented_one():
    assert fault_to_json(Delay(seconds=1.5)) == {"fault": "delay", "seconds": 1.5}
    assert fault_to_json(RaiseException()) == {"fault": "exception"}
    assert fault_to_json(Delay(seconds=1.5, lease=3)) == {
        "fault": "delay",
        "seconds": 1.5,
        "lease": 3,
    }
    assert fault_to_json(End()) == {"fault": "end"}
    assert set(KINDS) == {
        *("delay", "error", "exception", "memory", "cpu", "query"),
        *("renew", "end"),
    }


def test_a_header_tells_when_it_expires():
    header = write(End(), expires=NOW + 3)
    assert decode_until(header, secret=SECRET, now=NOW, **BOUND) == (End(), NOW + 3)


def test_only_what_waits_gets_a_lease():
    assert leased(Delay(seconds=9), 3) == Delay(seconds=9, lease=3)
    assert leased(SlowQuery(seconds=9), 3) == SlowQuery(seconds=9, lease=3)
    for fault in (Error(), HoldMemory(percent=50, seconds=2), BurnCPU(seconds=0.1), End()):
        assert leased(fault, 3) == fault


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("signature", {"secret": b"another secret, as long"}),
        ("instance", {"instance": "shop-2"}),
        ("method", {"method": "POST"}),
        ("path", {"path": "/api/payments"}),
        ("expired", {"now": NOW + 10}),
        ("expires_too_late", {"now": NOW - 0.5}),
    ],
)
def test_a_header_holds_for_one_instance_one_kind_of_request_and_a_short_time(reason, changed):
    header = write(Delay(seconds=1.0))
    with pytest.raises(FaultRejected) as rejected:
        read(header, **changed)
    assert rejected.value.reason == reason


anything = (
    st.text()
    | st.binary().map(lambda raw: raw.decode("latin-1"))
    | st.from_regex(r"[A-Za-z0-9_-]*\.[0-9a-f]{64}", fullmatch=True)
)


@given(anything)
def test_a_header_that_was_not_signed_is_rejected_for_its_signature_alone(text):
    with pytest.raises(FaultRejected) as rejected:
        read(text)
    assert rejected.value.reason in UNSIGNED


@given(faults, st.data())
def test_any_change_of_a_valid_header_is_rejected(fault, data):
    header = write(fault)
    start = data.draw(st.integers(0, len(header)), label="start")
    end = data.draw(st.integers(start, len(header)), label="end")
    changed = header[:start] + data.draw(anything, label="put there") + header[end:]
    assume(changed != header)
    with pytest.raises(FaultRejected) as rejected:
        read(changed)
    assert rejected.value.reason in UNSIGNED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
documents = st.dictionaries(
    st.sampled_from(["fault", "seconds", "status", "percent", "expires", *BOUND]) | st.text(),
    st.sampled_from([*KINDS, *BOUND.values(), NOW + 1]) | json_values,
)


@given(documents.map(json.dumps) | json_values.map(json.dumps) | st.text())
def test_whatever_the_secret_signed_is_a_fault_within_its_limits_or_rejected(text):
    try:
        read(signed(text))  # a fault checks its own limits as it is made
    except FaultRejected as rejection:
        reason = rejection.reason
    else:
        reason = None
    assert reason in {None, *REASONS}


@given(st.binary(max_size=1900))
def test_signed_bytes_that_are_no_document_are_malformed(raw):
    with pytest.raises(FaultRejected) as rejected:
        read(sign(raw.replace(b".", b"").translate(None, bytes(range(128, 256)))))
    assert rejected.value.reason == "malformed"


def test_a_signed_document_that_nests_as_deep_as_fits_is_rejected():
    with pytest.raises(FaultRejected) as rejected:
        read(signed("[" * 1450))
    assert rejected.value.reason == "malformed"


def test_an_overlong_header_is_rejected_before_its_signature_is_looked_at(monkeypatch):
    header = signed(" " * MAX_HEADER_LENGTH)
    monkeypatch.setattr(hmac, "new", None)  # a look at it would fail
    with pytest.raises(FaultRejected) as rejected:
        read(header)
    assert rejected.value.reason == "too_long"


def test_a_header_that_would_be_too_long_is_not_written():
    with pytest.raises(ValueError, match="take a shorter path"):
        write(RaiseException(), path="/" + "x" * MAX_HEADER_LENGTH)


COMPLETE = {"fault": "delay", "seconds": 1, "expires": NOW + 1, **BOUND}


def test_a_signed_document_must_be_an_object():
    with pytest.raises(FaultRejected) as rejected:
        read(signed('["delay"]'))
    assert rejected.value.reason == "malformed"


@pytest.mark.parametrize(
    ("reason", "missing"),
    [("malformed", "expires"), *((name, name) for name in BOUND)],
)
def test_a_signed_document_must_say_what_it_is_bound_to(reason, missing):
    assert read(signed(json.dumps(COMPLETE))) == Delay(seconds=1)
    document = {name: value for name, value in COMPLETE.items() if name != missing}
    with pytest.raises(FaultRejected) as rejected:
        read(signed(json.dumps(document)))
    assert rejected.value.reason == reason


@pytest.mark.parametrize(
    ("reason", "document"),
    [
        ("unknown_fault", {}),
        ("unknown_fault", {"fault": "reboot"}),
        ("unknown_fault", {"fault": ["delay"]}),
        ("malformed", {"fault": "delay"}),
        ("malformed", {"fault": "delay", "seconds": "1"}),
        ("malformed", {"fault": "delay", "seconds": True}),
        ("malformed", {"fault": "delay", "seconds": float("nan")}),
        ("malformed", {"fault": "delay", "seconds": 10**400}),
        ("malformed", {"fault": "delay", "seconds": 1, "for": 2}),
        ("out_of_range", {"fault": "delay", "seconds": 30.1}),
        ("out_of_range", {"fault": "delay", "seconds": 0}),
        ("out_of_range", {"fault": "error", "status": 404}),
        ("out_of_range", {"fault": "error", "status": 500.5}),
        ("out_of_range", {"fault": "memory", "percent": 99, "seconds": 1}),
        ("out_of_range", {"fault": "cpu", "seconds": 1.1}),
        ("out_of_range", {"fault": "query", "seconds": 30.1}),
        ("out_of_range", {"fault": "query", "seconds": 0}),
        ("out_of_range", {"fault": "renew", "seconds": 30.1}),
        ("out_of_range", {"fault": "delay", "seconds": 1, "lease": 30.1}),
        ("out_of_range", {"fault": "delay", "seconds": 1, "lease": 0}),
        ("malformed", {"fault": "error", "lease": 3}),
        ("malformed", {"fault": "end", "seconds": 3}),
    ],
)
def test_a_fault_outside_the_contract_is_rejected_with_its_reason(reason, document):
    with pytest.raises(FaultRejected) as rejected:
        fault_from_json(document)
    assert rejected.value.reason == reason


def test_the_contract_imports_neither_flask_nor_the_metrics_client():
    program = (
        "import sys, instrumentation.faults.contract\n"
        "print([m for m in ('flask', 'prometheus_client', 'psutil') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
