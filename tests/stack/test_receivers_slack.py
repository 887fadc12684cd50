"""Slack's double answers Slack's words, and reads a message as its channel shows it."""

import json
from urllib.parse import urlencode

import pytest

from stack.receivers.slack import Slack, Webhook, readable, refusal
from stack.receivers.web import Request

ALERTS = Webhook(channel="#alerts", team="T1", service="BA", token="aaaa")
INCIDENTS = Webhook(channel="#incidents", team="T1", service="BI", token="iiii")
HEADLINE = "[RESOLVED] HIGH SlowResponseTime on softfactory: P95 < 1 s & falling"


def message(**attachment):
    return {
        "channel": "#alerts",
        "attachments": [{"title": HEADLINE, "text": "", "fallback": "unread", **attachment}],
    }


@pytest.fixture
def received():
    return []


@pytest.fixture
def post(received):
    slack = Slack(
        webhooks={"slack #incidents": INCIDENTS, "slack #alerts": ALERTS}, record=received.append
    )

    def send(body, *, path=ALERTS.path, method="POST", content_type="application/json"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return slack.respond(
            Request(method=method, path=path, content_type=content_type, body=raw, at=12.5)
        )

    return send


def test_a_message_is_posted_and_answered_ok(post, received):
    answer = post(message())
    assert (answer.status, answer.body) == (200, "ok")
    (delivery,) = received
    assert (delivery.receiver, delivery.accepted) == ("slack #alerts", True)
    assert (delivery.status, delivery.severity) == ("resolved", "HIGH")
    assert (delivery.alert, delivery.service) == ("SlowResponseTime", "softfactory")
    assert delivery.problem is None
    assert delivery.at == 12.5


def test_each_webhook_is_a_receiver_of_its_own(post, received):
    post(message(), path=INCIDENTS.path)
    assert received[0].receiver == "slack #incidents"


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/", 404, "no_service"),
        ("/services", 404, "no_service"),
        ("/services/T1/BX/aaaa", 404, "no_service"),
        ("/services/T2/BA/aaaa", 404, "no_service"),
        ("/services/T1/BA/wrong", 403, "invalid_token"),
        ("/services/T1/BA/iiii", 403, "invalid_token"),
    ],
)
def test_a_wrong_webhook_is_refused(post, received, path, status, word):
    answer = post(message(), path=path)
    assert (answer.status, answer.body) == (status, word)
    (delivery,) = received
    assert (delivery.receiver, delivery.refusal) == ("slack <unknown>", word)
    assert delivery.alert == "SlowResponseTime"


REFUSED = {
    "no object": ([], "invalid_payload"),
    "text is no string": ({"text": 3}, "invalid_payload"),
    "attachments are no list": ({"attachments": {}}, "invalid_payload"),
    "an attachment is no object": ({"attachments": ["x"]}, "invalid_payload"),
    "blocks are no list": ({"text": "x", "blocks": "x"}, "invalid_blocks"),
    "a block has no type": ({"text": "x", "blocks": [{}]}, "invalid_blocks"),
    "51 blocks": ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    "101 attachments": ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
    "nothing": ({}, "no_text"),
    "blank text": ({"text": " "}, "no_text"),
    "empty attachments": ({"attachments": []}, "no_text"),
    "blank attachment": ({"attachments": [{"title": "", "text": ""}]}, "no_text"),
}


@pytest.mark.parametrize(("sent", "word"), REFUSED.values(), ids=list(REFUSED))
def test_a_message_that_slack_cannot_post_is_refused(post, received, sent, word):
    assert refusal(sent) == word
    answer = post(sent)
    assert (answer.status, answer.body) == (400, word)
    assert (received[0].accepted, received[0].refusal) == (False, word)


@pytest.mark.parametrize(
    "sent",
    [
        {"text": "x"},
        {"attachments": [{"text": "x"}] * 100},
        {"attachments": [{"fallback": "x"}]},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]},
    ],
    ids=["text", "100 attachments", "fallback alone", "blocks"],
)
def test_a_message_with_something_to_read_is_accepted(sent):
    assert refusal(sent) is None


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000], ids=["torn", "deeper than can be read"])
def test_a_body_that_is_no_json_is_refused(post, body):
    assert post(body).body == "invalid_payload"


def test_a_body_that_does_not_match_its_content_type_is_refused(post):
    assert post(message(), content_type="text/plain").body == "invalid_payload"
    assert post(message(), content_type="application/x-www-form-urlencoded").body == (
        "invalid_payload"
    )


def test_a_form_with_a_payload_is_accepted(post, received):
    form = urlencode({"payload": json.dumps(message())}).encode()
    assert post(form, content_type="application/x-www-form-urlencoded").status == 200
    assert received[0].alert == "SlowResponseTime"


def test_only_post_is_answered(post, received):
    assert post(b"", method="GET").status == 405
    assert received == []


def test_a_channel_that_does_not_exist_is_refused(post):
    answer = post({"channel": "#nowhere", "text": "x"})
    assert (answer.status, answer.body) == (404, "channel_not_found")


def test_naming_the_channel_of_another_webhook_is_a_problem(post, received):
    assert post({"channel": "incidents", "text": "x"}).status == 200
    assert received[0].receiver == "slack #alerts"
    assert received[0].problem == (
        "names channel #incidents, but an app's webhook posts to its own, #alerts"
    )


def test_everything_shown_is_read_from_top_to_bottom_and_decoded():
    headline, text = readable(
        {
            "text": "",
            "attachments": [
                {
                    "title": "P95 &lt; 1 s &amp; falling",
                    "title_link": "https://runbooks.example/slow",
                    "text": "see <https://grafana.example/d/1|the panel> or <https://x.example>",
                    "fallback": "not shown",
                    "fields": [{"title": "service", "value": "softfactory", "short": True}],
                    "actions": [{"type": "button", "text": "Runbook", "url": "https://r.example"}],
                    "footer": "alertproof",
                }
            ],
        }
    )
    assert headline == "P95 < 1 s & falling"
    assert text.splitlines() == [
        "P95 < 1 s & falling",
        "https://runbooks.example/slow",
        "see the panel (https://grafana.example/d/1) or https://x.example",
        "service: softfactory",
        "Runbook",
        "https://r.example",
        "alertproof",
    ]


def test_a_fallback_counts_only_where_nothing_else_is_shown():
    assert readable({"attachments": [{"title": "t", "fallback": "f"}]}) == ("t", "t")
    assert readable({"attachments": [{"fallback": "f"}]}) == ("f", "f")


@pytest.mark.parametrize("junk", [None, 3, "x", [], {"attachments": [3]}, {"blocks": {"text": 3}}])
def test_junk_is_refused_and_breaks_nothing(junk):
    assert refusal(junk)
    readable(junk)
