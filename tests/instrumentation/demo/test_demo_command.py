"""What the commands do for a person: serve, back up, say in one line what is wrong, and go away."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
import requests

import instrumentation.demo.__main__ as demo
from stack.waiting import WaitTimeout, wait_until

pytestmark = pytest.mark.integration

START_SECONDS = 30
END_SECONDS = 20
STRIPE = ("STRIPE_API_KEY_FILE", "STRIPE_API_BASE")


class Command:
    """A command of the demo, in a directory and an environment of its own."""

    def __init__(self, directory, *arguments, module="instrumentation.demo", **variables):
        environment = {name: value for name, value in os.environ.items() if name not in STRIPE}
        self.directory = directory
        self.log = directory / "command.out"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=directory,
                env={**environment, "INSTRUMENT_SAMPLE_SECONDS": "0.2", **variables},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    @property
    def output(self):
        return self.log.read_text()

    def wait_for(self, pattern):
        """Wait until the command has printed the pattern; return the match."""

        def printed():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.output}")
            return re.search(pattern, self.output)

        try:
            return wait_until(printed, what=repr(pattern), timeout_seconds=START_SECONDS)
        except WaitTimeout as error:
            raise AssertionError(f"{error}; it printed: {self.output}") from error

    def family(self):
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)


@pytest.fixture
def run(tmp_path):
    commands = []

    def start(*arguments, **more):
        directory = tmp_path / f"command-{len(commands)}"
        directory.mkdir()
        command = Command(more.pop("directory", directory), *arguments, **more)
        commands.append(command)
        return command

    yield start
    for command in commands:
        if command.process.poll() is None:
            for process in reversed(command.family()):
                process.kill()
            command.process.wait()


def all_gone(processes):
    gone, alive = psutil.wait_procs(processes, timeout=END_SECONDS)
    return len(gone) == len(processes) and not alive


def ended(command):
    """Return the exit status and the lines of a command that ends by itself."""
    status = command.process.wait(START_SECONDS)
    return status, command.output.splitlines()


def test_serve_really_serves_and_ends_at_ctrl_c(run):
    command = run("serve", "--port", "0", "--threads", "4")
    url = command.wait_for(r"softfactory: listening on (http://127\.0\.0\.1:\d+)")[1]
    assert len(requests.get(f"{url}/api/users", timeout=START_SECONDS).json()["users"]) == 5
    assert requests.get(f"{url}/api/metrics/health", timeout=5).status_code == 200
    family = command.family()
    assert len(family) == 2  # gunicorn's master and its one worker
    assert command.end(signal.SIGINT) == 0
    assert all_gone(family)


def test_serve_ends_at_a_request_to_terminate(run):
    command = run("serve", "--port", "0")
    url = command.wait_for(r"listening on (\S+)")[1]
    assert requests.get(f"{url}/api/metrics/live", timeout=START_SECONDS).status_code == 200
    family = command.family()
    assert command.end(signal.SIGTERM) == 0
    assert all_gone(family)


@pytest.mark.parametrize("command", ["serve", "up"])
def test_a_taken_port_is_one_clear_line(run, command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, lines = ended(run(command, "--port", str(taken.getsockname()[1])))
    assert status == 1
    (line,) = lines
    assert "Address already in use; choose another port with --port" in line


@pytest.mark.parametrize(
    ("variables", "status", "says"),
    [
        ({"STRIPE_API_KEY_FILE": "nowhere"}, 2, "STRIPE_API_KEY_FILE=nowhere: can't read"),
        ({"DATABASE_PROBE_SECONDS": "soon"}, 2, "DATABASE_PROBE_SECONDS='soon'"),
        ({"DATABASE_URL": "mysql://u:hidden@h/d"}, 2, "unknown kind 'mysql'"),
        ({"DATABASE_URL": "sqlite:////proc/none/db"}, 1, "can't open or create the database"),
        ({"INSTRUMENT_FAULT_SECRET_FILE": "nowhere"}, 2, "INSTRUMENT_FAULT_SECRET_FILE=nowhere"),
    ],
)
def test_what_keeps_it_from_serving_is_one_clear_line(run, variables, status, says):
    got, lines = ended(run("serve", "--port", "0", **variables))
    assert got == status
    (line,) = lines
    assert says in line
    assert "hidden" not in line


def test_with_no_arguments_everything_is_there_for_a_person_and_ctrl_c_leaves_nothing(run):
    command = run("up", "--port", "0")
    url = command.wait_for(r"service +(http://127\.0\.0\.1:\d+)/api/users")[1]
    family = command.family()
    body = {"user_id": 1, "amount_cents": 1250, "payment_method": "pm_card_visa"}
    assert requests.post(f"{url}/api/payments", json=body, timeout=10).status_code == 201
    (command.directory / "var" / "gateway-behaviour").write_text("error500\n")
    assert requests.post(f"{url}/api/payments", json=body, timeout=10).status_code == 502
    key_file = command.directory / "var" / "stripe-test-key"
    assert key_file.stat().st_mode & 0o077 == 0
    backup = run("backup", directory=command.directory)
    assert ended(backup)[0] == 0
    wait_until(
        lambda: "last_success_timestamp_seconds 0.0" not in metrics(url, "softfactory_backup_"),
        what="the service to have read the backup's record",
        timeout_seconds=10,
    )
    assert command.end(signal.SIGINT) == 0
    assert all_gone(family)


def test_when_the_person_s_command_is_killed_nothing_stays(run):
    command = run("up", "--port", "0")
    command.wait_for("SoftFactory is up")
    family = command.family()
    assert len(family) == 3  # itself, gunicorn's master, its worker
    command.process.kill()
    command.process.wait()
    assert all_gone(family)


def test_a_configured_gateway_gets_no_double(run, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text("sk_test_12345678")
    command = run("up", "--port", "0", STRIPE_API_KEY_FILE=str(key_file))
    command.wait_for("SoftFactory is up")
    assert "a double" not in command.output
    assert not (command.directory / "var" / "stripe-test-key").exists()


def test_no_arguments_mean_up_on_port_8000(monkeypatch):
    asked = []
    monkeypatch.setattr(demo, "_up", lambda options: asked.append(options) or 0)
    assert demo.main([]) == 0
    assert (asked[0].host, asked[0].port) == ("127.0.0.1", 8000)


def test_help_names_each_command_and_each_setting(run):
    status, lines = ended(run("--help"))
    text = "\n".join(lines)
    assert status == 0
    for word in ("up", "serve", "backup", "DATABASE_URL", "STRIPE_API_KEY_FILE", "BACKUP_DIR"):
        assert re.search(rf"\b{word}\b", text)


def test_backup_says_what_it_did_and_records_it(run):
    command = run("serve", "--port", "0")
    url = command.wait_for(r"listening on (\S+)")[1]
    requests.get(f"{url}/api/users", timeout=START_SECONDS).raise_for_status()
    began_at = time.time()
    status, lines = ended(run("backup", directory=command.directory))
    assert status == 0
    path = re.search(r"backed up \d+ bytes to (\S+\.sqlite3)", lines[0])[1]
    record = json.loads((command.directory / "var/backups/last-backup.json").read_text())
    assert record["path"] == path
    assert began_at <= record["completed_at"] <= time.time()


def test_a_backup_that_fails_says_why_and_records_nothing(run):
    command = run("backup")
    status, lines = ended(command)
    assert status == 1
    (line,) = lines
    assert "unable to open database file" in line
    assert not (command.directory / "var/backups/last-backup.json").exists()


def test_the_gateway_s_command_says_where_it_listens_and_ends_at_once(run, tmp_path):
    control = tmp_path / "behaviour"
    control.write_text("timeout")
    log = tmp_path / "gateway.jsonl"
    command = run(
        *("--port", "0", "--control-file", str(control), "--log", str(log)),
        module="instrumentation.demo.gateway",
    )
    url = command.wait_for(r"gateway: listening on (\S+)")[1]
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{url}/v1/payment_intents", timeout=0.3)
    control.write_text("normal")
    assert requests.get(f"{url}/v1/payment_intents", timeout=5).status_code == 401
    assert json.loads(log.read_text())["status"] == 401
    assert command.end(signal.SIGTERM) == 0


def test_the_gateway_on_a_taken_port_is_one_clear_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, lines = ended(
            run("--port", str(taken.getsockname()[1]), module="instrumentation.demo.gateway")
        )
    assert status == 1
    (line,) = lines
    assert "Address already in use" in line


def metrics(url, prefix):
    text = requests.get(f"{url}/api/metrics/prometheus", timeout=5).text
    return "\n".join(line for line in text.splitlines() if line.startswith(prefix))
