"""Where VictoriaMetrics answers otherwise than Prometheus, of the same target at the same instants.

    python -m benchmarks engines

Both scrape one server four times a second, as in a drill at time scale 60, with a steady counter, a
counter that counts one single event, and one that is there only from that event on. Afterwards both
are asked the same questions of the same moments, at which nothing is hidden any more. How old the
newest sample is that a query sees is measured before, while both scrape, and then how soon a query
that was asked before sees the one that is new.
"""

from __future__ import annotations

import http.server
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from prometheus_client import CONTENT_TYPE_LATEST

from benchmarks.options import Options
from benchmarks.report import Outcome, publish
from stack.clients.http import new_session, read_json
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.derive import DISCOVERY_TICK
from stack.drill_files import PROMETHEUS_CONFIG
from stack.external.engine import VICTORIAMETRICS
from stack.external.engines import running
from stack.external.model import External
from stack.launch.starting import LaunchError
from stack.ports import LOOPBACK
from stack.tools import ToolsUnavailable
from stack.waiting import WaitTimeout, wait_until

TIME_SCALE = 60.0
PER_SECOND = 20
WINDOW_SECONDS, SCRAPE_SECONDS = 5, 0.25
LOOKS, LOOK_SECONDS = 60, 0.11
FORGETS_SECONDS = 30.0
"""Longer than VictoriaMetrics remembers which series a query found, where it is let."""

INSTANTS, STEP_SECONDS = 40, 0.087
"""Forty moments of a window, at no multiple of the scrape interval."""

QUESTIONS = (
    "rate(steady_total[5s])",
    "increase(steady_total[5s])",
    "increase(once_total[5s])",
    "increase(late_total[5s])",
    "changes(once_total[5s])",
    "count_over_time(steady_total[5s])",
)
"""What rules ask, with windows of 5 s: production's 5m at time scale 60."""

AGE = "time() - timestamp(steady_total)"
LATE = "late_total"
"""A series that begins with the single event."""

NEWEST = (AGE, "increase(steady_total[5s])", "rate(steady_total[5s])")
"""What is asked of the newest moment, while samples may be hidden."""

CANNOT_COMPARE = (
    LaunchError,
    PrometheusError,
    ToolsUnavailable,
    WaitTimeout,
    requests.RequestException,
)

CONFIG = """\
global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}
scrape_configs:
  - job_name: compared
    static_configs: [{{targets: ["{address}"]}}]
"""


@dataclass(slots=True)
class Source:
    """What is scraped. ``event_at`` is when the single event happens, or happened."""

    began: float
    address: str = ""
    event_at: float = float("inf")

    def exposition(self) -> str:
        """Return what a scrape finds now."""
        now = time.time()
        happened = int(now >= self.event_at)
        lines = [
            "# TYPE steady_total counter",
            f"steady_total {int((now - self.began) * PER_SECOND)}",
            "# TYPE once_total counter",
            f"once_total {happened}",
        ]
        if happened:
            lines += ["# TYPE late_total counter", "late_total 1"]
        return "\n".join([*lines, ""])


@contextmanager
def scraped() -> Iterator[Source]:
    """Serve the counters for the context."""
    source = Source(began=time.time())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.end_headers()
            self.wfile.write(source.exposition().encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
    source.address = f"{LOOPBACK}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()


def newest(client: PrometheusClient) -> dict[str, list[float]]:
    """Return what is told of the newest moment, at each of some looks, by question."""
    found: dict[str, list[float]] = {question: [] for question in NEWEST}
    for _ in range(LOOKS):
        for question, values in found.items():
            values += [one.value for one in client.query(question)]
        time.sleep(LOOK_SECONDS)  # the pace of the measurement, no wait for anything
    return found


def first_seen(clients: Mapping[str, PrometheusClient], source: Source) -> dict[str, float]:
    """Let the event happen, and return after how many seconds each engine shows what it begins."""
    found: dict[str, float] = {}
    for client in clients.values():
        client.query(LATE)  # what a query finds may be remembered
    source.event_at = time.time()

    def all_show() -> bool:
        for name, client in clients.items():
            if name not in found and client.query(LATE):
                found[name] = time.time() - source.event_at
        return found.keys() == clients.keys()

    wait_until(
        all_show,
        what=f"{LATE} to be seen",
        timeout_seconds=FORGETS_SECONDS,
        interval_seconds=LOOK_SECONDS,
    )
    return found


def asked_at(session: requests.Session, url: str, question: str, at: float) -> float | None:
    """Return one engine's answer of one moment; `None` for none."""
    asked = {"query": question, "time": f"{at:.3f}"}
    found: Any = read_json(session, f"{url}/api/v1/query", params=asked, timeout_seconds=5.0)
    result = found["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def compared(urls: Mapping[str, str], last: float) -> dict[str, dict[str, list[float]]]:
    """Return all answers, by question and engine, of moments that end with ``last``."""
    moments = [last - number * STEP_SECONDS for number in range(INSTANTS)]
    with new_session() as session:
        return {
            question: {
                name: [
                    value
                    for at in moments
                    if (value := asked_at(session, url, question, at)) is not None
                ]
                for name, url in urls.items()
            }
            for question in QUESTIONS
        }


def span(values: list[float]) -> str:
    """Return the smallest and the largest, for people."""
    if not values:
        return "no answer"
    low, high = min(values), max(values)
    return f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"


def started(engine: str, room: Path, source: Source, held: ExitStack) -> External:
    """Start an engine that scrapes the source."""
    external = held.enter_context(
        running(engine, room / engine, room / f"{engine}-data", time_scale=TIME_SCALE, say=print)
    )
    assert external.folder is not None
    text = CONFIG.format(address=source.address)
    external.folder.publish(PROMETHEUS_CONFIG, text)
    with new_session() as session:
        session.post(f"{external.prometheus.url}/-/reload", timeout=5).raise_for_status()
    return external


def measure(_options: Options) -> bool:
    """Start both, let them scrape, and tell where they answer otherwise."""
    hidden = VICTORIAMETRICS.visible_after.total_seconds()
    try:
        with ExitStack() as held:
            room = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench-engines-")))
            source = held.enter_context(scraped())
            engines = ("prometheus", "victoriametrics")
            urls = {name: started(name, room, source, held).prometheus.url for name in engines}
            clients = {name: PrometheusClient(url) for name, url in urls.items()}
            for name, client in clients.items():
                wait_until(
                    _scraped_for(client, WINDOW_SECONDS + hidden),
                    what=f"{name} to have scraped for long enough",
                    timeout_seconds=4 * (DISCOVERY_TICK.total_seconds() + WINDOW_SECONDS),
                )
            latest = {name: newest(client) for name, client in clients.items()}
            first = first_seen(clients, source)
            wait_until(
                lambda: time.time() > source.event_at + WINDOW_SECONDS + hidden,
                what="everything to be seen",
                timeout_seconds=2 * (WINDOW_SECONDS + hidden),
            )
            answers = compared(urls, source.event_at + WINDOW_SECONDS - SCRAPE_SECONDS)
    except CANNOT_COMPARE as error:
        raise SystemExit(f"engines: {error}") from error
    publish(outcome_of(latest, first, answers))
    return True


def outcome_of(
    latest: Mapping[str, Mapping[str, list[float]]],
    first: Mapping[str, float],
    answers: Mapping[str, Mapping[str, list[float]]],
) -> Outcome:
    """Return the comparison as a table."""
    names = tuple(latest)
    return Outcome(
        name="engines",
        title=f"{PER_SECOND} events/s, and one single event",
        columns=("asked", *names),
        rows=[
            *(
                (f"{question}, now", *(span(latest[name][question]) for name in names))
                for question in NEWEST
            ),
            (f"{LATE}, new, first seen after", *(f"{first[name]:.2f} s" for name in names)),
            *(
                (question, *(span(told[name]) for name in names))
                for question, told in answers.items()
            ),
        ],
        figures={"newest": latest, "first seen": dict(first), "answers": answers},
    )


def _scraped_for(client: PrometheusClient, seconds: float) -> Callable[[], bool | None]:
    """Return what tells whether there are samples of so long, as soon as a query sees them."""
    question = f"count_over_time(steady_total[{2 * seconds:.0f}s])"
    enough = seconds / SCRAPE_SECONDS
    return lambda: any(one.value >= enough for one in client.query(question)) or None
