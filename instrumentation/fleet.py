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
from typing import NoReturn

from instrumentation.fleet_commands import CommandError, End, Start, parse_command
from instrumentation.lifeline import adopt_orphans, die_with_parent
from instrumentation.serving import AppFactory, FactoryError, load_factory, preload, serve


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
