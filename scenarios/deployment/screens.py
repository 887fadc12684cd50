"""Where people look: how Grafana and Kibana are asked for what they hold.

One rule: who does not answer, or asks who is asking, has told nothing of what it holds; both answer
an error with JSON whose `message` says why, and that is repeated.
"""

from __future__ import annotations

import json
from typing import Any

import requests

from scenarios.deployment.seen import NotSeen
from scenarios.deployment.target import Watcher
from scenarios.deployment.visit import Answer, Visit
from stack.clients.failure import ASKS_WHO

_SHOWN_CHARACTERS = 160


def ask(visit: Visit, name: Watcher, path: str) -> Answer:
    """GET a path of a watcher. Raises NotSeen where it does not answer, or asks who is asking."""
    try:
        answer = visit.watcher(name, path)
    except requests.RequestException as error:
        raise visit.not_seen(visit.target.watchers[name].url + path, error) from error
    let_in(name, answer)
    return answer


def let_in(name: Watcher, answer: Answer) -> None:
    """Raise NotSeen for an answer that asks who is asking."""
    if answer.status in ASKS_WHO:
        raise NotSeen(
            f"{answer.url} answers {answer.status}: it asks who is asking ({reason(answer)})",
            f"--{name}-token-file names the file with its token",
        )


def body_of(answer: Answer) -> Any:
    """Return the JSON of an answer; None for what is none."""
    try:
        return json.loads(answer.text)
    except (ValueError, RecursionError):
        return None


def reason(answer: Answer) -> str:
    """Return why an answer is an error, in its own words, on one line."""
    body = body_of(answer)
    said = body.get("message") if isinstance(body, dict) else None
    words = " ".join(str(said or answer.text or "it says nothing").split())
    return words if len(words) <= _SHOWN_CHARACTERS else f"{words[:_SHOWN_CHARACTERS]}..."
