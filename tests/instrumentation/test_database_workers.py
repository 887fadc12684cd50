"""What several gunicorn workers know of a database is told as that of one service."""

import json
import signal
import time

import psutil
import pytest
import requests

from instrumentation.demo.database import SEED
from stack.waiting import wait_until
from tests.instrumentation.served import gunicorn

pytestmark = pytest.mark.integration

UP = 'softfactory_database_up{database="default"}'
SCRAPES = 12
"""Enough that each of two workers has answered, most likely; nothing rests on it."""


@pytest.fixture
def served(tmp_path):
    app = "tests.instrumentation.apps.database:create_app()"
    with gunicorn(
        tmp_path,
        *("--workers", "2", "--threads", "4"),
        app=app,
        environment={"INSTRUMENT_SAMPLE_SECONDS": "0.1"},
    ) as service:
        both_work(service)
        yield service


def both_work(service):
    def pids():
        found = {service.get("/query").text for _ in range(SCRAPES)}
        return len(found) == 2 and found

    return wait_until(
        pids, what="two workers", timeout_seconds=60, retry_on=(requests.RequestException,)
    )


def every_scrape_says(service, wanted):
    """Wait until many scrapes in a row say the same, whichever worker answers."""
    wait_until(
        lambda: {service.samples().get(UP) for _ in range(SCRAPES)} == {wanted},
        what=f"{UP} {wanted}",
        timeout_seconds=60,
        retry_on=(requests.RequestException,),
    )


def test_a_probe_that_hangs_for_ever_in_one_worker_is_told_by_all(served, tmp_path):
    every_scrape_says(served, 1)
    victim = served.workers()[0]
    (tmp_path / f"hang-{victim.pid}").touch()
    every_scrape_says(served, 0)
    served.kill_worker(victim, signal.SIGKILL)  # nothing that the dead one said is left
    every_scrape_says(served, 1)


def test_a_database_that_breaks_is_down_for_all_and_up_again_after_it(served, tmp_path):
    every_scrape_says(served, 1)
    (tmp_path / "broken").touch()
    every_scrape_says(served, 0)
    (tmp_path / "broken").unlink()
    every_scrape_says(served, 1)


def test_queries_and_pools_of_all_workers_are_summed(served):
    queries = (
        'softfactory_database_query_duration_seconds_count{database="default",operation="select"}'
    )
    before = served.samples()[queries]
    while len({served.get("/query").text for _ in range(SCRAPES)}) < 2:
        before = served.samples()[queries]
    samples = served.samples()
    assert samples[queries] == before + SCRAPES
    assert samples['softfactory_database_pool_size_limit{database="default"}'] == 2 * 3
    wait_until(
        lambda: (
            served.samples()[
                'softfactory_database_pool_connections{database="default",state="idle"}'
            ]
            >= 2
        ),
        what="a connection of each worker",
        timeout_seconds=30,
    )


def test_a_worker_that_died_leaves_its_counts_and_takes_its_pool(served):
    limit = 'softfactory_database_pool_size_limit{database="default"}'
    waits = 'softfactory_database_pool_wait_seconds_count{database="default"}'
    before = served.samples()[waits]
    victim = served.workers()[0]
    served.kill_worker(victim, signal.SIGKILL)
    wait_until(
        lambda: not psutil.pid_exists(victim.pid) and len(served.workers()) == 2,
        what="another worker",
        timeout_seconds=60,
    )
    assert served.samples()[waits] >= before
    both_work(served)
    assert served.samples()[limit] == 2 * 3


def test_the_demos_numbers_are_those_that_any_worker_saw_last(tmp_path):
    record = tmp_path / "backups" / "last-backup.json"
    completed = "softfactory_backup_last_success_timestamp_seconds"
    age = "softfactory_backup_age_seconds"
    with gunicorn(
        tmp_path,
        *("--workers", "2", "--threads", "4"),
        app="instrumentation.demo:create_app()",
        environment={
            "DATABASE_URL": f"sqlite:///{tmp_path}/softfactory.sqlite3",
            "BACKUP_DIR": str(record.parent),
            "BUSINESS_REFRESH_SECONDS": "0.1",
            "INSTRUMENT_SAMPLE_SECONDS": "0.1",
        },
    ) as service:

        def wait_for(what, condition):
            wait_until(
                lambda: all(condition(service.samples()) for _ in range(SCRAPES)),
                what=what,
                timeout_seconds=60,
            )

        wait_for("users", lambda found: found["softfactory_database_users"] == len(SEED))
        body = {"user_id": 1, "room": "Turing"}
        answer = requests.post(f"{service.url}/api/bookings", json=body, timeout=30)
        assert answer.status_code == 201
        wait_for("the booking", lambda found: found["softfactory_database_bookings"] == 1)

        completed_at = time.time() - 3600
        record.parent.mkdir()
        record.write_text(json.dumps({"completed_at": completed_at}))
        wait_for(
            "the backup and its age",
            lambda found: found[completed] == completed_at and found.get(age, 0) >= 3600,
        )
        record.unlink()
        wait_for("the record's loss", lambda found: found[completed] == 0 and age not in found)
