"""Parts run as containers, are reached where it was said, and leave nothing behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stack.images import Engine, image_of, missing
from stack.launch.containers import Containers, PostgreSQL, why_no_engine
from stack.launch.containers.group import CONTROL_GROUPS
from stack.launch.containers.server import Server
from stack.launch.premises import Limits, Part, Program
from stack.launch.starting import LaunchError
from stack.processes import Processes
from stack.waiting import wait_until
from tests.stack.ended_runs import end_run

MIB = 1 << 20
NEEDED = ("softfactory", "postgres")


def _why_not() -> str:
    if reason := why_no_engine():
        return reason
    lacking = missing(Engine(), NEEDED)
    return f"no image of {', '.join(lacking)}: nox -s images" if lacking else ""


pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "there is an engine"),
]


def softfactory(_program: Program) -> str:
    return image_of("softfactory")


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    with Processes() as processes, Containers(processes, tmp_path, softfactory) as premises:
        yield premises


def python(name: str, code: str, tmp_path: Path, **more: object) -> Part:
    return Part(
        name=name,
        program="python",
        arguments=("-c", code),
        log=tmp_path / f"{name}.log",
        directory=tmp_path,
        **more,  # type: ignore[arg-type]  # what a test adds
    )


def test_a_part_is_reached_at_the_address_that_was_given_before_it_ran(
    containers: Containers, tmp_path: Path
) -> None:
    place = containers.place("web")
    serve = (
        "import http.server, sys; http.server.ThreadingHTTPServer("
        f"({place.host!r}, {place.port}), http.server.SimpleHTTPRequestHandler).serve_forever()"
    )
    containers.start(python("web", serve, tmp_path))

    def answers() -> bool:
        return requests.get(f"http://{place.address}/", timeout=1).ok

    assert wait_until(
        answers, what="it to answer", timeout_seconds=30, retry_on=(requests.RequestException,)
    )


def test_its_end_is_told_with_the_status_or_the_signal(
    containers: Containers, tmp_path: Path
) -> None:
    ended = containers.start(python("ends", "raise SystemExit(7)", tmp_path))
    assert ended.wait(30) == 7
    killed = containers.start(python("killed", "import time; time.sleep(60)", tmp_path))
    assert killed.poll() is None
    killed.kill()
    assert killed.poll() == -signal.SIGKILL
    assert containers.exited() == {"ends": 7, "killed": -signal.SIGKILL}


def test_what_it_says_goes_to_its_log_and_what_it_is_told_reaches_it(
    containers: Containers, tmp_path: Path
) -> None:
    said = containers.start(python("says", "print('said', flush=True)", tmp_path))
    said.wait(30)
    assert (tmp_path / "says.log").read_text() == "said\n"
    echo = "import sys; print(sys.stdin.readline().upper(), end='', flush=True)"
    spoken = containers.start(python("spoken", echo, tmp_path, spoken_to=True))
    assert spoken.stdin is not None
    assert spoken.stdout is not None
    spoken.stdin.write(b"hello\n")
    assert spoken.stdout.readline() == b"HELLO\n"


def test_a_limit_is_the_kernels_and_a_disk_is_as_small_as_asked(
    containers: Containers, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    tell = (
        f"import os, json; disk = {str(disk)!r}; about = os.statvfs(disk);"
        "print(json.dumps([about.f_blocks * about.f_frsize, os.listdir(disk)]), flush=True);"
        f"held = b'x' * {200 * MIB}"
    )
    (disk / "of-this-machine").touch()
    limits = Limits(memory_bytes=64 * MIB, disks={disk: 2 * MIB})
    part = containers.start(python("limited", tell, tmp_path, limits=limits))
    assert part.wait(30) != 0
    size, found = json.loads((tmp_path / "limited.log").read_text().splitlines()[0])
    assert (size, found) == (2 * MIB, [])
    assert wait_until(
        lambda: part.killed_for_memory, what="the engine to tell of it", timeout_seconds=10
    )


def test_a_process_inside_is_found_by_the_number_that_it_has_there(
    containers: Containers, tmp_path: Path
) -> None:
    fork = (
        "import os, time; input(); pid = os.fork(); pid and print(pid, flush=True); time.sleep(60)"
    )
    part = containers.start(python("forks", fork, tmp_path, spoken_to=True))
    assert part.stdin is not None
    assert part.stdout is not None
    part.stdin.write(b"\n")
    inside = int(part.stdout.readline())
    outside = containers.kernel_pid("forks", inside)
    assert fork in Path(f"/proc/{outside}/cmdline").read_text()
    with pytest.raises(ProcessLookupError, match="no process of forks counts as 4000"):
        containers.kernel_pid("forks", 4000)


def test_a_paused_one_is_seen_as_paused_and_goes_on(containers: Containers, tmp_path: Path) -> None:
    part = containers.start(python("paused", "import time; time.sleep(60)", tmp_path))
    assert not part.paused
    part.pause()
    assert part.paused
    part.unpause()
    assert not part.paused


def test_it_gains_no_right_and_writes_nothing_but_its_own(
    containers: Containers, tmp_path: Path
) -> None:
    trial = (
        "import os\n"
        "print(open('/proc/self/status').read())\n"
        "try: open('/etc/written', 'w')\n"
        "except OSError as error: print(error.strerror)\n"
    )
    containers.start(python("weak", trial, tmp_path)).wait(30)
    told = (tmp_path / "weak.log").read_text()
    assert "CapEff:\t0000000000000000" in told
    assert "NoNewPrivs:\t1" in told
    assert "Read-only file system" in told


def groups_of(pid: int, run: str) -> set[str]:
    """Return the groups of a run in which a process is, in any hierarchy."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().split()
    return {line.partition(":/")[2].partition("/")[0] for line in lines if run in line}


def test_its_containers_share_groups_of_the_run_which_go_with_it_and_nothing_starts_after(
    tmp_path: Path,
) -> None:
    wait = python("waits", "import time; time.sleep(60)", tmp_path)
    with Processes() as processes, Containers(processes, tmp_path, softfactory) as premises:
        part = premises.start(wait)
        gives_way = premises.serve(
            Server(
                name="gives-way",
                image=image_of("postgres"),
                user="postgres",
                environment={"POSTGRES_PASSWORD": premises.run},
                yields=True,
            )
        )
        mine, yielding = (groups_of(one.pid, premises.run) for one in (part, gives_way))
    if made_groups(premises):
        assert (mine, yielding) == (
            {f"alertproof-{premises.run}"},
            {f"alertproof-{premises.run}-yielding"},
        )
    assert not list(CONTROL_GROUPS.glob(f"*alertproof-{premises.run}*"))
    assert not list(CONTROL_GROUPS.glob(f"*/*alertproof-{premises.run}*"))
    with pytest.raises(LaunchError, match="this run's containers are being ended"):
        premises.start(wait)


def made_groups(premises: Containers) -> bool:
    return bool(premises._group.parent)


def test_postgresql_takes_the_password_of_its_file_and_keeps_its_rows_when_it_is_killed(
    containers: Containers, tmp_path: Path
) -> None:
    server = PostgreSQL(containers, "rows", image_of("postgres"), tmp_path / "postgresql")
    server.start()
    server.wait_ready(60)
    assert server.password_file.stat().st_mode & 0o777 == 0o600
    psql = ("psql", "-U", "softfactory", "-d", "softfactory", "-h", "/var/run/postgresql", "-c")
    password = server.password_file.read_text().rpartition(":")[2].strip()

    def run(statement: str, secret: str) -> int:
        return server.container.run(["env", f"PGPASSWORD={secret}", *psql, statement])

    assert run("CREATE TABLE kept (id int)", password) == 0
    assert run("SELECT 1", "wrong") != 0
    server.container.kill()
    server.container.start_again()
    server.wait_ready(60)
    assert run("SELECT * FROM kept", password) == 0


OWNER = """
import signal, sys
from pathlib import Path
from stack.images import image_of
from stack.launch.containers import Containers
from stack.launch.premises import Part
from stack.processes import Processes

# Whoever started the tests in the background had it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Processes() as processes, Containers(
    processes, Path(sys.argv[1]), lambda program: image_of("softfactory")
) as premises:
    sleep = ("-c", "import time; time.sleep(99)")
    directory = Path(sys.argv[1])
    log = directory / "log"
    part = Part(name="sleeps", program="python", arguments=sleep, log=log, directory=directory)
    premises.start(part)
    print(premises.run, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_nothing_of_a_run_is_left_when_it_is_ended(tmp_path: Path, number: int) -> None:
    assert len(end_run(OWNER, tmp_path, number)) == 2
