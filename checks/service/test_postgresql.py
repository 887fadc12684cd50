"""The service runs on PostgreSQL as it does on SQLite."""

import os
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from scenarios.capabilities import POSTGRESQL
from scenarios.spare_postgresql import SparePostgreSQL
from stack.ports import reserve
from stack.processes import Processes
from stack.waiting import wait_until

pytestmark = pytest.mark.of_the_demo

START_SECONDS = 30.0


@pytest.mark.requires(POSTGRESQL)
def test_service_reads_and_writes_postgresql(
    spare_postgresql: SparePostgreSQL, tmp_path: Path
) -> None:
    database = spare_postgresql.environment()
    key = tmp_path / "key"
    key.write_text("sk_test_unused")
    environment = {
        **os.environ,
        **database,
        "STRIPE_API_KEY_FILE": str(key),
        "INSTRUMENT_LOG_FILE": str(tmp_path / "app.log"),
        "BACKUP_DIR": str(tmp_path / "backups"),
    }
    with reserve() as place, Processes() as processes:
        argv = [sys.executable, "-m", "instrumentation.demo", "serve", "--port", str(place.port)]
        processes.start("service", argv, log=tmp_path / "service.log", env=environment)
        url = f"http://{place.address}"

        def ready() -> bool:
            answer = requests.get(f"{url}/api/metrics/ready", timeout=2)
            return answer.status_code == HTTPStatus.OK

        wait_until(
            ready,
            what=f"the service to be ready on {database['DATABASE_URL']}",
            timeout_seconds=START_SECONDS,
            retry_on=(requests.RequestException,),
        )
        booking = {"user_id": 1, "room": "checked"}
        made = requests.post(f"{url}/api/bookings", json=booking, timeout=5)
        assert made.status_code == requests.codes.created, made.text
        assert requests.get(f"{url}/api/users", timeout=5).status_code == requests.codes.ok
        # It would drain first, for whoever balances its load; here is nobody.
        processes.stop("service", grace_seconds=0)
