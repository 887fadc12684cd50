"""Delays in flight in a real service end when the drill is stopped, and when whoever runs it dies.

One rule: times are those that the histories and the service recorded; bounds come from settings.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from instrumentation.faults import contract
from instrumentation.faults.ending import LOOK_SECONDS
from scenarios.berth import Berth, Quarters
from scenarios.catalogue import drills
from scenarios.conditions import steady
from scenarios.drill import run_drill
from scenarios.faults.delay import Delay
from scenarios.gameday.day import LEASE_SECONDS
from scenarios.gameday.programme import planned
from scenarios.gameday.stop import STOP_SECONDS
from scenarios.history import Kind, Recorder
from scenarios.load import LoadGenerator
from scenarios.load_plan import LoadPlan
from scenarios.load_sample import LoadSample
from scenarios.logs import Logs
from scenarios.saying import phase_to_nobody
from scenarios.service import Fleet
from scenarios.settings import DEMO_APP, Settings
from scenarios.site import Site
from scenarios.target import Scraping, Target
from stack.launch.local import Local
from stack.ports import reserve
from stack.processes import Processes
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 60.0
SAMPLE_SECONDS = 0.25  # of the load generator: an answer is counted so much later at most
KILLED_SECONDS = 5.0  # until the fault is gone, once whoever breaks things was killed
IN_FLIGHT = 3
SETTINGS = Settings(lease_seconds=LEASE_SECONDS)
DRILL = replace(
    next(one for one in drills() if one.id == "SlowResponseTime"),
    load=steady(per_second=2),
    fault=Delay(seconds=contract.MAX_FAULT_SECONDS, share=1.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A real service of the test's own, and how it is loaded."""

    berth: Berth
    site: Site
    fleet: Fleet
    load_plan: LoadPlan
    processes: Processes
    folder: Path

    def target(self, load: LoadGenerator) -> Target:
        return self.site.build(
            self.berth,
            self.fleet,
            load,
            patience=READY_SECONDS,
            scraping=Scraping(timeout_seconds=1.0, sample_limit=0),
            logs=Logs(self.processes, self.folder),
            processes=self.processes,
        )


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Broken]:
    with ExitStack() as running:
        processes = running.enter_context(Processes())
        premises = Local(processes)
        fleet = Fleet(premises, DEMO_APP, tmp_path)
        fleet.start()
        gateway = running.enter_context(reserve())
        site = Site.make(tmp_path, SETTINGS)
        berth = Berth.of(
            DRILL,
            settings=SETTINGS,
            run=tmp_path,
            quarters=Quarters(premises=premises, gateway=gateway),
        )
        running.callback(berth.close)
        load_plan = LoadPlan(
            fault_secret_file=site.fault_secret,
            targets=(replace(berth.targeted, paused=False, journey={"GET /api/users": 1}),),
            timeout_seconds=2 * contract.MAX_FAULT_SECONDS,
            lease_seconds=LEASE_SECONDS,
        )
        yield Broken(
            berth=berth,
            site=site,
            fleet=fleet,
            load_plan=load_plan,
            processes=processes,
            folder=tmp_path,
        )


def figure(target: Target, line: str) -> float:
    """Read one line of the service's own metrics."""
    text = requests.get(f"{target.instance.url}/api/metrics/prometheus", timeout=10).text
    return float(next(one for one in text.splitlines() if one.startswith(line)).split()[-1])


def delays_begun(target: Target) -> float:
    return figure(target, 'softfactory_faults_total{fault="delay"}')


def delays_over(target: Target) -> float:
    """How many requests were answered after they were delayed, whoever still listened."""
    return figure(target, 'softfactory_request_latency_ms_count{endpoint="/api/users",method="GET"')


def test_a_stopped_drill_answers_its_delayed_requests_within_a_second(broken: Broken) -> None:
    samples: list[LoadSample] = []
    load = LoadGenerator(broken.processes, broken.load_plan, broken.folder, samples.append)
    target = broken.target(load)

    def take(sample: LoadSample) -> None:
        samples.append(sample)
        target.client.add(sample)

    load._on_sample = take  # the target is made of the load that tells it
    target.instance.start()
    target.instance.wait_serving(READY_SECONDS)
    load.start()
    load.wait_started(READY_SECONDS)
    (plan,) = planned(SETTINGS, [DRILL]).values()
    recorder = Recorder(plan.want.service, broken.folder / "history.jsonl")
    drilling = threading.Thread(target=run_drill, args=(plan, target, recorder, phase_to_nobody))
    drilling.start()
    try:
        wait_until(
            lambda: delays_begun(target) >= IN_FLIGHT,
            what=f"{IN_FLIGHT} delayed requests in flight",
            timeout_seconds=READY_SECONDS,
        )
        assert not any(sample.faulted.count for sample in samples)
        recorder.note(Kind.STOPPED, text="enough")
        drilling.join(contract.MAX_FAULT_SECONDS)
        assert not drilling.is_alive()
        begun = delays_begun(target)
        wait_until(
            lambda: sum(sample.faulted.count for sample in samples) >= begun,
            what="the delayed requests' answers",
            timeout_seconds=contract.MAX_FAULT_SECONDS / 2,
        )
    finally:
        load.stop()
    history = recorder.close()
    stopped, repaired = history.first(Kind.STOPPED), history.first(Kind.REPAIRED)
    assert stopped
    assert repaired
    assert repaired.at - stopped.at < STOP_SECONDS
    answered = max(sample.at for sample in samples if sample.faulted.count)
    assert answered - stopped.at < STOP_SECONDS + SAMPLE_SECONDS
    statuses = {status for one in samples for status in one.faulted.statuses}
    assert statuses == {"200"}  # ended, and not torn


BREAKER = """
import sys, threading
from pathlib import Path
from instrumentation.faults import contract
from scenarios.load import LoadGenerator
from scenarios.load_plan import LoadPlan, TargetLoad
from stack.processes import Processes

folder, secret, host, instance, lease = sys.argv[1:]
target = TargetLoad(id="shop", host=host, rate_per_second=2, users=80, instance=instance,
                    journey={"GET /api/users": 1})
plan = LoadPlan(fault_secret_file=Path(secret), targets=(target,), timeout_seconds=60,
                lease_seconds=float(lease))
with Processes() as processes:
    load = LoadGenerator(processes, plan, Path(folder), lambda sample: None)
    load.start()
    load.wait_started(60)
    delay = contract.Delay(seconds=contract.MAX_FAULT_SECONDS)
    load.fault_on("shop", contract.fault_to_json(delay), 1.0)
    print("broken", flush=True)
    threading.Event().wait()
"""


def test_a_fault_ends_by_itself_when_whoever_injected_it_is_killed(
    broken: Broken, tmp_path: Path
) -> None:
    target = broken.target(LoadGenerator(broken.processes, broken.load_plan, tmp_path, print))
    target.instance.start()
    target.instance.wait_serving(READY_SECONDS)
    with subprocess.Popen(
        [
            *(sys.executable, "-c", BREAKER, str(tmp_path / "breaker")),
            *(str(broken.site.fault_secret), target.instance.url, broken.berth.instance),
            str(LEASE_SECONDS),
        ],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as breaker:
        try:
            assert breaker.stdout
            assert breaker.stdout.readline() == b"broken\n"
            wait_until(
                lambda: delays_begun(target) >= IN_FLIGHT,
                what=f"{IN_FLIGHT} delayed requests in flight",
                timeout_seconds=READY_SECONDS,
            )
            before = delays_over(target)
        finally:
            breaker.send_signal(signal.SIGKILL)
            killed = time.monotonic()
    begun = delays_begun(target)
    assert begun >= IN_FLIGHT
    wait_until(
        lambda: delays_over(target) - before >= begun,
        what="every delayed request to be over",
        timeout_seconds=contract.MAX_FAULT_SECONDS / 2,
    )
    gone = time.monotonic() - killed
    assert gone < LEASE_SECONDS + LOOK_SECONDS + STOP_SECONDS < KILLED_SECONDS
    assert delays_begun(target) == begun  # and nobody breaks anything any more
