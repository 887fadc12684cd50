"""What takes Alertmanager's own webhooks: a ticket system, and a dead man's switch.

Design rule: whatever is not version 4 of Alertmanager's JSON, whole, is refused; a ticket's words
are made from it in the form of every other notification's.

Source: the fields of `webhook_config` in Alertmanager's documentation
(https://prometheus.io/docs/alerting/latest/configuration/#webhook_config). Assumed, as each such
service has its own: 400 for a body that it can't read, 404 for an unknown path, 401 for a wrong
token, 429 with `Retry-After`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import compare_digest

from stack.receivers.delivery import WEBHOOK_UNKNOWN, Delivery, Status, deliver
from stack.receivers.web import Answer, Request, read_json

VERSION = "4"

_PATH = re.compile(r"/hooks/(?P<name>[a-z]+)/(?P<token>[\w-]+)")
_TEXTS = ("version", "groupKey", "status", "receiver", "externalURL")
_MAPS = ("groupLabels", "commonLabels", "commonAnnotations")
_ALERT_TEXTS = ("status", "startsAt", "endsAt", "generatorURL", "fingerprint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One address: `name` is part of its path, `token` its secret."""

    name: str
    token: str

    @property
    def path(self) -> str:
        """The path of its URL."""
        return f"/hooks/{self.name}/{self.token}"


def errors(message: object) -> tuple[str, ...]:
    """Return what is not as version 4 of the format has it; empty when the message is taken."""
    if not isinstance(message, dict):
        return ("the body is not a JSON object",)
    return tuple(_errors(message))


def _errors(message: dict[str, object]) -> Iterator[str]:
    for name in _TEXTS:
        if not isinstance(message.get(name), str):
            yield f"{name} is not a string"
    if message.get("version") != VERSION:
        yield f"version is {message.get('version')!r}, expected {VERSION!r}"
    if message.get("status") not in ("firing", "resolved"):
        yield f"status is {message.get('status')!r}"
    for name in _MAPS:
        if not _is_text_map(message.get(name)):
            yield f"{name} is not a map of strings"
    alerts = message.get("alerts")
    if not isinstance(alerts, list) or not alerts:
        yield "alerts is not a list with something in it"
        return
    for number, alert in enumerate(alerts):
        if not isinstance(alert, dict):
            yield f"alerts[{number}] is not an object"
            continue
        for name in _ALERT_TEXTS:
            if not isinstance(alert.get(name), str):
                yield f"alerts[{number}].{name} is not a string"
        for name in ("labels", "annotations"):
            if not _is_text_map(alert.get(name)):
                yield f"alerts[{number}].{name} is not a map of strings"
        if _clock(alert.get("startsAt")) is None:
            yield f"alerts[{number}].startsAt is no time: {alert.get('startsAt')!r}"


def readable(message: object) -> tuple[str, str]:
    """Return a ticket's title and text; "" where the message is not whole."""
    if not isinstance(message, dict) or errors(message):
        return "", ""
    alerts: list[dict[str, object]] = message["alerts"]
    firing = [alert for alert in alerts if alert["status"] == "firing"]
    told = firing or alerts
    labels, annotations = _texts(told[0], "labels"), _texts(told[0], "annotations")
    status = str(message["status"])
    cut = message.get("truncatedAlerts")
    left_out = cut if isinstance(cut, int) else 0
    title = (
        f"[{status.upper()}] {labels.get('severity', '')} {labels.get('alertname', '')} "
        f"on {labels.get('service', '')}: {_count(len(firing), len(alerts), left_out)}"
        f"{_line(annotations.get('summary', ''))} | since {min(_starts(told))}"
    )
    if status == "firing" and annotations.get("action"):
        title += f" | do: {_line(annotations['action'])}"
    lines = [title]
    for alert in alerts:
        lines += [f"{key}: {value}" for key, value in sorted(_texts(alert, "labels").items())]
        lines += [f"{key}: {value}" for key, value in sorted(_texts(alert, "annotations").items())]
    if left_out:
        lines.append(f"and {left_out} more that are not listed")
    return title, "\n".join(lines)


def _count(firing: int, listed: int, left_out: int) -> str:
    if listed + left_out < 2:
        return ""
    parts = [(firing, "firing"), (listed - firing, "resolved")]
    if left_out:  # which of them these are is not said: they count with the first
        parts[0 if firing else 1] = (
            parts[0 if firing else 1][0] + left_out,
            parts[0 if firing else 1][1],
        )
    return ", ".join(f"{number} {word}" for number, word in parts if number) + "; first: "


def _starts(alerts: list[dict[str, object]]) -> Iterator[str]:
    for alert in alerts:
        clock = _clock(alert["startsAt"])
        if clock is not None:
            yield clock


def _clock(value: object) -> str | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at.tzinfo else None


def _texts(alert: dict[str, object], key: str) -> dict[str, str]:
    value = alert.get(key)
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _line(text: str) -> str:
    return " ".join(text.split())


class Hooks:
    """Services that take Alertmanager's webhooks, keyed by the receiver's name.

    `beat` is called with the time of whatever the receiver in `heartbeat` took.
    """

    def __init__(
        self,
        *,
        hooks: Mapping[str, Hook],
        record: Callable[[Delivery], None],
        heartbeat: str = "",
        beat: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._hooks = dict(hooks)
        self._record = record
        self._heartbeat = heartbeat
        self._beat = beat

    def respond(self, request: Request) -> Answer:
        """Answer a request, and record it when it was posted."""
        if request.method != "POST":
            return _answer(405, "method not allowed")
        receiver, unknown = self._find(request.path)
        message = read_json(request.body)
        if unknown:
            self._keep(request, receiver, message, unknown)
            return _answer(int(unknown[:3]), unknown[4:])
        wrong = errors(message)
        self._keep(request, receiver, message, f"400 {'; '.join(wrong)}" if wrong else None)
        if wrong:
            return _answer(400, "; ".join(wrong))
        if receiver == self._heartbeat:
            self._beat(request.at)
        return _answer(200, "ok")

    def fail(self, request: Request, status: int) -> Answer:
        """Answer 429 or 500."""
        receiver, _ = self._find(request.path)
        said = "too many requests" if status == 429 else "internal server error"
        self._keep(request, receiver, read_json(request.body), f"{status} {said}")
        return _answer(status, said, (("Retry-After", "1"),) if status == 429 else ())

    def _find(self, path: str) -> tuple[str, str | None]:
        match = _PATH.fullmatch(path.partition("?")[0])
        for receiver, hook in self._hooks.items():
            if match is not None and match["name"] == hook.name:
                right = compare_digest(match["token"].encode(), hook.token.encode())
                return (receiver, None) if right else (WEBHOOK_UNKNOWN, "401 wrong token")
        return WEBHOOK_UNKNOWN, "404 no such hook"

    def _keep(self, request: Request, receiver: str, message: object, refused: str | None) -> None:
        title, text = readable(message)
        said = message.get("status") if isinstance(message, dict) else None
        status: Status | None = said if said in ("firing", "resolved") else None
        self._record(
            deliver(
                at=request.at,
                receiver=receiver,
                headline=title,
                text=text,
                payload=request.body.decode(errors="replace"),
                refusal=refused,
                status=status,
            )
        )


def _answer(status: int, body: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=status, body=body, content_type="text/plain", headers=headers)
