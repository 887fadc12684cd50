"""The load, as Locust runs it: for a person against one host, for a drill run against all targets.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000      a person, with Locust's page
    LOAD_PLAN=plan.json locust -f loadtests/locustfile.py --headless    a run; commands on stdin

One rule: with a plan, the plan alone decides; without one, this is an ordinary locustfile.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import gevent
from locust import FastHttpUser, User, constant, constant_throughput, events, task
from locust.contrib.fasthttp import FastResponse, LocustBadStatusCode
from locust.env import Environment
from locust.exception import CatchResponseError
from requests import HTTPError

from instrumentation.faults import contract
from loadtests.channel import Events, leave, lines_of_stdin
from loadtests.gate import Gate
from loadtests.own import load_users, paced_users
from loadtests.plan import Plan, PlanError, Quit, TargetPlan, parse_command, parse_plan
from loadtests.samples import NO_RESPONSE, NO_RESULT
from loadtests.target import MakeSigner, Signer, Target

SAMPLE_SECONDS = 0.25
ANSWERED = (LocustBadStatusCode, HTTPError, CatchResponseError)
"""What is complained of an answer that came: its status, or what a task thinks of it."""
EVERYDAY_JOURNEY = {
    "GET /api/users": 5.0,
    "GET /api/bookings": 3.0,
    "POST /api/bookings": 1.0,
    "POST /api/payments": 1.0,
}


class Visitor(FastHttpUser):
    """A user of one target, which all of that target's users share."""

    abstract = True
    target: Target
    gate: Gate | None = None

    @task
    def visit(self) -> None:
        """Send the target's next request, when it is due."""
        if self.gate is not None:
            self.gate.wait()
        call = self.target.next_call()
        self.client.request(
            call.method,
            call.path,
            data=call.body,
            headers=dict(call.headers),
            context={"faulted": call.faulted, "target": self.target},
            allow_redirects=False,
        )


def signers(
    secret_file: Path | None, instance: str | None, lease_seconds: float | None = None
) -> MakeSigner:
    """How faults are signed for an instance; the secret is read when a fault is asked for.

    With ``lease_seconds``, a fault that waits does so under a lease.
    """

    def make_signer(wire_form: Mapping[str, object]) -> Signer:
        if secret_file is None:
            raise PlanError("the plan names no fault_secret_file, so no fault can be signed")
        if instance is None:
            raise PlanError("the plan names no instance for this target, so no fault can be signed")
        secret = secret_file.read_bytes().strip()
        fault = contract.fault_from_json(dict(wire_form))
        if lease_seconds is not None:
            fault = contract.leased(fault, lease_seconds)

        def sign(method: str, path: str) -> str:
            return contract.encode(
                fault,
                secret=secret,
                instance=instance,
                method=method,
                path=path,
                expires=time.time() + contract.SIGNED_SECONDS,
            )

        return sign

    return make_signer


class Run:
    """All targets of a plan, and the two pipes."""

    def __init__(self, plan: Plan, out: Events) -> None:
        self.targets = {
            target.id: Target(
                target,
                signers(plan.fault_secret_file, target.instance, plan.lease_seconds),
                lease_seconds=plan.lease_seconds,
            )
            for target in plan.targets
        }
        self._gates = {id_: Gate(target.schedule) for id_, target in self.targets.items()}
        self._timeout_seconds = plan.timeout_seconds
        self._locustfile = plan.locustfile
        self._users = 0
        self._out = out

    def user_classes(self) -> dict[str, type[User]]:
        """A user class a target, by its id; several where the users are those of a Locust file.

        Raises:
            PlanError: that file has no users of HTTP.
        """
        own = load_users(self._locustfile) if self._locustfile else ()
        found: dict[str, type[User]] = {}
        for target in self.targets.values():
            if target.has_tasks:
                members = self._members(target)
                found |= paced_users(own, target, self._gates[target.id], members)
            else:
                found[target.id] = self._user_class(target)
        self._users = sum(one.fixed_count for one in found.values())
        return found

    def _user_class(self, target: Target) -> type[Visitor]:
        members = {
            "target": target,
            "gate": self._gates[target.id],
            "fixed_count": target.users,
            **self._members(target),
        }
        return type(target.id, (Visitor,), members)

    def _members(self, target: Target) -> dict[str, object]:
        return {
            "host": target.host,
            "network_timeout": self._timeout_seconds,
            "connection_timeout": self._timeout_seconds,
            "wait_time": constant(0),  # the gate paces
        }

    def listen(self) -> None:
        """Hook into Locust's events."""
        events.init.add_listener(self._on_init)
        events.spawning_complete.add_listener(self._on_spawned)
        events.request.add_listener(self._on_request)

    def _on_init(self, environment: Environment, **_: object) -> None:
        options = environment.parsed_options
        if options is not None:
            options.num_users = self._users
            options.spawn_rate = options.num_users  # all in the first second's batch
        _spawn(self._obey_until_told_to_quit)

    def _on_spawned(self, **_: object) -> None:
        for target in self.targets.values():
            self._open_or_close(target)
        self._out.write({"event": "started", "at": time.time()})
        _spawn(self._sample_for_ever)

    def _on_request(
        self,
        response_time: float,
        response: FastResponse,
        exception: BaseException | None,
        context: Mapping[str, object],
        **_: object,
    ) -> None:
        target = context.get("target")
        if not isinstance(target, Target):  # an event that a team's own Locust file has made
            return
        answered = exception is None or isinstance(exception, ANSWERED)
        fault_result = None
        if context["faulted"]:
            headers: Mapping[str, object] = response.headers or {}
            fault_result = str(headers.get(contract.RESULT_HEADER, NO_RESULT))
        target.window.add(
            status=response.status_code if answered else NO_RESPONSE,
            latency_ms=response_time,
            fault_result=fault_result,
            at=time.time(),
        )

    def _sample_for_ever(self) -> None:
        due_at = time.perf_counter()
        while True:
            due_at += SAMPLE_SECONDS
            gevent.sleep(max(0.0, due_at - time.perf_counter()))
            self._write_samples()

    def _write_samples(self) -> None:
        at = time.time()
        for target in self.targets.values():
            if event := target.take_sample(at):
                self._out.write(event)

    def _obey_until_told_to_quit(self) -> None:
        for line in lines_of_stdin():
            number: int | None = None
            try:
                command, number = parse_command(line)
                if isinstance(command, Quit):
                    break
                target = self._target(command.target)
                target.obey(command)
                self._open_or_close(target)
            except PlanError as error:
                self._refuse(error, number or error.number)
            except OSError as error:  # the secret can't be read
                self._refuse(error, number)
            else:
                at = time.time()
                self._out.write(
                    {"event": "command", "id": number, "target": command.target, "at": at}
                )
        leave(0, last_words=self._write_samples)

    def _open_or_close(self, target: Target) -> None:
        gate = self._gates[target.id]
        if target.flows:
            gate.open()
        else:
            gate.close()

    def _refuse(self, error: Exception, number: int | None) -> None:
        self._out.write({"event": "error", "id": number, "message": str(error)})

    def _target(self, id_: str) -> Target:
        if id_ not in self.targets:
            raise PlanError(f"unknown target {id_!r}; known: {', '.join(sorted(self.targets))}")
        return self.targets[id_]


def _spawn(run: Callable[[], None]) -> None:
    # Load that nobody can command or see any more must end; gevent has printed the reason by then.
    gevent.spawn(run).link_exception(lambda _: leave(1))


def everyday_user() -> type[FastHttpUser]:
    """The user of a person's own run: one request a second along the everyday journey."""
    plan = TargetPlan(id="", host="", rate_per_second=1.0, users=1, journey=EVERYDAY_JOURNEY)
    members = {
        "target": Target(plan, signers(None, None)),
        "wait_time": constant_throughput(1),
    }
    return type("SoftFactoryUser", (Visitor,), members)


def main() -> dict[str, type[User]]:
    """The user classes of this process."""
    plan_file = os.environ.get("LOAD_PLAN")
    if plan_file is None:
        return {"SoftFactoryUser": everyday_user()}
    try:
        plan = parse_plan(Path(plan_file).read_text(encoding="utf-8"))
    except (PlanError, OSError) as error:
        sys.exit(f"LOAD_PLAN={plan_file}: {error}")
    run = Run(plan, Events())
    try:
        users = run.user_classes()
    except PlanError as error:
        sys.exit(str(error))
    run.listen()
    return users


globals().update(main())  # Locust finds user classes by looking into this module's names
