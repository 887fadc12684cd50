"""One process that forks service instances and owns their lives: none of them outlives it.

    python -m instrumentation.fleet --app package.module:factory

The application's module is imported once, then commands are read from standard input, one JSON
object a line, and what happens is told on standard output in the same way. With `--launched` it is
imported in each instance, once its environment and folder are its own (`instrumentation.launched`):

    {"op": "start", "id": "x", "port": 123, "threads": 34, "env": {...}, "directory": "/run/x"}
          "host": "10.0.0.7" beside these: the address to listen on, by default 127.0.0.1
          "under": ["env", "LD_PRELOAD=..."] beside these: not forked ready, but run by this program
    {"op": "kill", "id": "x"}      SIGKILL, to master and workers
    {"op": "stop", "id": "x"}      SIGTERM, to the master

    {"event": "started", "id": "x", "pid": 1}
    {"event": "exited", "id": "x", "status": 0}     as in subprocess: negative for a signal
    {"event": "error", "id": "x", "message": "..."}

`exited` is told when the last process of the instance is gone, so that its port is free. At the
end of standard input, and when whoever started the fleet dies, everything ends.
"""

import argparse
import gc
import json
import os
import select
import selectors
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from instrumentation import gunicorn_conf
from instrumentation.lifeline import adopt_orphans, die_with_parent
from instrumentation.serving import AppFactory, FactoryError, load_factory, preload, serve

LOOPBACK = "127.0.0.1"


class CommandError(ValueError):
    """A command cannot be carried out; `instance` is the id that it named, if any."""

    def __init__(self, instance: str | None, message: str) -> None:
        super().__init__(message)
        self.instance = instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start an instance in `directory`, which is made; its output goes to `gunicorn.log` there.

    Where `under` names a program with its arguments, that one is run in the instance's process and
    given the instance's command line to run in its turn: for what only a new program gets, such as
    a library that is loaded before all others. Like an instance that is forked ready, it keeps its
    process id and ends with the fleet.
    """

    instance: str
    port: int
    threads: int
    env: dict[str, str]
    directory: Path
    under: tuple[str, ...] = ()
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """Where the instance listens, as HOST:PORT."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End an instance: at once (`kill`), or when it has answered its requests."""

    instance: str
    kill: bool


def parse_command(line: str) -> Start | End:
    """Return the command of one line. Raises CommandError that names the field at fault."""
    try:
        document = json.loads(line)
    except ValueError as error:
        raise CommandError(None, f"not JSON: {error}") from error
    instance = document.get("id") if isinstance(document, dict) else None
    if not (isinstance(instance, str) and instance):
        raise CommandError(None, f"expected an object with an id, got {line.strip()[:200]}")
    match document.get("op"):
        case "kill" | "stop" as op:
            return End(instance=instance, kill=op == "kill")
        case "start":
            return _parse_start(instance, document)
        case other:
            raise CommandError(instance, f"op {other!r}: known are start, kill, stop")


def _parse_start(instance: str, document: dict[str, object]) -> Start:
    port = document.get("port")
    if not (isinstance(port, int) and 0 < port < 65536):
        raise CommandError(instance, f"port: expected 1 to 65535, got {port!r}")
    threads = document.get("threads", gunicorn_conf.threads)
    if not (isinstance(threads, int) and threads > 0):
        raise CommandError(instance, f"threads: expected a number above zero, got {threads!r}")
    env = document.get("env", {})
    if not (isinstance(env, dict) and all(isinstance(item, str) for item in env.values())):
        raise CommandError(instance, "env: expected an object of strings")
    directory = document.get("directory")
    if not (isinstance(directory, str) and directory):
        raise CommandError(instance, f"directory: expected a path, got {directory!r}")
    under = document.get("under", [])
    if not (isinstance(under, list) and all(isinstance(item, str) for item in under)):
        raise CommandError(instance, "under: expected a list of strings")
    host = document.get("host", LOOPBACK)
    if not (isinstance(host, str) and host):
        raise CommandError(instance, f"host: expected an address, got {host!r}")
    return Start(
        instance=instance,
        host=host,
        port=port,
        threads=threads,
        env=env,
        directory=Path(directory),
        under=tuple(under),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instance:
    """A running instance: `pid` leads a process group of its own, `pidfd` tells when it ends."""

    name: str
    pid: int
    pidfd: int


class Fleet:
    """The loop over commands and ends of instances; single-threaded, as forking asks for."""

    def __init__(
        self, factory: AppFactory, named: Sequence[str], *, commands: int, events: int
    ) -> None:
        self._factory = factory
        self._named = named
        self._commands = commands
        self._events = events
        self._instances: dict[str, _Instance] = {}
        self._selector = selectors.PollSelector()

    def run(self) -> None:
        """Serve until the commands end, then end every instance."""
        self._selector.register(self._commands, selectors.EVENT_READ, None)
        unread = b""
        while True:
            for key, _ in self._selector.select():
                if key.data is not None:
                    instance: _Instance = key.data
                    if self._instances.get(instance.name) is instance:  # not seen to already
                        self._end_of(instance)
                    continue
                received = os.read(self._commands, 65536)
                if not received:
                    self._end_all()
                    return
                *lines, unread = (unread + received).split(b"\n")
                for line in filter(None, lines):
                    self._obey(line.decode(errors="replace"))

    def _obey(self, line: str) -> None:
        try:
            command = parse_command(line)
            if isinstance(command, Start):
                self._start(command)
            else:
                self._end(command)
        except CommandError as error:
            self._tell(event="error", id=error.instance, message=str(error))

    def _start(self, command: Start) -> None:
        running = self._instances.get(command.instance)
        if running is not None and _has_ended(running):
            self._end_of(running)  # nobody has looked since it did
        if command.instance in self._instances:
            raise CommandError(command.instance, "runs already; kill or stop it first")
        try:
            command.directory.mkdir(parents=True, exist_ok=True)
            log = os.open(
                command.directory / "gunicorn.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
            )
        except OSError as error:
            raise CommandError(command.instance, f"directory: {error}") from error
        fleet_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(command, log, fleet_pid)
        os.close(log)
        instance = _Instance(name=command.instance, pid=pid, pidfd=os.pidfd_open(pid))
        self._instances[command.instance] = instance
        self._selector.register(instance.pidfd, selectors.EVENT_READ, instance)
        self._tell(event="started", id=command.instance, pid=pid)

    def _become(self, command: Start, log: int, fleet_pid: int) -> NoReturn:
        """Be the instance's master, in the forked child; workers leave through here as well."""
        status = 1
        try:
            os.setsid()
            die_with_parent(fleet_pid)
            for sibling in self._instances.values():
                os.close(sibling.pidfd)
            self._selector.close()
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (log, 1), (log, 2)):
                os.dup2(source, target)
            os.close(nothing)
            os.close(log)
            os.chdir(command.directory)
            os.environ.update(command.env)
            if command.under:
                _run_under(command, self._named, fleet_pid)
            serve(
                self._factory,
                bind=command.address,
                threads=command.threads,
                end_with_parent=True,
            )
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - the last word of a process goes to its log
            traceback.print_exc()
        finally:
            os._exit(status & 0xFF)  # never back into the fleet's own loop

    def _end(self, command: End) -> None:
        instance = self._instances.get(command.instance)
        if instance is None:
            running = ", ".join(self._instances) or "none"
            raise CommandError(command.instance, f"does not run; running: {running}")
        if command.kill:
            _kill_group(instance.pid)
        else:
            os.kill(instance.pid, signal.SIGTERM)

    def _end_of(self, instance: _Instance) -> None:
        """Wait for all that is left of an instance whose master has ended, and tell so."""
        self._selector.unregister(instance.pidfd)
        os.close(instance.pidfd)
        _kill_group(instance.pid)
        status = 0
        while True:
            try:
                pid, raw = os.waitpid(-instance.pid, 0)
            except ChildProcessError:  # nobody of the group is left
                break
            if pid == instance.pid:
                status = os.waitstatus_to_exitcode(raw)
        del self._instances[instance.name]
        self._tell(event="exited", id=instance.name, status=status)

    def _end_all(self) -> None:
        for instance in self._instances.values():
            _kill_group(instance.pid)
        for instance in list(self._instances.values()):
            self._end_of(instance)

    def _tell(self, **event: object) -> None:
        try:
            os.write(self._events, json.dumps(event).encode() + b"\n")
        except BrokenPipeError:  # nobody listens any more; the end of commands will follow
            return


def _run_under(command: Start, named: Sequence[str], fleet_pid: int) -> NoReturn:
    """Replace this process by `command.under`, which runs the instance alone. Raises OSError."""
    # Where modules are found must not depend on the folder, which is the instance's by now.
    first = command.env.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (*first, *sys.path)))
    alone = [sys.executable, "-m", "instrumentation.fleet", *named]
    alone += ["--alone", command.address, str(command.threads), str(fleet_pid)]
    try:
        os.execvp(command.under[0], [*command.under, *alone])  # noqa: S606 - as meant
    except OSError as error:
        raise OSError(error.errno, error.strerror, command.under[0]) from error


def _has_ended(instance: _Instance) -> bool:
    readable, _, _ = select.select([instance.pidfd], [], [], 0)
    return bool(readable)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended already, which is what was asked for
        return


def _factory(app: str, *, launched: bool) -> AppFactory:
    """Return what makes the application. Raises FactoryError."""
    if not launched:
        return load_factory(app)
    from instrumentation.launched import launcher  # which has Flask loaded before anything forks

    return launcher(app)


def main(arguments: list[str] | None = None) -> int:
    """Run a fleet on standard input and output; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m instrumentation.fleet", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--app", required=True, metavar="package.module:factory")
    parser.add_argument(
        "--launched",
        action="store_true",
        help="import the application in each instance, and instrument it there unless it is",
    )
    parser.add_argument(
        "--path", action="append", default=[], metavar="FOLDER", help="where modules are found"
    )
    parser.add_argument(
        "--alone",
        nargs=3,
        metavar=("ADDRESS", "THREADS", "PARENT"),
        help="be one instance, which ends with the process PARENT; how a fleet runs those "
        "that are started under another program",
    )
    options = parser.parse_args(arguments)
    die_with_parent(int(options.alone[2]) if options.alone else os.getppid())
    if not options.alone:
        adopt_orphans()
    sys.path[:0] = options.path
    named = ["--app", options.app, *(["--launched"] if options.launched else [])]
    try:
        factory = _factory(options.app, launched=options.launched)
    except FactoryError as error:
        print(f"--app {error}", file=sys.stderr)  # noqa: T201 - a command's error message
        return 2
    if options.alone:
        address, threads, _ = options.alone
        serve(factory, bind=address, threads=int(threads), end_with_parent=True)
    preload()
    gc.collect()
    gc.freeze()  # a collection in a forked instance must not copy what all of them share
    Fleet(factory, named, commands=0, events=1).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
