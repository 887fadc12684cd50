"""The service runs on PostgreSQL as it does on SQLite."""

import os
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from scenarios.capabilities import POSTGRESQL, POSTGRESQL_URL
from stack.ports import reserve
from stack.processes import Processes
from stack.waiting import wait_until

START_SECONDS = 30.0


@pytest.mark.requires(POSTGRESQL)
def test_service_reads_and_writes_postgresql(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk_test_unused")
    environment = {
        **os.environ,
        "DATABASE_URL": os.environ[POSTGRESQL_URL],
        "STRIPE_API_KEY_FILE": str(key),
        "INSTRUMENT_LOG_FILE": str(tmp_path / "app.log"),
        "BACKUP_DIR": str(tmp_path / "backups"),
    }
    with reserve() as port, Processes() as processes:
        argv = [sys.executable, "-m", "instrumentation.demo", "serve", "--port", str(port.port)]
        processes.start("service", argv, log=tmp_path / "service.log", env=environment)
        url = f"http://127.0.0.1:{port.port}"

        def ready() -> bool:
            answer = requests.get(f"{url}/api/metrics/ready", timeout=2)
            return answer.status_code == HTTPStatus.OK

        wait_until(
            ready,
            what=f"the service to be ready on {POSTGRESQL_URL}",
            timeout_seconds=START_SECONDS,
            retry_on=(requests.RequestException,),
        )
        booking = {"user_id": 1, "room": "checked"}
        made = requests.post(f"{url}/api/bookings", json=booking, timeout=5)
        assert made.status_code == requests.codes.created, made.text
        assert requests.get(f"{url}/api/users", timeout=5).status_code == requests.codes.ok
