"""Records to Elasticsearch, again and again until each is in the index or was refused.

Design rule: it returns only when the fate of every record is known. `create` with the record's own
id makes repetition harmless: what the index has conflicts and is not written again, which is
cheaper than to write it over.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, cast

import orjson
from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import streaming_bulk

from stack.logs.shipping.backoff import delay_seconds
from stack.logs.shipping.dead_letters import Refused
from stack.logs.shipping.decisions import Decision, decide, retry_of, too_much
from stack.logs.shipping.parts import AT_ONCE, Record, in_parallel, split

__all__ = ["Delivers", "Delivery", "Outcome", "Unreachable"]

_ANSWERED = (
    "items.*.status",
    "items.*.error.type",
    "items.*.error.reason",
    "items.*.error.caused_by",
)
"""What is asked of the answer; all of it is as long as the request."""

_REASON_CHARACTERS, _SAYS_CHARACTERS = 2000, 300


class Unreachable(RuntimeError):
    """Elasticsearch took nothing for as long as was allowed: one line with the last failure."""


class Observer(Protocol):
    """Who is told what happens on the way."""

    def repeats(self, reason: str) -> None:
        """A request is about to be repeated, for one of `decisions.RETRIES`."""

    def succeeds(self) -> None:
        """The index has records that it did not have before this answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The fate of a batch."""

    shipped: int
    refused: tuple[Refused, ...]


class Delivers(Protocol):
    """What brings records into the index, as `Delivery` does."""

    def deliver(self, records: Sequence[Record]) -> Outcome:
        """Return the fate of every record, once it is known. Raises Unreachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """Why a whole request came to nothing; `status` is None where there was no answer.

    `error_type` is Elasticsearch's name for it, empty where it was somebody else who answered.
    """

    reason: str
    says: str
    status: int | None = None
    error_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What was answered to the first records of a request, and why to no more of them."""

    items: list[tuple[int, dict[str, Any]]]
    failure: _Failure | None


class Delivery:
    """Sends batches through one client.

    `wait` pauses for so many seconds, or less when there is a reason to try at once. `say` is given
    a line for a person when things go wrong, and when they go on; `explain` makes such a line of
    what the client raises. After `patience_seconds` without any progress it gives up; None for
    never.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        max_bytes: int,
        wait: Callable[[float], None],
        observer: Observer,
        say: Callable[[str], None],
        explain: Callable[[ApiError | TransportError], str],
        patience_seconds: float | None = None,
    ) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._wait = wait
        self._observer = observer
        self._say = say
        self._explain = explain
        self._patience_seconds = patience_seconds

    def deliver(self, records: Sequence[Record]) -> Outcome:
        """Send the records until each is in the index or refused. Raises Unreachable."""
        queue = deque(split(records, self._max_bytes))
        refused: list[Refused] = []
        failures = 0
        progress_at = time.monotonic()
        while queue:
            sent = [queue.popleft() for _ in range(min(AT_ONCE, len(queue)))]
            answers = in_parallel(self._request, sent)
            failure = None
            progresses = stores = False
            again: list[list[Record]] = []
            for part, answer in zip(sent, answers, strict=True):
                failed = answer.failure
                status = failed.status if failed is not None else None
                if failed and status is not None and too_much(status, failed.error_type):
                    if len(part) == 1:
                        refused.append(_refused(part[0], status, _whole(failed)))
                        continue
                    half = len(part) // 2
                    again += [part[:half], part[half:]]
                    self._observer.repeats("other")
                    continue
                before = len(refused)
                left, told = _settle(part, answer.items, refused)
                failure = failure or failed or told
                progresses = progresses or len(left) < len(part)
                stores = stores or len(part) - len(left) > len(refused) - before
                if left:
                    again.append(left)
            queue.extendleft(reversed(again))
            if stores:
                self._observer.succeeds()
            if progresses:
                progress_at = time.monotonic()
                if failures:
                    self._say("Elasticsearch takes records again")
                failures = 0
            if failure is None:
                continue
            failures += 1
            if failures == 1:
                waiting = sum(map(len, queue))
                self._say(f"{failure.says}; {waiting} records wait, and are sent again")
            waited = time.monotonic() - progress_at
            if self._patience_seconds is not None and waited > self._patience_seconds:
                raise Unreachable(f"Elasticsearch took nothing for {waited:.0f} s: {failure.says}")
            self._observer.repeats(failure.reason)
            self._wait(delay_seconds(failures))
        return Outcome(shipped=len(records) - len(refused), refused=tuple(refused))

    def _request(self, records: Sequence[Record]) -> _Answer:
        """Send one request."""
        items: list[tuple[int, dict[str, Any]]] = []

        def answer(reason: str, says: str) -> _Answer:
            return _Answer(items=items, failure=_Failure(reason=reason, says=_in_short(says)))

        try:
            for _, item in self._stream(records):
                told = item["create"]
                items.append((int(told["status"]), told.get("error") or {}))
        except TransportError as error:
            is_late = isinstance(error, ConnectionTimeout)
            return answer("timeout" if is_late else "connection", self._explain(error))
        except ApiError as error:
            return _Answer(items=items, failure=_failure_of(error, self._explain(error)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return answer("other", f"the answer to a bulk request has an unknown form ({error!r})")
        if len(items) < len(records):
            return answer("other", f"{len(items)} answers to {len(records)} records")
        return _Answer(items=items, failure=None)

    def _stream(self, records: Sequence[Record]) -> Iterable[tuple[bool, dict[str, Any]]]:
        return streaming_bulk(
            self._client,
            cast("Any", records),
            expand_action_callback=cast("Any", _as_it_is),
            chunk_size=len(records),
            max_chunk_bytes=self._max_bytes,
            max_retries=0,  # its own wait can't be ended by a signal, and has no jitter
            raise_on_error=False,
            filter_path=_ANSWERED,
        )


def _settle(
    sent: Sequence[Record], items: Sequence[tuple[int, dict[str, Any]]], refused: list[Refused]
) -> tuple[list[Record], _Failure | None]:
    """Return the records to send again, with why; add to `refused` those that were."""
    again = list(sent[len(items) :])
    failure = None
    for record, (status, error) in zip(sent, items, strict=False):
        error_type = str(error.get("type", ""))
        decision = decide(status, error_type)
        if decision is Decision.REFUSED:
            refused.append(_refused(record, status, error))
        elif decision is Decision.RETRY:
            again.append(record)
            says = f"Elasticsearch answers {status} {error_type}: {_told(error)}"
            failure = _Failure(reason=retry_of(status), says=_in_short(says))
    return again, failure


def _failure_of(error: ApiError, says: str) -> _Failure:
    status = error.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:  # a proxy's page, say
        return _Failure(reason="other", says=_in_short(says))
    body: Any = error.body
    told = body.get("error") if isinstance(body, dict) else None
    is_its_own = error.meta.headers.get("x-elastic-product") == "Elasticsearch"
    error_type = told.get("type") if is_its_own and isinstance(told, dict) else None
    return _Failure(
        reason=retry_of(status),
        says=_in_short(says),
        status=status,
        error_type=str(error_type or ""),
    )


def _in_short(says: str) -> str:
    says = " ".join(says.split())
    return says if len(says) <= _SAYS_CHARACTERS else f"{says[: _SAYS_CHARACTERS - 1]}…"


def _as_it_is(record: Record) -> Record:
    return record


def _refused(record: Record, status: int, error: dict[str, Any]) -> Refused:
    target = orjson.loads(record[0])["create"]
    return Refused(
        status=status,
        reason_type=str(error.get("type", "")),
        reason=_told(error)[:_REASON_CHARACTERS],
        index=target["_index"],
        id=target["_id"],
        document=record[1],
    )


def _told(error: dict[str, Any]) -> str:
    """Return the reason with its cause."""
    reason = str(error.get("reason", ""))
    cause = error.get("caused_by")
    if isinstance(cause, dict) and cause.get("reason"):
        return f"{reason}: {cause['reason']}"
    return reason


def _whole(failure: _Failure) -> dict[str, Any]:
    too_large = failure.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    error_type = "request_too_large" if too_large else failure.error_type
    return {"type": error_type, "reason": failure.says}
