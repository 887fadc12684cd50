"""SlowQuery: the request's first statement waits, with the connection that it has, then goes on.

The request is marked and `instrumentation.database`, which listens to every statement of the
engines that it watches, looks for the mark. A request that sends no statement is not held at all.
"""

from contextlib import ExitStack
from typing import NamedTuple

from flask import has_request_context, request

from instrumentation.faults.contract import FaultRejected, SlowQuery
from instrumentation.faults.ending import Ended
from instrumentation.faults.places import Places

_MARK = "instrumentation.slow_query"


class _Hold(NamedTuple):
    """What a marked request still has to wait, and the place that it keeps until it has."""

    seconds: float
    place: ExitStack
    ended: Ended


class SlowStatements:
    """The statements of one application's requests, those that were asked to be slow among them.

    `engines` is how many are watched: no statement of any other one is seen here.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self.engines = 0

    def mark(self, fault: SlowQuery, *, ended: Ended) -> None:
        """Have the current request's first statement wait, until `ended` at most.

        Raises FaultRejected.
        """
        if not self.engines:
            raise FaultRejected("no_database", "query: no engine is watched; see watch_engine")
        with ExitStack() as place:
            place.enter_context(self._places.one("query"))
            request.environ[_MARK] = _Hold(fault.seconds, place.pop_all(), ended)

    def hold(self) -> None:
        """Wait where the current request is marked; called with each statement, in its thread."""
        if has_request_context() and (mark := request.environ.pop(_MARK, None)) is not None:
            with mark.place:
                mark.ended.wait(mark.seconds)

    def free(self, _error: BaseException | None = None) -> None:
        """Take the mark off a request that ends without having sent a statement."""
        if (mark := request.environ.pop(_MARK, None)) is not None:
            mark.place.close()
