"""``python -m loadtests``: one load test, from nothing to a verdict.

One rule: what was started here ends here, and the exit status is Locust's, which is the verdict's.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from loadtests.hosts import OWNED, refusal
from loadtests.objectives import Status, read_lines
from loadtests.service import ServiceUnavailable, dying_with_this, environment, running_demo

HERE = Path(__file__).resolve().parent
REPORTS = Path("reports/loadtest")
VERDICT = "verdict.json"
LOOPBACK = "127.0.0.1"
WRONG = 2

EPILOG = f"""\
Without --host it starts the demo service, and ends it. Everything else that Locust knows may be
given too, and is handed on: --tags, --class-picker, --master, --worker, --expect-workers, ...

objectives, which the exit status tells; also from the environment, as LOADTEST_WITHIN_MS and so on:
  --within-ms 1000         how fast an answer must be, in milliseconds
  --within-ratio 0.95      the part of all requests that must be that fast
  --success-ratio 0.9999   the part that must be answered as the journey expects

examples:
  python -m loadtests --users 200 --spawn-rate 20 --run-time 5m
  python -m loadtests --users 200 --spawn-rate 20 --run-time 5m --processes 2
  python -m loadtests --web
  python -m loadtests --host http://127.0.0.1:8000 --users 50 --run-time 1m --within-ms 300
  python -m loadtests --host https://shop.example {OWNED} --locustfile shop/locustfile.py

over several machines, the service's address being one that all of them reach:
  python -m loadtests --master --expect-workers 2 --master-bind-host 10.0.0.5 \\
      --host http://10.0.0.9 {OWNED} --users 2000 --spawn-rate 50 --run-time 10m
  python -m loadtests --worker --master-host 10.0.0.5          on each of the two others

exit status: 0 every objective is met; 1 one is not; 2 the command line is wrong, or the host is
another machine and not said to be yours; 3 UNKNOWN, as too few requests were sent, a worker was
lost, or it did not come to a verdict
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one load test; return the exit status."""
    options, others = _parser().parse_known_args(arguments)
    try:
        return _run(options, others)
    except (ServiceUnavailable, OSError) as error:
        print(f"loadtest: UNKNOWN: {error}", file=sys.stderr)
        return int(Status.UNKNOWN)


def _run(options: argparse.Namespace, others: Sequence[str]) -> int:
    if importlib.util.find_spec("locust") is None:
        print("loadtest: locust is not installed; pip install -e .", file=sys.stderr)
        return WRONG
    if options.host and (why := refusal(options.host, owned=options.owned)):
        print(f"loadtest: {why}", file=sys.stderr)
        return WRONG
    with contextlib.ExitStack() as stack:
        host = options.host
        if host is None and not options.worker:
            print("loadtest: no --host: starting the demo service", file=sys.stderr)
            host = stack.enter_context(running_demo())
            print(f"loadtest: it is at {host}", file=sys.stderr)
        folder = None if options.worker else _new_folder(options.reports)
        status = _locust([*_command(options, host, folder), *others])
    return status if folder is None else _say_verdict(folder, status)


def _say_verdict(folder: Path, status: int) -> int:
    """Say what came out; return Locust's status, or UNKNOWN where it tells of no verdict."""
    verdict = folder / VERDICT
    if verdict.exists():
        for line in read_lines(verdict.read_text(encoding="utf-8")):
            print(f"loadtest: {line}", file=sys.stderr)
        print(f"loadtest: kept in {folder}", file=sys.stderr)
        return status
    print(
        f"loadtest: UNKNOWN: Locust ended with status {status} before it had a verdict",
        file=sys.stderr,
    )
    return status or int(Status.UNKNOWN)


def _command(options: argparse.Namespace, host: str | None, folder: Path | None) -> list[str]:
    """The command line of Locust."""
    files = [str(HERE / "journeys.py")]
    if options.locustfile is not None:
        files = [str(HERE / "hooked.py"), str(options.locustfile)]
    command = [sys.executable, "-m", "locust", "-f", ",".join(files)]
    if options.owned:
        command.append(OWNED)
    if options.worker:
        if options.processes:
            command += ["--processes", str(options.processes)]
        return [*command, "--worker"]
    if folder is not None:
        command += ["--csv", str(folder / "run"), "--html", str(folder / "report.html")]
        command += ["--verdict-file", str(folder / VERDICT)]
    command += ["--host", str(host), "--users", str(options.users)]
    command += ["--spawn-rate", str(options.spawn_rate)]
    if options.web:
        command += ["--web-host", LOOPBACK, "--web-port", str(options.web_port)]
    else:
        command += ["--headless", "--only-summary", "--run-time", options.run_time]
    if options.master:
        command += ["--master", "--master-bind-host", options.master_bind_host]
    elif options.processes:
        # The workers are forked with the port, and nobody else need reach it.
        port = str(_free_port())
        command += ["--processes", str(options.processes), "--master-bind-host", LOOPBACK]
        command += ["--master-bind-port", port, "--master-port", port]
    return command


def _locust(command: Sequence[str]) -> int:
    with _handing_on() as started:
        process = subprocess.Popen(
            dying_with_this(command),
            env=environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a signal reaches it once, from here
        )
        started(process)
        status = process.wait()
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def _handing_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Hand on what ends a run, as Ctrl-C: Locust then writes and judges what there is.

    Yields what is told of the process that was started meanwhile. It heeds Ctrl-C also where this
    one was started to ignore it, as shells start what is in the background: what is handled here
    is a program's default there.
    """
    known: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def hand_on(number: int, _frame: object) -> None:
        asked.append(number)
        for process in known:
            process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}

    def started(process: subprocess.Popen[bytes]) -> None:
        known.append(process)
        if asked:
            process.send_signal(signal.SIGINT)
        if before[signal.SIGINT] is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _new_folder(reports: Path) -> Path:
    folder = reports / datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    folder.mkdir(parents=True)
    return folder.resolve()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        port: int = found.getsockname()[1]
        return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests",
        description="Load SoftFactory with the journeys of its users, and judge the answers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-H", "--host", metavar="URL", help="whom to load; default: the demo, started for this")
    add(OWNED, dest="owned", action="store_true", help="the host is mine, on another machine")
    add("-u", "--users", type=_count, default=20, help="at the same time; default: %(default)s")
    add("-r", "--spawn-rate", type=float, default=5.0, help="users a second that come, %(default)g")
    add("-t", "--run-time", default="1m", help="such as 30s or 5m; default: %(default)s")
    add("--processes", type=_count, help="how many processes the users are spread over")
    add("--web", action="store_true", help="with Locust's page, until Ctrl-C")
    add("--web-port", type=_count, default=8089, help="its port at 127.0.0.1, %(default)s")
    add("--locustfile", type=Path, metavar="FILE", help="users of your own, instead of the demo's")
    add("--reports", type=Path, default=REPORTS, metavar="DIR", help="default: %(default)s")
    add("--master", action="store_true", help="command workers, on this and other machines")
    add("--master-bind-host", default=LOOPBACK, metavar="IP", help="default: %(default)s")
    add("--worker", action="store_true", help="load as a master says; see below")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number
