"""Two engines are asked the same of the same moments, and where one says nothing that is seen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from benchmarks.engines import INSTANTS, NEWEST, QUESTIONS, compared, outcome_of, span


@contextmanager
def answering(status: int, value: str | None) -> Iterator[tuple[str, list[float]]]:
    """Answer every query with one value, or with none; yield the URL and the moments asked for."""
    asked: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(float(parse_qs(urlsplit(self.path).query)["time"][0]))
            result = [] if value is None else [{"metric": {}, "value": [0, value]}]
            body = json.dumps({"status": "success", "data": {"result": result}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_both_are_asked_the_same_of_the_same_moments() -> None:
    with answering(200, "1.5") as (one, asked), answering(200, None) as (other, asked_too):
        found = compared({"one": one, "other": other}, last=1000.0)
    assert tuple(found) == QUESTIONS
    assert all(told == {"one": [1.5] * INSTANTS, "other": []} for told in found.values())
    assert sorted(asked) == sorted(asked_too)
    assert max(asked) == 1000.0


def test_an_engine_that_refuses_a_question_is_no_answer() -> None:
    with answering(422, "1") as (url, _), pytest.raises(requests.HTTPError):
        compared({"one": url}, last=1000.0)


def test_what_differs_is_told_for_people() -> None:
    assert (span([]), span([1.0, 1.0]), span([0.0, 2.5])) == ("no answer", "1.00", "0.00 to 2.50")
    latest = {name: {question: [1.0] for question in NEWEST} for name in ("one", "other")}
    first = {"one": 0.25, "other": 3.5}
    outcome = outcome_of(latest, first, {"rate(x[5s])": {"one": [20.0], "other": []}})
    assert outcome.columns == ("asked", "one", "other")
    assert ("rate(x[5s])", "20.00", "no answer") in outcome.rows
    assert ("late_total, new, first seen after", "0.25 s", "3.50 s") in outcome.rows
