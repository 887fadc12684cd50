"""PagerDuty's Events API v2, as far as a sender of alert events can tell.

Design rule: what it refuses is a pure function of the event, in the words of the real service.

Sources: the parameters, their limits and what becomes of a resolve without an open alert are in
"Send an Alert Event" (https://developer.pagerduty.com/docs/events-api-v2/trigger-events/), status
codes and the size limit in "Events API v2 Overview"
(https://developer.pagerduty.com/docs/events-api-v2/overview/), the body of success and of an event
that is no JSON in the published schema (https://github.com/PagerDuty/api-schema,
reference/events-v2/openapiv3.json). The wording of single errors is as users of the service quote
it: https://v2.developer.pagerduty.com/docs/send-an-event-events-api-v2 (length of the routing key),
https://github.com/blockpane/tenderduty/issues/10 (its characters),
https://github.com/robusta-dev/robusta/issues/571 (a key that nobody has),
https://github.com/solana-foundation/solana-developer-platform/pull/576 (missing or blank).

Assumed, as no quotation was found: the wording for fields that are too long, for a missing
`payload` and for `event_action`; the bodies of 429 and 500; 404 and 405 for anything but a POST to
the endpoint. That an event over the size limit is answered 400 is hearsay
(https://github.com/PagerDuty/go-pagerduty/issues/221).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from threading import Lock

from stack.receivers.delivery import PAGERDUTY, Delivery, Status, deliver, parse_headline
from stack.receivers.web import Answer, Request, read_json

PATH = "/v2/enqueue"
ROUTING_KEY_CHARACTERS = 32
MAXIMUM_SUMMARY_CHARACTERS = 1024
MAXIMUM_DEDUP_KEY_CHARACTERS = 255
MAXIMUM_EVENT_BYTES = 512 * 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "warning", "error", "info")
EXPECTED_SEVERITY = {"CRITICAL": "critical", "HIGH": "error", "MEDIUM": "warning", "LOW": "info"}
"""What our severities become at PagerDuty: a fifth word would be refused, and none means error."""

_STATUS: dict[object, Status] = {"trigger": "firing", "resolve": "resolved"}


def errors(event: object, routing_key: str) -> tuple[str, ...]:
    """Return what the service would list under `errors`; empty when it accepts the event.

    A resolve needs no payload, and one that it has is not looked at.
    """
    if not isinstance(event, dict):
        return ("JSON parse error",)
    return tuple(_errors(event, routing_key))


def refusal(event: object, routing_key: str) -> str | None:
    """Return why the service would refuse the event, on one line; None when it accepts it."""
    found = errors(event, routing_key)
    return ", ".join(found) if found else None


def _errors(event: dict[str, object], routing_key: str) -> Iterator[str]:
    yield from _key_errors(event.get("routing_key"), routing_key)
    action = event.get("event_action")
    if _blank(action):
        yield "'event_action' is missing or blank"
    elif action not in ACTIONS:
        yield f"'event_action' is invalid (must be one of the following: {_listed(ACTIONS)})"
    dedup_key = event.get("dedup_key")
    if dedup_key is not None and not isinstance(dedup_key, str):
        yield "'dedup_key' must be a string"
    elif isinstance(dedup_key, str) and len(dedup_key) > MAXIMUM_DEDUP_KEY_CHARACTERS:
        yield f"'dedup_key' is too long (maximum is {MAXIMUM_DEDUP_KEY_CHARACTERS} characters)"
    elif action in {"acknowledge", "resolve"} and _blank(dedup_key):
        yield "'dedup_key' is missing or blank"
    if action == "trigger":
        yield from _payload_errors(event.get("payload"))


def _key_errors(given: object, routing_key: str) -> Iterator[str]:
    if _blank(given):
        yield "'routing_key' is missing or blank"
        return
    key = str(given)
    well_formed = True
    if len(key) != ROUTING_KEY_CHARACTERS:
        well_formed = False
        yield (
            f"Length of 'routing_key' is incorrect (should be {ROUTING_KEY_CHARACTERS} characters)"
        )
    if not (key.isascii() and key.isalnum()):
        well_formed = False
        yield "'routing_key' cannot contain non-alphanumeric characters."
    if well_formed and key != routing_key:
        yield "Invalid routing key"


def _payload_errors(payload: object) -> Iterator[str]:
    if not isinstance(payload, dict):
        yield "'payload' is missing or blank"
        return
    for name in ("summary", "source", "severity"):
        if _blank(payload.get(name)):
            yield f"'payload.{name}' is missing or blank"
    summary = payload.get("summary")
    if isinstance(summary, str) and len(summary) > MAXIMUM_SUMMARY_CHARACTERS:
        yield f"'payload.summary' is too long (maximum is {MAXIMUM_SUMMARY_CHARACTERS} characters)"
    severity = payload.get("severity")
    if not _blank(severity) and severity not in SEVERITIES:
        yield (
            "'payload.severity' is invalid "
            "(must be one of the following: 'critical', 'warning', 'error' or 'info')"
        )


def readable(event: object) -> tuple[str, str]:
    """Return an incident's title, and everything that its page shows, decoded."""
    if not isinstance(event, dict):
        return "", ""
    payload = event.get("payload")
    fields = payload if isinstance(payload, dict) else {}
    summary = fields.get("summary")
    title = summary if isinstance(summary, str) else ""
    lines = [title]
    for name in ("severity", "source", "component", "group", "class"):
        lines.extend(_flat(name, fields.get(name)))
    lines.extend(_flat("", fields.get("custom_details")))
    for name in ("links", "images", "client", "client_url"):
        lines.extend(_flat(name, event.get(name)))
    return title, "\n".join(line for line in lines if line)


def problem(event: object) -> str | None:
    """Return what the service lets pass and a person on call would be misled by; None if nothing.

    The incident is opened and closed by `event_action`, while people read the headline; and the
    incident's urgency comes from `payload.severity`, while the headline says our word for it.
    """
    title, _ = readable(event)
    said = parse_headline(title)
    if not isinstance(event, dict) or said is None:
        return None
    action = event.get("event_action")
    if _STATUS.get(action) not in {said.status, None}:
        return f"event_action is {action!r}, but the headline says {said.status.upper()}"
    payload = event.get("payload")
    given = payload.get("severity") if isinstance(payload, dict) else None
    expected = EXPECTED_SEVERITY.get(said.severity)
    if action == "trigger" and expected is not None and given != expected:
        return f"payload.severity is {given!r}, but {said.severity} is {expected!r}"
    return None


class PagerDuty:
    """One integration of one service: it has a routing key, and alerts that are open."""

    def __init__(self, *, routing_key: str, record: Callable[[Delivery], None]) -> None:
        self._routing_key = routing_key
        self._record = record
        self._lock = Lock()
        self._open: set[str] = set()

    def respond(self, request: Request) -> Answer:
        """Answer a request as the service does, and record it when it was an event."""
        if request.path.partition("?")[0] != PATH:
            return Answer(status=404, body="Not Found", content_type="text/plain")
        if request.method != "POST":
            return Answer(status=405, body="Method Not Allowed", content_type="text/plain")
        if len(request.body) > MAXIMUM_EVENT_BYTES:
            too_large = "Event is too large (maximum is 512 KB)"
            self._keep(request, None, too_large, None)
            return _json(400, _refused({}, (too_large,)))
        event = read_json(request.body)
        found = errors(event, self._routing_key)
        if found:
            self._keep(request, event, ", ".join(found), problem(event))
            return _json(400, _refused(event, found))
        assert isinstance(event, dict)
        dedup_key = str(event.get("dedup_key") or uuid.uuid4().hex)
        dropped = self._apply(str(event["event_action"]), dedup_key)
        self._keep(request, event, None, problem(event) or dropped)
        return _json(
            202, {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
        )

    def fail(self, request: Request, status: int) -> Answer:
        """Answer 429 or 500: nothing is opened or closed."""
        event = read_json(request.body)
        if status == 429:
            said = "Requests for this service are arriving too quickly. Please retry later."
            body: dict[str, object] = {"status": "throttle exceeded", "message": said}
        else:
            said = "Internal Server Error"
            body = {"status": "error", "message": said}
        self._keep(request, event, f"{status} {said}", problem(event))
        return _json(status, body)

    def _apply(self, action: str, dedup_key: str) -> str | None:
        with self._lock:
            known = dedup_key in self._open
            if action == "trigger":
                self._open.add(dedup_key)
                return None
            if action == "resolve":
                self._open.discard(dedup_key)
        return None if known else f"{action} without an open alert of its dedup_key is dropped"

    def _keep(
        self, request: Request, event: object, refused: str | None, problem: str | None
    ) -> None:
        title, text = readable(event)
        action = event.get("event_action") if isinstance(event, dict) else None
        self._record(
            deliver(
                at=request.at,
                receiver=PAGERDUTY,
                headline=title,
                text=text,
                payload=self._redacted(request.body, event),
                refusal=refused,
                status=_STATUS.get(action) if isinstance(action, str) else None,
                problem=problem,
            )
        )

    def _redacted(self, body: bytes, event: object) -> str:
        raw = body.decode(errors="replace")
        given = event.get("routing_key") if isinstance(event, dict) else None
        for key in {self._routing_key, given if isinstance(given, str) else ""} - {""}:
            raw = raw.replace(key, "<redacted>")
        return raw


def _refused(event: object, found: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(event, dict):
        return {
            "status": "Unrecognized object",
            "message": "Event object format is unrecognized",
            "errors": list(found),
        }
    return {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": list(found),
    }


def _json(status: int, body: dict[str, object]) -> Answer:
    return Answer(status=status, body=json.dumps(body), content_type="application/json")


def _blank(value: object) -> bool:
    return not isinstance(value, str) or not value.strip()


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names[:-1]) + f" or {names[-1]!r}"


def _flat(name: str, value: object) -> Iterator[str]:
    """Yield `name: value` lines of nested details, as the incident's page lists them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(name, inner)
    elif value not in (None, ""):
        yield f"{name}: {value}"
