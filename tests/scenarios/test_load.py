"""A constant rate, exact shares, commands that take effect at once, and clients that survive."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.faults import contract
from scenarios.load import LoadError, LoadGenerator
from scenarios.load_plan import (
    LoadPlan,
    LoadRefused,
    TargetLoad,
    check_load,
    threads_needed,
    users_needed,
)
from scenarios.load_sample import LoadSample, parse_sample
from stack.ports import Reservation, reserve
from stack.processes import Processes
from stack.waiting import wait_until

SECRET = b"a secret of this test alone"
JOURNEY = {"GET /api/users": 5, "GET /api/bookings": 3, "POST /api/bookings": 1}
PER_SECOND = 40
DELAY_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as the service received it."""

    at: float
    name: str
    fault: contract.Fault | None
    body: Mapping[str, object]


class Service:
    """A tiny real HTTP server on a port of its own, which can be taken down and up again."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.reservation: Reservation = reserve()
        self.seen: list[Seen] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.reservation.port}"

    def up(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service.answer(self)

            do_POST = do_GET  # noqa: N815  (the name that http.server looks for)

            def log_message(self, format: str, *args: object) -> None: ...

        ThreadingHTTPServer.request_queue_size = 128
        self._server = ThreadingHTTPServer(("127.0.0.1", self.reservation.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        at = time.time()
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        header, fault = handler.headers.get(contract.HEADER), None
        if header is not None:
            method, path = handler.command, handler.path
            instance = self.instance
            fault = contract.decode(
                header, secret=SECRET, instance=instance, method=method, path=path, now=at
            )
        name = f"{handler.command} {handler.path}"
        self.seen.append(Seen(at=at, name=name, fault=fault, body=json.loads(body or "{}")))
        if isinstance(fault, contract.Delay):
            time.sleep(fault.seconds)  # the delay is the fault
        handler.send_response(200)
        if fault is not None:
            handler.send_header(contract.RESULT_HEADER, fault.kind)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    def after(self, at: float) -> list[Seen]:
        return [seen for seen in self.seen if seen.at > at]

    def wait_for(self, count: int, *, after: float) -> list[Seen]:
        return wait_until(
            lambda: seen if len(seen := self.after(after)) >= count else None,
            what=f"{count} requests",
            timeout_seconds=10,
        )


class Samples:
    """What the load generator told so far."""

    def __init__(self) -> None:
        self.all: list[LoadSample] = []

    def wait_for(
        self, target: str, wanted: Callable[[LoadSample], bool], *, after: float = 0.0
    ) -> LoadSample:
        def first() -> LoadSample | None:
            return next(
                (s for s in self.all if s.target == target and s.at > after and wanted(s)), None
            )

        return wait_until(first, what=f"a sample of {target}", timeout_seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A started load generator and the services that it loads."""

    load: LoadGenerator
    started_at: float
    samples: Samples
    services: Mapping[str, Service]


def target(
    id_: str,
    url: str,
    *,
    users: int = 20,
    journey: Mapping[str, int] = JOURNEY,
    instance: str | None = None,
) -> TargetLoad:
    return TargetLoad(
        id=id_,
        host=url,
        rate_per_second=PER_SECOND,
        users=users,
        journey=journey,
        instance=instance,
    )


@contextmanager
def running(
    directory: Path, plan: LoadPlan, on_sample: Callable[[LoadSample], None]
) -> Iterator[LoadGenerator]:
    with Processes() as processes:
        load = LoadGenerator(processes, plan, directory, on_sample)
        load.start()
        try:
            yield load
        finally:
            load.stop()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One Locust process for the tests below, each with a target of its own."""
    directory = tmp_path_factory.mktemp("load")
    secret_file = directory / "secret"
    secret_file.write_bytes(SECRET + b"\n")
    names = ("steady", "faulty", "payments", "restarted")
    services = {name: Service(f"{name}-1") for name in names}
    journeys: dict[str, Mapping[str, int]] = {"payments": {"POST /api/payments": 1}}
    samples = Samples()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        plan = LoadPlan(
            fault_secret_file=secret_file,
            timeout_seconds=1.0,
            targets=(
                *(
                    target(
                        name,
                        services[name].url,
                        journey=journeys.get(name, JOURNEY),
                        instance=services[name].instance,
                    )
                    for name in names
                ),
                target("silent", f"http://127.0.0.1:{silent.getsockname()[1]}", users=4),
            ),
        )
        for service in services.values():
            service.up()
        with running(directory, plan, samples.all.append) as load:
            started_at = load.wait_started(timeout=30)
            yield Run(load=load, started_at=started_at, samples=samples, services=services)
        for service in services.values():
            service.down()
            service.reservation.close()


@pytest.mark.integration
def test_the_rate_is_constant_from_the_first_request_on(run: Run) -> None:
    seen = run.services["steady"].wait_for(80, after=0)[:80]
    first_second = [each for each in seen if each.at < seen[0].at + 1]
    assert len(first_second) == pytest.approx(PER_SECOND, rel=0.1)
    assert 79 / (seen[-1].at - seen[0].at) == pytest.approx(PER_SECOND, rel=0.05)


@pytest.mark.integration
def test_the_mix_is_exact(run: Run) -> None:
    seen = run.services["steady"].wait_for(81, after=0)
    counted = Counter(each.name for each in seen)
    rounds = len(seen) / sum(JOURNEY.values())
    assert all(abs(counted[name] - weight * rounds) <= 2 for name, weight in JOURNEY.items())


@pytest.mark.integration
def test_a_fault_is_switched_on_and_off_with_the_next_request(run: Run) -> None:
    service = run.services["faulty"]
    wire_form = contract.fault_to_json(contract.Delay(seconds=DELAY_SECONDS))
    on_at = run.load.fault_on("faulty", wire_form, 0.75)
    service.wait_for(60, after=on_at)
    off_at = run.load.fault_off("faulty")
    service.wait_for(20, after=off_at)

    carrying = [each.at for each in service.seen if each.fault is not None]
    between = [each for each in service.seen if on_at < each.at <= carrying[-1]]
    assert on_at < carrying[0] < on_at + 0.3
    assert off_at - 0.3 < carrying[-1] < off_at + 0.3
    assert len(carrying) == pytest.approx(0.75 * len(between), abs=2)
    assert {each.fault for each in between} == {None, contract.Delay(seconds=DELAY_SECONDS)}


@pytest.mark.integration
def test_a_sample_tells_when_and_how_the_faults_bit(run: Run) -> None:
    wire_form = contract.fault_to_json(contract.Delay(seconds=DELAY_SECONDS))
    on_at = run.load.fault_on("faulty", wire_form, 0.75)
    sample = run.samples.wait_for("faulty", lambda s: s.faulted.count > 0, after=on_at)
    run.load.fault_off("faulty")
    faulted = sample.faulted
    assert faulted.first_at is not None
    assert faulted.min_ms is not None
    assert on_at + DELAY_SECONDS < faulted.first_at <= sample.at
    assert faulted.min_ms >= DELAY_SECONDS * 1000
    assert faulted.results == {"delay": faulted.count}
    assert faulted.statuses == {"200": faulted.count}


@pytest.mark.integration
def test_slow_answers_do_not_lower_the_rate(run: Run) -> None:
    wire_form = contract.fault_to_json(contract.Delay(seconds=DELAY_SECONDS))
    on_at = run.load.fault_on("faulty", wire_form, 1.0)
    seen = run.services["faulty"].wait_for(60, after=on_at)[:60]
    run.load.fault_off("faulty")
    assert 59 / (seen[-1].at - seen[0].at) == pytest.approx(PER_SECOND, rel=0.05)


@pytest.mark.integration
def test_payments_are_made_with_the_chosen_card(run: Run) -> None:
    service = run.services["payments"]
    at = run.load.use_card("payments", "pm_card_chargeDeclined")
    seen = service.wait_for(3, after=at + 0.1)
    assert {each.body["payment_method"] for each in seen} == {"pm_card_chargeDeclined"}


@pytest.mark.integration
def test_clients_survive_that_their_service_goes_and_comes_back(run: Run) -> None:
    service = run.services["restarted"]
    service.wait_for(10, after=0)
    down_at = time.time()
    service.down()
    run.samples.wait_for("restarted", lambda s: set(s.statuses) == {"0"}, after=down_at)
    service.up()
    up_at = time.time()
    (first, *_) = service.wait_for(20, after=up_at)
    assert first.at < up_at + 0.3
    run.samples.wait_for("restarted", lambda s: set(s.statuses) == {"200"}, after=up_at + 0.5)
    assert "Traceback" not in run.load.log.read_text()


@pytest.mark.integration
def test_a_service_that_never_answers_is_told_as_such(run: Run) -> None:
    sample = run.samples.wait_for("silent", lambda s: s.missed > 0)
    assert set(sample.statuses) == {"0"}
    assert sample.max_ms is not None
    assert sample.max_ms >= 1000  # the plan's timeout_seconds


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "fault", "share", "said"),
    [
        ("nobody", {"fault": "delay", "seconds": 1}, 0.5, "known: faulty, payments"),
        ("silent", {"fault": "delay", "seconds": 1}, 0.5, "names no instance for this target"),
        ("steady", {"fault": "nonsense"}, 0.5, "known are delay"),
        ("steady", {"fault": "delay", "seconds": 1}, 1.5, "at most 1"),
        ("steady", {"fault": "delay", "seconds": 1}, 0, "share must be a number greater"),
    ],
)
def test_an_impossible_command_is_refused_and_the_load_goes_on(
    run: Run, name: str, fault: Mapping[str, object], share: float, said: str
) -> None:
    with pytest.raises(LoadError, match=said):
        run.load.fault_on(name, fault, share)
    run.services["steady"].wait_for(2, after=time.time())
    assert run.load.died is None


def one_target(users: int = 2) -> LoadPlan:
    service = reserve()
    url = f"http://127.0.0.1:{service.port}"
    service.close()
    return LoadPlan(fault_secret_file=None, targets=(target("t", url, users=users),))


@pytest.mark.integration
def test_stopping_ends_the_process_at_once_and_is_no_death(tmp_path: Path) -> None:
    with running(tmp_path, one_target(), lambda _: None) as load:
        load.wait_started(timeout=30)
        begun = time.monotonic()
        load.stop()
        assert time.monotonic() - begun < 1
        assert load.died is None
        with pytest.raises(LoadError, match="isn't running"):
            load.fault_off("t")
        load.stop()  # a second time does nothing


@pytest.mark.integration
def test_a_fault_can_not_be_signed_without_a_secret(tmp_path: Path) -> None:
    with running(tmp_path, one_target(), lambda _: None) as load:
        load.wait_started(timeout=30)
        with pytest.raises(LoadError, match="fault_secret_file"):
            load.fault_on("t", {"fault": "delay", "seconds": 1}, 0.5)


@pytest.mark.integration
def test_a_killed_process_has_died_and_takes_no_command(tmp_path: Path) -> None:
    with Processes() as processes:
        load = LoadGenerator(processes, one_target(), tmp_path, lambda _: None)
        load.start()
        load.wait_started(timeout=30)
        processes.stop("locust", grace_seconds=0)
        assert load.died is not None
        with pytest.raises(LoadError):
            load.fault_off("t")
        load.stop()
        assert load.died is not None


@pytest.mark.integration
def test_a_plan_that_the_process_can_not_read_is_told_by_name(tmp_path: Path) -> None:
    with running(tmp_path, one_target(users=0), lambda _: None) as load:
        with pytest.raises(LoadError, match="users must be a whole number from 1"):
            load.wait_started(timeout=30)
        assert load.died == 1


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sample_that_can_not_be_taken_ends_the_load(tmp_path: Path) -> None:
    def on_sample(sample: LoadSample) -> None:
        raise ValueError("no room left")

    with running(tmp_path, one_target(), on_sample) as load:
        load.wait_started(timeout=30)
        wait_until(lambda: load.died is not None, what="the end of the load", timeout_seconds=5)


@pytest.mark.parametrize(
    ("rate", "longest", "users", "threads"),
    [(20, 1.5, 40, 34), (10, 0, 5, 4), (0.5, 1, 1, 5), (10, 0.3, 8, 7), (30, 0.1, 18, 7)],
)
def test_users_and_threads_follow_from_rate_and_delay(
    rate: float, longest: float, users: int, threads: int
) -> None:
    assert users_needed(rate, longest) == users
    assert threads_needed(rate, longest) == threads


@given(rate=st.floats(0.1, 500), longest=st.floats(0, 30))
def test_needed_users_and_threads_are_never_refused(rate: float, longest: float) -> None:
    load = TargetLoad(
        id="t",
        host="http://h",
        rate_per_second=rate,
        users=users_needed(rate, longest),
        journey=JOURNEY,
    )
    check_load(
        load,
        threads=threads_needed(rate, longest),
        longest_response_seconds=longest,
        timeout_seconds=31,
    )


@pytest.mark.parametrize(
    ("users", "threads", "timeout_seconds", "said"),
    [
        (80, 63, 10, "63 threads are too few at 40 requests/s of up to 1.5 s, 64 are needed"),
        (59, 64, 10, "59 users are too few"),
        (80, 64, 1.5, "clients give up after 1.5 s"),
    ],
)
def test_a_load_that_can_not_be_borne_is_refused(
    users: int, threads: int, timeout_seconds: float, said: str
) -> None:
    with pytest.raises(LoadRefused, match=said):
        check_load(
            target("t", "http://h", users=users),
            threads=threads,
            longest_response_seconds=1.5,
            timeout_seconds=timeout_seconds,
        )


def test_a_sample_is_read_into_its_dataclass() -> None:
    sample = parse_sample(
        {
            "event": "sample",
            "target": "t",
            "at": 12.5,
            "count": 2,
            "missed": 1,
            "statuses": {"200": 2},
            "latency_ms": {"p50": 1.0, "p95": 2.0, "max": 3.0},
            "faulted": {
                "count": 0,
                "first_at": None,
                "statuses": {},
                "min_ms": None,
                "max_ms": None,
                "results": {},
            },
        }
    )
    assert (sample.target, sample.at, sample.count, sample.missed) == ("t", 12.5, 2, 1)
    assert (sample.p50_ms, sample.p95_ms, sample.max_ms) == (1.0, 2.0, 3.0)
    assert sample.faulted.count == 0


@pytest.mark.parametrize(("rate", "refused"), [(0.5, True), (1.0, False)])
def test_a_load_between_whose_requests_a_lease_would_run_out_is_refused(
    rate: float, refused: bool
) -> None:
    load = TargetLoad(id="t", host="http://h", rate_per_second=rate, users=9, journey=JOURNEY)

    def check() -> None:
        check_load(load, threads=9, longest_response_seconds=1, lease_seconds=3.0)

    if refused:
        with pytest.raises(LoadRefused, match=r"lease of 3 s may run out .* send 0.666667"):
            check()
    else:
        check()
