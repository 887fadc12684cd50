"""Reads what Alertmanager's event recorder wrote: a JSON object a line.

One rule: what is not known is left out, and what is needed and missing is an error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenarios.delivery.evidence import Recorded
from stack.clients.timestamps import epoch_seconds

FEATURE = "--enable-feature=event-recorder"


def settings(path: Path) -> str:
    """Return what is added to alertmanager.yml so that events are written to ``path``."""
    return f"\nevent_recorder:\n  file_outputs:\n    - path: {path}\n"


class EventLog:
    """The file that one Alertmanager records to, of which each line is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._events: list[Recorded] = []

    def events(self) -> tuple[Recorded, ...]:
        """Return what has been recorded until now; a line that is being written is left out.

        Raises:
            ValueError: a line is no event of the recorder.
        """
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                whole, end, _ = file.read().rpartition(b"\n")
            self._read += len(whole) + len(end)
            self._events += [_event(json.loads(line)) for line in whole.splitlines() if line]
        return tuple(self._events)


def _event(raw: dict[str, Any]) -> Recorded:
    try:
        at = epoch_seconds(raw["@timestamp"])
        ((kind, data),) = raw["data"].items()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"no event of Alertmanager's recorder: {raw!r}") from error
    if kind == "notification":
        return Recorded(
            at=at,
            kind=kind,
            alerts=tuple(_named(one.get("details", {}).get("labels")) for one in data["alerts"]),
            integration=data["integration"]["name"],
            reason=data["reason"].removeprefix("NOTIFY_REASON_"),
            group=data["groupInfo"]["groupKey"],
            flush=int(data.get("flushId", 0)),
        )
    if kind == "inhibitionMutedAlert":
        rules = data.get("inhibitRules", ())
        by = [one["rendered"] for rule in rules for one in rule["sourceMatchers"]]
        return Recorded(
            at=at, kind=kind, alerts=(_named(data["mutedAlert"]["labels"]),), by=", ".join(by)
        )
    if kind in ("alertGrouped", "alertResolved"):
        return Recorded(
            at=at,
            kind=kind,
            alerts=(_named(data["alert"].get("details", {}).get("labels")),),
            group=data["groupInfo"]["groupKey"],
        )
    return Recorded(at=at, kind=kind, alerts=())


def _named(labels: Any) -> str:
    pairs = {one["key"]: one.get("value", "") for one in (labels or {}).get("labels", ())}
    return f"{pairs.get('alertname', '')} {pairs.get('instance', '')}".strip()
