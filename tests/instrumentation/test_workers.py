"""Several gunicorn workers, killed and replaced under load, count as one service."""

import itertools
import os
import random
import signal
import threading
from pathlib import Path

import psutil
import pytest
import requests

from instrumentation.high_water import HighWaterMark
from stack.ports import reserve
from stack.waiting import wait_until
from tests.instrumentation.served import ANSWER_SECONDS, COUNTING, gunicorn, parse_samples

pytestmark = pytest.mark.integration

OK = 'softfactory_requests_total{endpoint="/ok",method="GET",status="200"}'
KILLS = 12
CLIENTS = 4


class Client(threading.Thread):
    """Asks until it is told to end; knows what it attempted and what it got."""

    def __init__(self, served, ended):
        super().__init__(daemon=True)
        self._served, self._ended = served, ended
        self.attempts = self.answers = 0

    def run(self):
        while not self._ended.is_set():
            self.attempts += 1
            try:
                if self._served.get("/ok").status_code == 200:
                    self.answers += 1
            except requests.RequestException:  # its worker was killed
                continue


def counters(samples):
    endings = ("_total", "_count", "_sum", "_bucket")
    return {
        name: value for name, value in samples.items() if name.partition("{")[0].endswith(endings)
    }


@pytest.mark.parametrize("workers", [1, 4, 8])
def test_no_request_is_lost_or_counted_twice_while_workers_are_killed(tmp_path, workers):
    chance = random.Random(workers)
    with gunicorn(tmp_path, "--workers", str(workers), "--threads", "4") as served:
        ended = threading.Event()
        clients = [Client(served, ended) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        before = {}
        for kill in range(KILLS):
            seen = sum(client.answers for client in clients)
            wait_until(
                lambda seen=seen: sum(client.answers for client in clients) > seen + 10,
                what="clients are answered",
                timeout_seconds=ANSWER_SECONDS,
            )
            victim = chance.choice(wait_until(served.workers, what="a worker", timeout_seconds=30))
            served.kill_worker(victim, signal.SIGTERM if kill % 3 == 0 else signal.SIGKILL)
            try:
                now = counters(served.samples())
            except requests.RequestException:  # asked of the one that was killed
                continue
            backwards = {name: (before[name], now.get(name)) for name in before}
            assert not {k: v for k, v in backwards.items() if v[1] is None or v[1] < v[0]}
            before = now
        ended.set()
        for client in clients:
            client.join(ANSWER_SECONDS)
        wait_until(lambda: len(served.workers()) == workers, what="workers", timeout_seconds=30)
        counted = wait_until(
            lambda: (found := served.samples())["softfactory_requests_in_flight"] == 0 and found,
            what="nothing in flight",
            timeout_seconds=ANSWER_SECONDS,
            retry_on=(requests.RequestException,),
        )
    answered = sum(client.answers for client in clients)
    attempted = sum(client.attempts for client in clients)
    assert answered <= counted[OK] <= attempted


def test_a_worker_that_ends_in_peace_leaves_every_count_behind(tmp_path):
    with gunicorn(tmp_path, "--workers", "2", "--threads", "2") as served:
        for _ in range(50):
            served.get("/ok")
        before = {worker.pid for worker in served.workers()}
        os.kill(served.pid, signal.SIGHUP)  # replaces all workers
        wait_until(
            lambda: (
                not before & {one.pid for one in served.workers()} and len(served.workers()) == 2
            ),
            what="new workers",
            timeout_seconds=60,
        )
        samples = served.samples()
        assert samples[OK] == 50
        assert samples['softfactory_request_latency_ms_count{endpoint="/ok",method="GET"}'] == 50


def test_the_files_that_a_scrape_reads_do_not_grow_with_the_workers_that_ever_lived(tmp_path):
    with gunicorn(tmp_path, "--workers", "2", "--threads", "2") as served:
        directory = Path(served.get("/directory").text)

        def settled():
            workers = served.workers()
            named = {path.stem.rpartition("_")[2] for path in directory.glob("*_*.*")}
            alive = {str(one.pid) for one in workers}
            return len(workers) == 2 and alive <= named <= alive | {"0"}

        wait_until(settled, what="two workers' files", timeout_seconds=60)
        for _ in range(6):
            old = served.workers()
            for worker in old:
                served.kill_worker(worker, signal.SIGKILL)
            wait_until(
                lambda old=old: not set(old) & set(served.workers()) and settled(),
                what="two other workers' files",
                timeout_seconds=60,
            )
        kinds = {path.stem.rpartition("_")[0] for path in directory.glob("*_*.*")}
        of_the_dead = list(directory.glob("*_0.*"))
        assert 2 <= len(of_the_dead) <= len(kinds)


def test_nothing_is_left_when_the_server_ends(tmp_path):
    with gunicorn(tmp_path, "--workers", "2") as served:
        directory = Path(served.get("/directory").text)
        assert directory.stat().st_mode & 0o777 == 0o700
    assert not directory.exists()


def test_workers_whose_master_was_killed_remove_what_it_made(tmp_path):
    with gunicorn(tmp_path, "--workers", "2") as served:
        directory = Path(served.get("/directory").text)
        workers = served.workers()
        os.kill(served.pid, signal.SIGKILL)
        psutil.wait_procs(workers, timeout=60)
        assert not directory.exists()


def test_what_a_service_left_that_was_killed_whole_is_removed_by_the_next_start(tmp_path):
    with gunicorn(tmp_path / "one", "--workers", "2") as served:
        directory = Path(served.get("/directory").text)
        family = [psutil.Process(served.pid), *served.workers()]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=30)
    with gunicorn(tmp_path / "two", "--workers", "1"):
        assert not directory.exists()


def test_cpu_seconds_never_go_backwards_whichever_worker_is_asked(tmp_path):
    with gunicorn(tmp_path, "--workers", "4", "--threads", "1") as served:
        told = [served.samples()["softfactory_cpu_seconds_total"] for _ in range(60)]
    assert all(later >= earlier for earlier, later in itertools.pairwise(told))


def test_a_directory_that_the_environment_names_is_used_and_emptied_first(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "counter_4242.db").write_bytes(b"left by an earlier run")
    HighWaterMark(shared / "cpu_seconds").raise_to(1e6)
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(shared)}
    with gunicorn(tmp_path, "--workers", "2", environment=environment) as served:
        served.get("/ok")
        assert served.samples()[OK] == 1
        assert served.samples()["softfactory_cpu_seconds_total"] < 1e5
    assert not (shared / "counter_4242.db").exists()
    assert list(shared.glob("counter_*.db"))


def test_preloading_without_a_directory_is_refused_in_one_line(tmp_path):
    with (
        pytest.raises(AssertionError) as refused,
        gunicorn(tmp_path, "--workers", "2", "--preload"),
    ):
        pass
    printed = str(refused.value)
    assert "PROMETHEUS_MULTIPROC_DIR" in printed
    assert "preload_app" in printed
    assert "Traceback" not in printed


def test_a_body_that_the_client_does_not_read_to_its_end_is_counted(tmp_path):
    with gunicorn(tmp_path, "--workers", "1", "--threads", "2") as served:
        answer = served.get("/stream/200", stream=True)
        assert answer.raw.read(1000)
        answer.close()
        name = (
            'softfactory_requests_total{endpoint="/stream/<int:chunks>",method="GET",status="200"}'
        )
        wait_until(
            lambda: served.samples()[name] == 1,
            what="the broken stream is counted",
            timeout_seconds=ANSWER_SECONDS,
        )
        assert served.samples()["softfactory_requests_in_flight"] == 0


def test_openmetrics_carries_the_trace_of_a_request_that_another_worker_answered(tmp_path):
    trace = "0af7651916cd43dd8448eb211c80319c"
    with gunicorn(tmp_path, "--workers", "4", "--threads", "1") as served:
        served.get("/ok", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        asked = {"Accept": "application/openmetrics-text;version=1.0.0"}
        for _ in range(8):
            answer = served.get("/api/metrics/prometheus", headers=asked)
            assert f'# {{trace_id="{trace}"}}' in answer.text
            assert answer.text.endswith("# EOF\n")


def test_an_application_inside_of_middleware_is_started_before_its_first_request(tmp_path):
    with reserve() as port:
        environment = {"INSTRUMENT_METRICS_BIND": f"127.0.0.1:{port.port}"}
        app = COUNTING.replace("create_app", "create_wrapped")
        own = f"http://127.0.0.1:{port.port}/api/metrics/ready"
        with gunicorn(tmp_path, app=app, environment=environment, ready_url=own) as served:
            assert served.samples()[OK] == 0


def test_a_secret_that_cannot_be_read_ends_the_start_in_one_line(tmp_path):
    environment = {"INSTRUMENT_METRICS_TOKEN_FILE": str(tmp_path / "none")}
    with pytest.raises(AssertionError) as refused, gunicorn(tmp_path, environment=environment):
        pass
    assert "INSTRUMENT_METRICS_TOKEN_FILE" in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_preloading_master_says_nothing_of_its_own_once_workers_serve(tmp_path):
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}
    app = COUNTING.replace("create_app", "create_with_database")
    arguments = ("--workers", "2", "--preload")
    with gunicorn(tmp_path, *arguments, app=app, environment=environment) as served:
        for worker in served.workers():
            served.kill_worker(worker, signal.SIGKILL)
        expected = {
            "softfactory_workers": 2,
            "softfactory_up": 1,
            'softfactory_database_up{database="default"}': 1,
        }
        wait_until(
            lambda: expected.items() <= served.samples().items(),
            what="what two workers say",
            timeout_seconds=ANSWER_SECONDS,
            retry_on=(requests.RequestException,),
        )


def test_a_child_that_a_view_forks_is_no_worker_and_its_files_are_buried(tmp_path):
    environment = {"INSTRUMENT_SAMPLE_SECONDS": "0.2"}
    arguments = ("--workers", "2", "--threads", "1", "--worker-class", "sync")
    with gunicorn(tmp_path, *arguments, environment=environment) as served:
        directory = Path(served.get("/directory").text)
        served.get("/fork")  # both answer: the child goes on as if it were the worker

        def buried():
            alive = {str(one.pid) for one in served.workers()}
            return {path.stem.rpartition("_")[2] for path in directory.glob("*_*.*")} <= {
                *alive,
                "0",
            }

        wait_until(buried, what="the child's files are folded", timeout_seconds=ANSWER_SECONDS)
        assert served.samples()["forked_total"] == 1
        assert served.samples()["softfactory_workers"] == 2


def test_a_program_that_loads_the_application_is_no_worker(tmp_path):
    environment = {"INSTRUMENT_SAMPLE_SECONDS": "0.2"}
    with gunicorn(tmp_path, "--workers", "2", environment=environment) as served:
        assert served.get("/load").text == "loaded"
        assert served.samples()["softfactory_workers"] == 2


def test_a_damaged_file_of_a_dead_worker_costs_the_service_nothing(tmp_path):
    with gunicorn(tmp_path, "--workers", "2") as served:
        directory = Path(served.get("/directory").text)
        victim, *_ = served.workers()
        (directory / f"gauge_sum_{victim.pid}.db").touch()
        served.kill_worker(victim, signal.SIGKILL)
        wait_until(
            (directory / f"gauge_sum_{victim.pid}.damaged").exists,
            what="the dead worker is buried",
            timeout_seconds=ANSWER_SECONDS,
        )
        assert served.samples()["softfactory_up"] == 1


def test_counts_go_on_where_one_master_replaces_another(tmp_path):
    with gunicorn(tmp_path, "--workers", "2") as served:
        directory = Path(served.get("/directory").text)
        for _ in range(20):
            served.get("/ok")
        workers = {one.pid for one in served.workers()}
        os.kill(served.pid, signal.SIGUSR2)

        def successor():
            for child in served.workers():
                if child.pid not in workers and len(child.children()) == 2:
                    return child
            return None

        master = wait_until(successor, what="a second master", timeout_seconds=60)
        try:
            wait_until(
                lambda: served.samples()["softfactory_workers"] == 4,
                what="workers of both masters",
                timeout_seconds=ANSWER_SECONDS,
            )
            for _ in range(10):
                assert served.samples()[OK] == 20
            old = psutil.Process(served.pid)
            old.terminate()
            psutil.wait_procs([old], timeout=60)
            assert served.samples()[OK] == 20
            assert served.get("/directory").text == str(directory)
        finally:
            master.terminate()
            psutil.wait_procs([master], timeout=60)
        assert not directory.exists()


def test_workers_of_greenlets_serve_both_ports(tmp_path):
    with reserve() as port:
        environment = {"INSTRUMENT_METRICS_BIND": f"127.0.0.1:{port.port}"}
        arguments = ("--worker-class", "gevent", "--workers", "2")
        with gunicorn(tmp_path, *arguments, environment=environment) as served:
            for _ in range(20):
                served.get("/ok")
            assert served.samples()[OK] == 20
            own = requests.get(f"http://127.0.0.1:{port.port}/api/metrics/prometheus", timeout=30)
            assert parse_samples(own.text)[OK] == 20
