"""Discord's webhooks, as far as a poster can tell.

Design rule: what it refuses is a pure function of the message, in the codes of the real service.

Sources: limits in "Embed Limits" and "Execute Webhook"
(https://discord.com/developers/docs/resources/message#embed-object-embed-limits,
https://discord.com/developers/docs/resources/webhook#execute-webhook: 2000 characters of content,
10 embeds, success is 204), codes in "JSON error codes" (10015 unknown webhook, 50006 empty message,
50027 invalid webhook token, 50035 invalid form body, 50109 no JSON), the body of 429 in "Rate
limits" (`message`, `retry_after` in seconds, `global`), and the form of field errors in "Error
messages" of the same site's reference.

Assumed: 401 for a token that does not belong to the webhook, and 500 without a body of JSON. That
an embed mentions nobody while `content` does is what its users see and rely on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stack.receivers.delivery import DISCORD_OPS, DISCORD_UNKNOWN, Delivery, deliver, first_line
from stack.receivers.web import Answer, Request, read_json

MAXIMUM_CONTENT = 2000
MAXIMUM_TITLE = 256
MAXIMUM_DESCRIPTION = 4096
MAXIMUM_FIELDS = 25
MAXIMUM_FIELD_NAME = 256
MAXIMUM_FIELD_VALUE = 1024
MAXIMUM_FOOTER = 2048
MAXIMUM_AUTHOR = 256
MAXIMUM_USERNAME = 80
MAXIMUM_EMBEDS = 10
MAXIMUM_EMBED_TEXT = 6000
"""Of all embeds together, in characters."""
RETRY_AFTER_SECONDS = 0.5

_PATH = re.compile(r"/api/(?:v\d+/)?webhooks/(?P<id>\d+)/(?P<token>[\w-]+)")
_ESCAPED = re.compile(r"\\([^\w\s]|_)")
_MENTION = re.compile(r"(?<!\\)@(?:everyone|here)\b|(?<!\\)<(?:@[!&]?|#)\d+>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook of a server: it posts to one channel."""

    id: str
    token: str

    @property
    def path(self) -> str:
        """The path of its URL, which is its secret."""
        return f"/api/webhooks/{self.id}/{self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An HTTP status with Discord's own code, and the fields at fault."""

    status: int
    code: int
    message: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        at = f": {'; '.join(self.fields)}" if self.fields else ""
        return f"{self.status} {self.message} ({self.code}){at}"


def refusal(message: object) -> Refusal | None:
    """Return how Discord refuses the message; None when it posts it."""
    if not isinstance(message, dict):
        return Refusal(status=400, code=50109, message="The request body contains invalid JSON.")
    wrong = tuple(_wrong(message))
    if wrong:
        return Refusal(status=400, code=50035, message="Invalid Form Body", fields=wrong)
    shown = isinstance(message.get("content"), str) and message["content"].strip()
    if not shown and not message.get("embeds"):
        return Refusal(status=400, code=50006, message="Cannot send an empty message")
    return None


def _wrong(message: dict[str, object]) -> Iterator[str]:
    yield from _text(message, "content", "content", MAXIMUM_CONTENT)
    yield from _text(message, "username", "username", MAXIMUM_USERNAME)
    embeds = message.get("embeds")
    if embeds is None:
        return
    if not isinstance(embeds, list) or not all(isinstance(each, dict) for each in embeds):
        yield "embeds: must be a list of objects"
        return
    if len(embeds) > MAXIMUM_EMBEDS:
        yield f"embeds: Must be {MAXIMUM_EMBEDS} or fewer in length."
    for number, embed in enumerate(embeds):
        yield from _wrong_embed(embed, f"embeds[{number}]")
    if sum(len(text) for embed in embeds for text in _embed_texts(embed)) > MAXIMUM_EMBED_TEXT:
        yield f"embeds: Embed size exceeds maximum size of {MAXIMUM_EMBED_TEXT}"


def _wrong_embed(embed: dict[str, object], at: str) -> Iterator[str]:
    yield from _text(embed, "title", f"{at}.title", MAXIMUM_TITLE)
    yield from _text(embed, "description", f"{at}.description", MAXIMUM_DESCRIPTION)
    for name, inner, most in (
        ("footer", "text", MAXIMUM_FOOTER),
        ("author", "name", MAXIMUM_AUTHOR),
    ):
        part = embed.get(name)
        if isinstance(part, dict):
            yield from _text(part, inner, f"{at}.{name}.{inner}", most)
    fields = _fields(embed)
    if len(fields) > MAXIMUM_FIELDS:
        yield f"{at}.fields: Must be {MAXIMUM_FIELDS} or fewer in length."
    for number, field in enumerate(fields):
        for name, most in (("name", MAXIMUM_FIELD_NAME), ("value", MAXIMUM_FIELD_VALUE)):
            if not field.get(name):
                yield f"{at}.fields[{number}].{name}: This field is required"
            yield from _text(field, name, f"{at}.fields[{number}].{name}", most)
    if not any(_embed_texts(embed)) and not (embed.get("image") or embed.get("thumbnail")):
        yield f"{at}.description: This field is required"


def _text(raw: dict[str, object], key: str, at: str, most: int) -> Iterator[str]:
    value = raw.get(key)
    if value is None:
        return
    if not isinstance(value, str):
        yield f"{at}: Not a string."
    elif len(value) > most:
        yield f"{at}: Must be {most} or fewer in length."


def _fields(embed: dict[str, object]) -> list[dict[str, object]]:
    fields = embed.get("fields")
    return [each for each in fields if isinstance(each, dict)] if isinstance(fields, list) else []


def _embed_texts(embed: dict[str, object]) -> Iterator[str]:
    """Yield an embed's texts, as they are shown from top to bottom."""
    author, footer = embed.get("author"), embed.get("footer")
    if isinstance(author, dict):
        yield str(author.get("name") or "")
    yield str(embed.get("title") or "")
    yield str(embed.get("description") or "")
    for field in _fields(embed):
        yield str(field.get("name") or "")
        yield str(field.get("value") or "")
    if isinstance(footer, dict):
        yield str(footer.get("text") or "")


def readable(message: object) -> tuple[str, str]:
    """Return the first line that a reader of the channel sees, and all that they see, unescaped."""
    if not isinstance(message, dict):
        return "", ""
    content, embeds = message.get("content"), message.get("embeds")
    parts = [content if isinstance(content, str) else ""]
    for embed in embeds if isinstance(embeds, list) else ():
        if isinstance(embed, dict):
            parts.extend(_embed_texts(embed))
    text = "\n".join(_ESCAPED.sub(r"\1", part).strip() for part in parts if part.strip())
    return first_line(text), text


def problem(message: object) -> str | None:
    """Return what Discord lets pass and people would complain of: a mention that nobody meant."""
    content = message.get("content") if isinstance(message, dict) else None
    mention = _MENTION.search(content) if isinstance(content, str) else None
    return f"content mentions {mention[0]}, which notifies people" if mention else None


class Discord:
    """A server with one incoming webhook."""

    def __init__(self, *, webhook: Webhook, record: Callable[[Delivery], None]) -> None:
        self._webhook = webhook
        self._record = record

    def respond(self, request: Request) -> Answer:
        """Answer a request as Discord does, and record it when it was posted to a webhook."""
        if request.method != "POST":
            return _answer(405, {"message": "405: Method Not Allowed", "code": 0})
        receiver, unknown = self._find(request.path)
        message = _parsed(request)
        refused = unknown or refusal(message)
        self._keep(request, receiver, message, str(refused) if refused else None)
        if refused is None:
            return Answer(status=204, body="", content_type="text/html")
        body: dict[str, object] = {"message": refused.message, "code": refused.code}
        if refused.fields:
            body["errors"] = {
                at: {"_errors": [{"code": "INVALID", "message": text}]}
                for at, _, text in (each.partition(": ") for each in refused.fields)
            }
        return _answer(refused.status, body)

    def fail(self, request: Request, status: int) -> Answer:
        """Answer 429 with the seconds to wait, or 500."""
        receiver, _ = self._find(request.path)
        if status != 429:
            self._keep(request, receiver, _parsed(request), f"{status} Internal Server Error")
            return _answer(status, {"message": f"{status}: Internal Server Error", "code": 0})
        said = "You are being rate limited."
        self._keep(request, receiver, _parsed(request), f"429 {said}")
        return _answer(
            429,
            {"message": said, "retry_after": RETRY_AFTER_SECONDS, "global": False},
            headers=(("Retry-After", "1"), ("X-RateLimit-Scope", "shared")),
        )

    def _find(self, path: str) -> tuple[str, Refusal | None]:
        match = _PATH.fullmatch(path.partition("?")[0])
        if match is None:
            return DISCORD_UNKNOWN, Refusal(status=404, code=0, message="404: Not Found")
        if match["id"] != self._webhook.id:
            return DISCORD_UNKNOWN, Refusal(status=404, code=10015, message="Unknown Webhook")
        if match["token"] != self._webhook.token:
            return DISCORD_UNKNOWN, Refusal(status=401, code=50027, message="Invalid Webhook Token")
        return DISCORD_OPS, None

    def _keep(self, request: Request, receiver: str, message: object, refused: str | None) -> None:
        headline, text = readable(message)
        self._record(
            deliver(
                at=request.at,
                receiver=receiver,
                headline=headline,
                text=text,
                payload=request.body.decode(errors="replace"),
                refusal=refused,
                problem=None if refused else problem(message),
            )
        )


def _parsed(request: Request) -> object:
    return read_json(request.body) if request.content_type == "application/json" else None


def _answer(
    status: int, body: dict[str, object], headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    return Answer(
        status=status, body=json.dumps(body), content_type="application/json", headers=headers
    )
