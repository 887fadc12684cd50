"""A team's own Locust users under the plan's pace: their tasks, our slots, our signed faults.

    python -m loadtests.own shop/locustfile.py      says whose tasks there are, or what is wrong

One rule: a task is run as it is written; only the client that it speaks through knows of the plan,
so that each request waits for its slot and carries the fault that it must.
"""

from __future__ import annotations

import functools
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from locust import FastHttpUser, HttpUser, User
from locust.clients import HttpSession
from locust.util.load_locustfile import load_locustfile

from instrumentation.faults import contract
from loadtests.gate import Gate
from loadtests.plan import TASKS, PlanError
from loadtests.target import Target

REFUSED = 2


def load_users(locustfile: Path) -> tuple[type[User], ...]:
    """Load the users of a Locust file that speak HTTP and have tasks.

    Raises:
        PlanError: the file can't be loaded, or has none; one line.
    """
    try:
        found, _ = load_locustfile(str(locustfile))
    except SystemExit as error:
        raise PlanError(f"{locustfile}: it ended with {error.code} when it was loaded") from error
    except Exception as error:
        said = " ".join(str(error).split())
        raise PlanError(f"{locustfile}: {type(error).__name__}: {said}") from error
    users = tuple(
        one for one in found.values() if issubclass(one, HttpUser | FastHttpUser) and one.tasks
    )
    if not users:
        named = ", ".join(found) or "no user class at all"
        raise PlanError(
            f"{locustfile}: expected a class of HttpUser or FastHttpUser with a @task, "
            f"found {named}"
        )
    return users


def shares(users: Sequence[type[User]], count: int) -> tuple[int, ...]:
    """Return how many of ``count`` users each class gets, by its weight; at least one each."""
    total = sum(one.weight for one in users)
    return tuple(max(1, round(count * one.weight / total)) for one in users)


def paced_users(
    users: Sequence[type[User]], target: Target, gate: Gate, members: Mapping[str, object]
) -> dict[str, type[User]]:
    """Return each class as the load of one target, by a name of its own."""
    return {
        f"{target.id}-{own.__name__}": type(
            f"{target.id}-{own.__name__}",
            (own,),
            {
                **members,
                "abstract": False,
                "fixed_count": count,
                "__init__": _with_paced_client(own, target, gate, members),
            },
        )
        for own, count in zip(users, shares(users, target.users), strict=True)
    }


def _with_paced_client(
    own: type[User], target: Target, gate: Gate, members: Mapping[str, object]
) -> Callable[..., None]:
    def init(self: Any, *arguments: Any, **named: Any) -> None:
        own.__init__(self, *arguments, **named)
        pace(self.client, target, gate)
        if isinstance(self.client, HttpSession):  # which waits for ever unless it is told
            self.client.request = functools.partial(
                self.client.request, timeout=members["network_timeout"]
            )

    return init


def pace(client: Any, target: Target, gate: Gate) -> None:
    """Have each request of a Locust client wait for its slot, and carry the fault that it must.

    Where the journey has requests beside the tasks, those whose turn it is are sent before.
    """
    send = client.request

    def request(_client: Any, method: str, url: str, *arguments: Any, **named: Any) -> Any:
        while True:
            gate.wait()
            name = target.next_name()
            if name == TASKS:
                break
            call = target.call(name)
            send(
                call.method,
                call.path,
                data=call.body,
                headers=dict(call.headers),
                context={"faulted": call.faulted, "target": target},
                allow_redirects=False,
            )
        headers = {"Connection": "close", **(named.pop("headers", None) or {})}
        kind = str(named.get("name") or TASKS)
        header, faulted = target.signed(method.upper(), urlsplit(url).path, kind=kind)
        if header is not None:
            headers[contract.HEADER] = header
        context = {**(named.pop("context", None) or {})}
        context |= {"faulted": faulted, "target": target}
        return send(method, url, *arguments, headers=headers, context=context, **named)

    client.request = types.MethodType(request, client)


def main(arguments: Sequence[str]) -> int:
    """Say which users a Locust file has, as JSON; return the exit status."""
    try:
        users = load_users(Path(arguments[0]).resolve())
    except PlanError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's error message
        return REFUSED
    print(json.dumps([one.__name__ for one in users]))  # noqa: T201 - a command's answer
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
