"""Slack's incoming webhooks, as far as a poster can tell.

Design rule: what it refuses is a pure function of the message, in the one word that Slack answers.

Sources: 400 `invalid_payload`, which a body that does not match its content type also earns, and
404 `channel_not_found` are in "Improving error conditions for Incoming Webhooks"
(https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks); 403
`invalid_token` as quoted in https://github.com/gueils/whales/issues/38, `no_service` in
https://github.com/slackapi/slack-github-action/issues/249; at most 50 blocks as quoted from Slack's
reference in https://docs.rs/crate/slack-messaging/latest/source/src/message.rs. That success is the
text `ok` and nothing else is what Alertmanager checks (notify/slack/slack.go,
checkTextResponseError).

429 with `Retry-After` is in "Rate limits" (https://docs.slack.dev/apis/web-api/rate-limits), and
what mentions somebody in https://docs.slack.dev/messaging/formatting-message-text.

Assumed, since only clients of the service were found to say so: the statuses of `no_service` (404),
`no_text` and `too_many_attachments` (400, over 100 of them) and `invalid_blocks` (400). What a
webhook does with the name of another existing channel depends on its age, and people report 404 as
well (https://github.com/kubereboot/kured/issues/299): it is accepted here and noted as a problem.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from stack.receivers.delivery import SLACK_UNKNOWN, Delivery, deliver, first_line
from stack.receivers.web import Answer, Request, read_json

MAXIMUM_ATTACHMENTS = 100
MAXIMUM_BLOCKS = 50
STATUS = {
    "invalid_payload": 400,
    "invalid_blocks": 400,
    "no_text": 400,
    "too_many_attachments": 400,
    "invalid_token": 403,
    "channel_not_found": 404,
    "no_service": 404,
}
"""The HTTP status that goes with each word."""

_LINK = re.compile(r"<((?:https?|mailto):[^|>\s]+)(?:\|([^>]*))?>")
_MENTION = re.compile(r"<(?:!(?!date\^)[a-z]|@[UW])[^<>]*>")
_PATH = re.compile(r"/services/(?P<team>T\w+)/(?P<service>B\w+)/(?P<token>\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook of the workspace: it posts to one channel, named as `#alerts`."""

    channel: str
    team: str
    service: str
    token: str

    @property
    def path(self) -> str:
        """The path of its URL, which is its secret."""
        return f"/services/{self.team}/{self.service}/{self.token}"


def refusal(message: object) -> str | None:
    """Return the word with which Slack refuses the message; None when it posts it."""
    if not isinstance(message, dict):
        return "invalid_payload"
    text = message.get("text")
    attachments = message.get("attachments")
    blocks = message.get("blocks")
    if text is not None and not isinstance(text, str):
        return "invalid_payload"
    if attachments is not None:
        if not isinstance(attachments, list):
            return "invalid_payload"
        if len(attachments) > MAXIMUM_ATTACHMENTS:
            return "too_many_attachments"
        if not all(isinstance(attachment, dict) for attachment in attachments):
            return "invalid_payload"
    if blocks is not None and not _blocks_are_valid(blocks):
        return "invalid_blocks"
    return None if readable(message)[1].strip() else "no_text"


def _blocks_are_valid(blocks: object) -> bool:
    return (
        isinstance(blocks, list)
        and len(blocks) <= MAXIMUM_BLOCKS
        and all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks)
    )


def readable(message: object) -> tuple[str, str]:
    """Return the first line that a reader of the channel sees, and all that they see, decoded.

    An attachment's `fallback` is shown in place of the rest, so it counts only without a rest.
    """
    if not isinstance(message, dict):
        return "", ""
    parts = [_decoded(part) for part in _parts(message)]
    attachments = message.get("attachments")
    if not any(parts) and isinstance(attachments, list):
        parts = [_decoded(item.get("fallback")) for item in attachments if isinstance(item, dict)]
    text = "\n".join(part for part in parts if part)
    return first_line(text), text


def mentions(message: object) -> str | None:
    """Return what Slack lets pass and people would complain of: a mention that nobody meant."""
    if not isinstance(message, dict):
        return None
    for part in _parts(message):
        found = _MENTION.search(part) if isinstance(part, str) else None
        if found:
            return f"mentions {found[0]}, which notifies people"
    return None


def _parts(message: dict[str, object]) -> Iterator[object]:
    """Yield what is shown, from top to bottom."""
    yield message.get("text")
    yield from _block_texts(message.get("blocks"))
    attachments = message.get("attachments")
    for attachment in attachments if isinstance(attachments, list) else ():
        if not isinstance(attachment, dict):
            continue
        for name in ("pretext", "author_name", "title", "title_link", "text"):
            yield attachment.get(name)
        yield from _block_texts(attachment.get("blocks"))
        for field in _dicts(attachment.get("fields")):
            title, value = field.get("title"), field.get("value")
            yield f"{title}: {value}" if title else value
        for action in _dicts(attachment.get("actions")):
            yield action.get("text")
            yield action.get("url")
        yield attachment.get("footer")


def _block_texts(blocks: object) -> Iterator[object]:
    """Yield the texts and URLs of Block Kit blocks, however deep they are nested."""
    if isinstance(blocks, list):
        for block in blocks:
            yield from _block_texts(block)
    elif isinstance(blocks, dict):
        for name, value in blocks.items():
            if name in {"text", "url", "alt_text"} and isinstance(value, str):
                yield value
            elif isinstance(value, dict | list):
                yield from _block_texts(value)


def _dicts(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _decoded(part: object) -> str:
    if not isinstance(part, str):
        return ""
    shown = _LINK.sub(lambda link: f"{link[2]} ({link[1]})" if link[2] else link[1], part)
    return html.unescape(shown).strip()


class Slack:
    """A workspace with some incoming webhooks, keyed by the receiver's name."""

    def __init__(
        self, *, webhooks: Mapping[str, Webhook], record: Callable[[Delivery], None]
    ) -> None:
        self._webhooks = dict(webhooks)
        self._record = record

    def respond(self, request: Request) -> Answer:
        """Answer a request as Slack does, and record it when it was posted to a webhook."""
        if request.method != "POST":
            return _text(405, "Method Not Allowed")
        receiver, unknown = self._find(request.path)
        message = _message(request)
        refused = unknown or refusal(message) or self._wrong_channel(message)
        headline, text = readable(message)
        self._record(
            deliver(
                at=request.at,
                receiver=receiver,
                headline=headline,
                text=text,
                payload=request.body.decode(errors="replace"),
                refusal=refused,
                problem=None
                if refused
                else self._other_channel(receiver, message) or mentions(message),
            )
        )
        return _text(STATUS[refused], refused) if refused else _text(200, "ok")

    def fail(self, request: Request, status: int) -> Answer:
        """Answer 429 with the seconds to wait, or 500."""
        receiver, _ = self._find(request.path)
        message = _message(request)
        word = "rate_limited" if status == 429 else "server_error"
        headline, text = readable(message)
        self._record(
            deliver(
                at=request.at,
                receiver=receiver,
                headline=headline,
                text=text,
                payload=request.body.decode(errors="replace"),
                refusal=f"{status} {word}",
            )
        )
        return Answer(
            status=status,
            body=word,
            content_type="text/html",
            headers=(("Retry-After", "1"),) if status == 429 else (),
        )

    def _find(self, path: str) -> tuple[str, str | None]:
        """Return the receiver whose webhook this is, and the word that refuses the path."""
        match = _PATH.fullmatch(path.partition("?")[0])
        if match is None:
            return SLACK_UNKNOWN, "no_service"
        for receiver, webhook in self._webhooks.items():
            if (match["team"], match["service"]) == (webhook.team, webhook.service):
                right = match["token"] == webhook.token
                return (receiver, None) if right else (SLACK_UNKNOWN, "invalid_token")
        return SLACK_UNKNOWN, "no_service"

    def _wrong_channel(self, message: object) -> str | None:
        named = _named_channel(message)
        known = {webhook.channel for webhook in self._webhooks.values()}
        return "channel_not_found" if named and named not in known else None

    def _other_channel(self, receiver: str, message: object) -> str | None:
        named, own = _named_channel(message), self._webhooks[receiver].channel
        if named in {"", own}:
            return None
        return f"names channel {named}, but an app's webhook posts to its own, {own}"


def _named_channel(message: object) -> str:
    channel = message.get("channel") if isinstance(message, dict) else None
    name = channel.strip().lstrip("#") if isinstance(channel, str) else ""
    return f"#{name}" if name else ""


def _message(request: Request) -> object:
    """Parse the body as its content type says: JSON, or a form whose `payload` is JSON."""
    raw: str | bytes = request.body
    if request.content_type == "application/x-www-form-urlencoded":
        raw = parse_qs(request.body.decode(errors="replace")).get("payload", [""])[0]
    elif request.content_type != "application/json":
        return None
    return read_json(raw)


def _text(status: int, body: str) -> Answer:
    return Answer(status=status, body=body, content_type="text/html")
