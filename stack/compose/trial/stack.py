"""One trial: the stack under a name, ports, settings and secrets of its own, and gone at its end.

Design rule: whatever is made of the engine carries compose's label of the trial's name, and goes by
it: at the end, after a failure, after Ctrl-C, and by the reaper when this process is killed.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from stack.compose.containers import trouble
from stack.compose.credentials import CREDENTIALS
from stack.compose.engine import Engine
from stack.compose.failure import StackFailure
from stack.compose.once import make_directory, make_once
from stack.compose.places import Places
from stack.compose.project import without
from stack.compose.settings import in_force, optional_variables
from stack.compose.trial.judges import Inspected, read_inspected, unwell
from stack.compose.trial.parts import Part, parts_of
from stack.compose.trial.settings import environment_of, override, settings_text
from stack.ports import LOOPBACK, reserve
from stack.processes import Processes, dying_with
from stack.waiting import NotYet, wait_until

__all__ = ["TrialFailed", "TrialStack"]

WATCHERS = {"prometheus", "alertmanager"}
PROJECT_LABEL = "com.docker.compose.project"
UP_SECONDS = 180
"""Until all is healthy; two idle cores take 20 s."""
RESTART_SECONDS = 90.0
ASK_SECONDS = 30.0
LAST_WORDS = 3


class TrialFailed(RuntimeError):
    """The stack did not come up, or a program in it could not be asked: one line with the cause."""


class TrialStack:
    """The compose stack with the demo, less what it is told to leave out. A context manager."""

    def __init__(
        self,
        directory: Path,
        compose: Sequence[str],
        *,
        leave_out: Collection[str] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare a trial whose settings and secrets are files below `directory`."""
        here = Places.here()
        self.name = f"alertproof-trial-{secrets.token_hex(4)}"
        self._text = here.compose_file.read_text(encoding="utf-8")
        self._parts = {part.service: part for part in parts_of(self._text, here.compose_file.name)}
        self._places = Places(
            compose_file=here.compose_file,
            env_file=directory / "settings.env",
            secrets=directory / "secrets",
        )
        self._leave_out = leave_out
        self._override = directory / "override.json"
        self.engine = Engine(
            places=self._places,
            # Whoever starts containers ends with this process, and so before the reaper looks.
            compose=dying_with(os.getpid(), compose),
            project_name=self.name,
            overrides=(self._override,),
            environment=environment_of(in_force(environ), optional_variables(self._text)),
        )
        self._ports: dict[str, int] = {}
        self._running = ExitStack()
        self.services: tuple[Part, ...] = ()

    @property
    def ports(self) -> Mapping[str, int]:
        """What is published on this machine, by its service."""
        there = {part.service for part in self.services}
        return {service: port for service, port in self._ports.items() if service in there}

    @property
    def secrets(self) -> Mapping[str, str]:
        """Every secret that has been made for this trial, by its name."""
        return {
            each.name: (self._places.secrets / each.name).read_text().strip()
            for each in CREDENTIALS
            if each.kind != "channel"  # those are placeholders, which the code has too
        }

    def url(self, service: str) -> str:
        """Return where a service is reached on this machine."""
        return f"http://{LOOPBACK}:{self._ports[service]}"

    def inspected_text(self) -> str:
        """Return all that the engine shows of every container. Raises TrialFailed."""
        listed = self._docker(
            *("ps", "--all", "--quiet", "--filter", f"label={PROJECT_LABEL}={self.name}")
        )
        return self._docker("inspect", *listed.split())

    def inspected(self) -> dict[str, Inspected]:
        """Return every container by its service. Raises TrialFailed."""
        return read_inspected(self.inspected_text())

    def run(
        self, service: str, *argv: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a service's container, as its user, for 30 s at most."""
        given = [
            part
            for name, value in (environment or {}).items()
            for part in ("--env", f"{name}={value}")
        ]
        return _run(["docker", "exec", *given, f"{self.name}-{service}-1", *argv])

    def end_and_wait(self, service: str) -> None:
        """Have a service's program end as if by itself, and wait until it is healthy again.

        From within, as the engine does not start again what it was told to end. Raises TrialFailed
        where it does not end, and WaitTimeout where it does not come back within 90 s.
        """
        before = self.inspected()[service]
        done = self.run(service, "sh", "-c", f"kill -{before.stop_signal.removeprefix('SIG')} 1")
        if done.returncode != 0:
            raise TrialFailed(f"{service} can't be ended: {done.stderr.strip()}")

        def back() -> bool:
            now = self.inspected()[service]
            if now.restarts == before.restarts:
                raise NotYet(f"{service} is {now.state}, and was not started again")
            if wrong := unwell(now, ends=False):
                raise NotYet(f"{service} {wrong}")
            return True

        wait_until(
            back,
            what=f"{service} to be started again by the engine",
            timeout_seconds=RESTART_SECONDS,
            interval_seconds=0.2,
        )

    def __enter__(self) -> Self:
        # Loaded where it is used: the engine's client takes a third of a second.
        from stack.launch.containers.engine import connect
        from stack.launch.containers.removal import remove_all, start_reaper

        label = f"{PROJECT_LABEL}={self.name}"
        with ExitStack() as starting:
            make_directory(self._places.secrets)
            for credential in CREDENTIALS:
                make_once(self._places.secrets / credential.name, f"{credential.make()}\n")
            for part in self._parts.values():
                if part.published:
                    self._ports[part.service] = starting.enter_context(reserve()).port
            make_once(
                self._places.env_file,
                settings_text(self._ports, self._places.secrets, left_out=self._leave_out),
            )
            checked = [part.service for part in self._parts.values() if not part.ends]
            self._override.write_text(override(checked), encoding="utf-8")
            client = connect()
            starting.callback(client.close)
            processes = starting.enter_context(Processes())
            start_reaper(processes, label)
            starting.callback(remove_all, client, label)
            self._up()
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _up(self) -> None:
        try:
            project = self.engine.project(("demo",))
            if self._leave_out:
                project = without(project, self._leave_out)
            self.services = tuple(
                part for part in self._parts.values() if part.service in project.services
            )
            wait = ("--wait", "--wait-timeout", str(UP_SECONDS))
            self.engine.told("up", "--detach", "--no-build", *wait, *sorted(project.services))
            # As `nox -s stack -- up` does, and so that what ends afterwards is seen to come back.
            self.engine.hang_up(sorted(WATCHERS & project.services.keys()))
        except StackFailure as failure:
            raise TrialFailed(f"{failure}; {self._why()}") from failure

    def _why(self) -> str:
        """Return who is not well, and what those said last."""
        wrong = {
            each.service: why
            for each in self.engine.containers()
            if (why := trouble(each, ends=self._parts[each.service].ends)) and why != "is created"
        }
        said = []
        for service, why in wrong.items():
            logs = _run(["docker", "logs", "--tail", str(LAST_WORDS), f"{self.name}-{service}-1"])
            words = " | ".join(f"{logs.stdout}{logs.stderr}".split("\n")).strip(" |")
            said.append(f"{service} {why}: {words}")
        return "; ".join(said) or "no container says why"

    def _docker(self, *arguments: str) -> str:
        done = _run(["docker", *arguments])
        if done.returncode != 0:
            raise TrialFailed(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TrialFailed(
            f"{' '.join(command[:2])} did not end within {ASK_SECONDS:.0f} s"
        ) from error
