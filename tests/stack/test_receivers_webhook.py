"""What takes Alertmanager's own JSON refuses what is not it, and makes a ticket of what is."""

import json

import pytest

from stack.receivers.web import Request
from stack.receivers.webhook import Hook, Hooks, errors, readable

TICKET = Hook(name="ticket", token="tt")
HEARTBEAT = Hook(name="heartbeat", token="hh")


def alert(number=0, status="firing", **annotations):
    return {
        "status": status,
        "labels": {
            "alertname": "ScanSuspected",
            "severity": "LOW",
            "service": "shop",
            "instance": f"10.0.0.{number}",
        },
        "annotations": {"summary": "a scan", "action": "block it", **annotations},
        "startsAt": f"2026-01-01T14:0{number}:07.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "abc",
    }


def message(*alerts, status="firing", **changes):
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "low",
        "groupLabels": {"alertname": "ScanSuspected"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://am",
        "alerts": list(alerts or [alert()]),
        **changes,
    }


@pytest.fixture
def received():
    return []


@pytest.fixture
def beats():
    return []


@pytest.fixture
def hooks(received, beats):
    return Hooks(
        hooks={"webhook ticket": TICKET, "webhook heartbeat": HEARTBEAT},
        record=received.append,
        heartbeat="webhook heartbeat",
        beat=beats.append,
    )


def request(body, path=TICKET.path, method="POST"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method=method, path=path, content_type="application/json", body=raw, at=12.5)


def test_a_ticket_says_what_every_notification_says(hooks, received):
    assert hooks.respond(request(message())).status == 200
    (delivery,) = received
    assert delivery.receiver == "webhook ticket"
    assert (delivery.status, delivery.severity, delivery.alert) == (
        "firing",
        "LOW",
        "ScanSuspected",
    )
    assert delivery.headline == (
        "[FIRING] LOW ScanSuspected on shop: a scan | since 2026-01-01 14:00 UTC | do: block it"
    )
    assert "instance: 10.0.0.0" in delivery.text


def test_a_ticket_of_several_counts_them_and_begins_with_the_first():
    title, text = readable(
        message(alert(3), alert(1), alert(0, "resolved"), truncatedAlerts=2, status="firing")
    )
    assert "on shop: 4 firing, 1 resolved; first: a scan | since 2026-01-01 14:01 UTC" in title
    assert text.endswith("and 2 more that are not listed")


def test_a_resolved_ticket_asks_for_nothing():
    title, _ = readable(message(alert(status="resolved"), status="resolved"))
    assert title == "[RESOLVED] LOW ScanSuspected on shop: a scan | since 2026-01-01 14:00 UTC"


def test_each_hook_is_a_receiver_and_only_heartbeats_beat(hooks, received, beats):
    hooks.respond(request(message()))
    assert beats == []
    hooks.respond(request(message(), HEARTBEAT.path))
    assert beats == [12.5]
    assert [each.receiver for each in received] == ["webhook ticket", "webhook heartbeat"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/hooks/ticket/wrong", 401), ("/hooks/other/tt", 404), ("/", 404), ("/hooks/ticket/", 404)],
)
def test_a_wrong_path_or_token_is_refused(hooks, received, beats, path, status):
    assert hooks.respond(request(message(), path)).status == status
    (delivery,) = received
    assert (delivery.receiver, delivery.accepted) == ("webhook <unknown>", False)
    assert delivery.refusal.startswith(str(status))
    assert beats == []


BROKEN = {
    "another version": (message(version="3"), "version is '3'"),
    "no alerts": (message(alerts=[]), "alerts is not a list"),
    "an alert is no object": (message(alerts=[3]), "alerts[0] is not an object"),
    "no labels": (message(alerts=[{**alert(), "labels": None}]), "alerts[0].labels is not"),
    "no time": (message(alerts=[{**alert(), "startsAt": "now"}]), "startsAt is no time: 'now'"),
    "no group": (message(groupKey=None), "groupKey is not a string"),
    "status": (message(status="odd"), "status is 'odd'"),
    "map": (message(commonLabels={"a": 1}), "commonLabels is not a map of strings"),
}


@pytest.mark.parametrize(("sent", "why"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_not_the_format_is_refused(hooks, received, sent, why):
    answer = hooks.respond(request(sent))
    assert answer.status == 400
    assert why in answer.body
    assert not received[0].accepted
    assert readable(sent) == ("", "")


@pytest.mark.parametrize("junk", [b"{", b"[" * 100_000, None, 3, [], {}])
def test_junk_is_refused_and_breaks_nothing(hooks, junk):
    assert hooks.respond(request(junk)).status == 400
    assert errors(junk if not isinstance(junk, bytes) else None)


def test_only_post_is_taken(hooks, received):
    assert hooks.respond(request(b"", method="GET")).status == 405
    assert received == []
