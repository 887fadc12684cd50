"""PagerDuty's double refuses what PagerDuty refuses, and keeps what it was sent."""

import json

import pytest

from stack.receivers.pagerduty import PATH, PagerDuty, errors, problem, readable, refusal
from stack.receivers.web import Request

KEY = "0123456789abcdef0123456789abcdef"
HEADLINE = "[FIRING] CRITICAL SoftFactoryDown on softfactory: nothing answers"


def event(*, payload=None, **changes):
    whole = {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "group-1",
        "payload": {
            "summary": HEADLINE,
            "source": "alertmanager",
            "severity": "critical",
            "custom_details": {
                "runbook_url": "https://runbooks.example/down",
                "labels": {"category": "availability"},
            },
            **(payload or {}),
        },
        "links": [{"href": "https://runbooks.example/down", "text": "Runbook"}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


@pytest.fixture
def received():
    return []


@pytest.fixture
def post(received):
    pagerduty = PagerDuty(routing_key=KEY, record=received.append)

    def send(body, *, method="POST", path=PATH):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return pagerduty.respond(
            Request(method=method, path=path, content_type="application/json", body=raw, at=12.5)
        )

    return send


def test_a_complete_trigger_is_accepted():
    assert refusal(event(), KEY) is None


def test_a_resolve_needs_no_payload():
    assert refusal(event(event_action="resolve", payload=None) | {"payload": None}, KEY) is None


REFUSED = {
    "'routing_key' is missing or blank": event(routing_key=...),
    "Length of 'routing_key' is incorrect (should be 32 characters)": event(routing_key=KEY[1:]),
    "'routing_key' cannot contain non-alphanumeric characters.": event(routing_key="-" + KEY[1:]),
    "Invalid routing key": event(routing_key=KEY[::-1]),
    "'event_action' is missing or blank": event(event_action=...),
    "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or "
    "'resolve')": event(event_action="firing"),
    "'payload' is missing or blank": event() | {"payload": None},
    "'payload.summary' is missing or blank": event(payload={"summary": "  "}),
    "'payload.source' is missing or blank": event(payload={"source": None}),
    "'payload.severity' is missing or blank": event(payload={"severity": ""}),
    "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' "
    "or 'info')": event(payload={"severity": "HIGH"}),
    "'payload.summary' is too long (maximum is 1024 characters)": event(
        payload={"summary": "x" * 1025}
    ),
    "'dedup_key' is too long (maximum is 255 characters)": event(dedup_key="x" * 256),
    "'dedup_key' is missing or blank": event(event_action="resolve", dedup_key=...),
    "JSON parse error": ["not", "an", "event"],
}


@pytest.mark.parametrize(("error", "sent"), REFUSED.items(), ids=list(REFUSED))
def test_an_invalid_event_is_refused_with_its_reason(error, sent):
    assert errors(sent, KEY) == (error,)
    assert refusal(sent, KEY) == error


@pytest.mark.parametrize(
    "sent",
    [event(payload={"summary": "x" * 1024}), event(dedup_key="x" * 255), event(dedup_key=...)],
    ids=["longest summary", "longest dedup_key", "no dedup_key"],
)
def test_an_event_at_the_limit_is_accepted(sent):
    assert refusal(sent, KEY) is None


def test_all_reasons_are_listed():
    sent = event(routing_key="short key", payload={"summary": "", "severity": "page"})
    assert len(errors(sent, KEY)) == 4


def test_success_is_202_with_the_dedup_key(post, received):
    answer = post(event())
    assert answer.status == 202
    assert json.loads(answer.body) == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "group-1",
    }
    (delivery,) = received
    assert delivery.at == 12.5
    assert (delivery.receiver, delivery.accepted, delivery.refusal) == ("pagerduty", True, None)
    assert (delivery.status, delivery.severity) == ("firing", "CRITICAL")
    assert (delivery.alert, delivery.service) == ("SoftFactoryDown", "softfactory")
    assert delivery.headline == HEADLINE
    assert "https://runbooks.example/down" in delivery.text
    assert "labels.category: availability" in delivery.text
    assert delivery.problem is None


def test_a_missing_dedup_key_is_made_up(post):
    answer = post(event(dedup_key=...))
    assert json.loads(answer.body)["dedup_key"]


def test_an_invalid_event_is_answered_400_with_the_list_of_errors(post, received):
    answer = post(event(payload={"severity": "HIGH"}))
    assert answer.status == 400
    body = json.loads(answer.body)
    assert (body["status"], body["message"]) == ("invalid event", "Event object is invalid")
    assert body["errors"] == [received[0].refusal]
    assert not received[0].accepted


def test_what_is_deeper_than_can_be_read_is_unrecognized_and_kept(post, received):
    answer = post(b"[" * 100_000)
    assert answer.status == 400
    assert not received[0].accepted


def test_what_is_not_json_is_unrecognized(post, received):
    answer = post(b"{not json")
    assert answer.status == 400
    assert json.loads(answer.body)["status"] == "Unrecognized object"
    assert received[0].payload == "{not json"


def test_an_event_over_512_kb_is_refused(post, received):
    answer = post(event(payload={"custom_details": {"log": "x" * 512 * 1024}}))
    assert answer.status == 400
    assert received[0].refusal == "Event is too large (maximum is 512 KB)"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/", 404), ("POST", "/v2/enqueue/", 404), ("GET", PATH, 405), ("GET", "/", 404)],
)
def test_anything_but_a_post_to_the_endpoint_is_no_event(post, received, method, path, status):
    assert post(event(), method=method, path=path).status == status
    assert received == []


@pytest.mark.parametrize("key", [KEY, KEY[::-1], "my wrong key"])
def test_no_routing_key_is_kept_in_the_evidence(post, received, key):
    post(event(routing_key=key))
    assert key not in received[0].payload
    assert key not in received[0].text
    assert "<redacted>" in received[0].payload


def test_a_resolve_closes_its_alert(post, received):
    post(event())
    post(event(event_action="resolve", payload={"summary": HEADLINE.replace("FIR", "RESOLV")}))
    assert received[1].status == "resolved"
    assert received[1].accepted


def test_a_resolve_without_an_open_alert_is_dropped_as_pagerduty_does(post, received):
    answer = post(
        event(event_action="resolve", payload={"summary": HEADLINE.replace("FIRING", "RESOLVED")})
    )
    assert answer.status == 202
    assert received[0].accepted
    assert received[0].problem == "resolve without an open alert of its dedup_key is dropped"


def test_the_action_decides_the_status_and_a_headline_that_differs_is_a_problem(post, received):
    post(event(payload={"summary": HEADLINE.replace("FIRING", "RESOLVED")}))
    assert received[0].status == "firing"
    assert received[0].accepted
    assert received[0].problem == "event_action is 'trigger', but the headline says RESOLVED"


def test_a_severity_that_differs_from_the_headline_is_a_problem():
    assert problem(event(payload={"severity": "error"})) == (
        "payload.severity is 'error', but CRITICAL is 'critical'"
    )


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, {"payload": 3}, {"payload": []}])
def test_junk_is_refused_and_breaks_nothing(junk):
    assert refusal(junk, KEY)
    assert readable(junk)[0] == ""
    assert problem(junk) is None
