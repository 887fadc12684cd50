"""Discord's double refuses what Discord refuses, and reads a message as its channel shows it."""

import json

import pytest

from stack.receivers.discord import Discord, Webhook, problem, readable, refusal
from stack.receivers.web import Request

OPS = Webhook(id="123456789012345678", token="to-ken_1")
HEADLINE = "[FIRING] MEDIUM EndpointSlow on shop: slow | since 14:03 UTC | do: look"


def message(**embed):
    return {"content": "", "embeds": [{"title": HEADLINE, "description": "text", **embed}]}


@pytest.fixture
def received():
    return []


@pytest.fixture
def discord(received):
    return Discord(webhook=OPS, record=received.append)


@pytest.fixture
def post(discord):
    def send(body, *, path=OPS.path, method="POST", content_type="application/json"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return discord.respond(
            Request(method=method, path=path, content_type=content_type, body=raw, at=12.5)
        )

    return send


def test_a_message_is_posted_and_answered_without_content(post, received):
    answer = post(message())
    assert (answer.status, answer.body) == (204, "")
    (delivery,) = received
    assert (delivery.receiver, delivery.accepted) == ("discord #ops", True)
    assert (delivery.status, delivery.severity) == ("firing", "MEDIUM")
    assert (delivery.alert, delivery.service) == ("EndpointSlow", "shop")
    assert delivery.problem is None


@pytest.mark.parametrize(
    ("path", "status", "code", "receiver"),
    [
        ("/api/webhooks/999/to-ken_1", 404, 10015, "discord <unknown>"),
        ("/api/webhooks/123456789012345678/wrong", 401, 50027, "discord <unknown>"),
        ("/api/channels/1", 404, 0, "discord <unknown>"),
        ("/api/v10/webhooks/123456789012345678/to-ken_1?wait=false", 204, None, "discord #ops"),
    ],
)
def test_only_the_webhook_itself_takes_messages(post, received, path, status, code, receiver):
    answer = post(message(), path=path)
    assert answer.status == status
    assert code is None or json.loads(answer.body)["code"] == code
    assert received[0].receiver == receiver
    assert received[0].accepted is (status == 204)


REFUSED = {
    "no JSON": (b"{", 50109, ""),
    "deeper than can be read": (b"[" * 100_000, 50109, ""),
    "no object": ([], 50109, ""),
    "nothing": ({}, 50006, ""),
    "blank content": ({"content": " ", "embeds": []}, 50006, ""),
    "long content": ({"content": "x" * 2001}, 50035, "content: Must be 2000 or fewer"),
    "long title": (message(title="x" * 257), 50035, "embeds[0].title: Must be 256 or fewer"),
    "long description": (message(description="x" * 4097), 50035, "description: Must be 4096"),
    "empty embed": (message(title="", description=""), 50035, "This field is required"),
    "title is no text": (message(title=3), 50035, "Not a string"),
    "empty field": (message(fields=[{"name": "", "value": "x"}]), 50035, "fields[0].name: This"),
    "long field": (message(fields=[{"name": "n", "value": "x" * 1025}]), 50035, "Must be 1024"),
    "26 fields": (message(fields=[{"name": "n", "value": "v"}] * 26), 50035, "Must be 25"),
    "11 embeds": ({"embeds": [{"title": "t"}] * 11}, 50035, "embeds: Must be 10"),
    "6001 in all": (
        {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, 50035, "exceeds"
    ),
    "embeds are no list": ({"embeds": {}}, 50035, "must be a list"),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "code", "why"), REFUSED.values(), ids=list(REFUSED))
def test_a_message_that_discord_cannot_post_is_refused_with_its_code(
    post, received, sent, code, why
):
    answer = post(sent)
    assert answer.status == 400
    assert json.loads(answer.body)["code"] == code
    assert not received[0].accepted
    assert why in received[0].refusal


@pytest.mark.parametrize(
    "sent",
    [
        {"content": "x" * 2000},
        message(title="x" * 256, description="x" * 4096),
        {"embeds": [{"title": "t"}] * 10},
        {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2000}]},
    ],
)
def test_a_message_at_the_limit_is_accepted(sent):
    assert refusal(sent) is None


def test_what_was_escaped_is_read_as_it_is_shown():
    shown = r"\*not bold\* \<!channel\> \@here C:\\temp"
    assert readable(message(title=shown))[0] == r"*not bold* <!channel> @here C:\temp"


@pytest.mark.parametrize("content", ["hi @everyone", "@here", "<@123>", "<@&123>"])
def test_a_mention_in_the_content_is_a_problem(content):
    assert "mentions" in problem({"content": content})


def test_an_embed_mentions_nobody():
    assert problem(message(title="@everyone", description="<@123>")) is None
    assert problem({"content": r"\@everyone"}) is None


def test_a_rate_limit_says_how_long_to_wait(discord, received):
    request = Request(
        method="POST",
        path=OPS.path,
        content_type="application/json",
        body=json.dumps(message()).encode(),
        at=1.0,
    )
    answer = discord.fail(request, 429)
    assert answer.status == 429
    assert json.loads(answer.body)["retry_after"] > 0
    assert dict(answer.headers)["Retry-After"] == "1"
    assert (received[0].accepted, received[0].alert) == (False, "EndpointSlow")


@pytest.mark.parametrize("junk", [None, 3, "x", [], {"embeds": [3]}, {"content": 3}])
def test_junk_is_refused_and_breaks_nothing(junk):
    assert refusal(junk)
    readable(junk)
    problem(junk)
