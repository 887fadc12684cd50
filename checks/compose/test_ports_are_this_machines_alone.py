"""What the stack publishes is reached from this machine, and from no other."""

import socket

import psutil
import pytest

from scenarios.capabilities import COMPOSE
from stack.compose.trial import TrialStack
from stack.compose.trial.judges import bound_elsewhere
from stack.ports import LOOPBACK

PATIENCE_SECONDS = 2.0


@pytest.mark.requires(COMPOSE)
def test_every_port_is_bound_to_the_loopback_address(stack: TrialStack) -> None:
    containers = stack.inspected()
    published = {service for service, one in containers.items() if one.bound}
    assert published == stack.ports.keys()
    wrong = bound_elsewhere(containers.values())
    assert not wrong, f"others reach {', '.join(wrong)}; publish it as 127.0.0.1:PORT:PORT"


@pytest.mark.requires(COMPOSE)
def test_no_port_answers_at_another_address_of_this_machine(stack: TrialStack) -> None:
    assert all(_answers(LOOPBACK, port) for port in stack.ports.values())
    reached = [
        f"{service} at {address}:{port}"
        for service, port in stack.ports.items()
        for address in _other_addresses()
        if _answers(address, port)
    ]
    assert not reached, f"others reach {', '.join(reached)}"


def _other_addresses() -> list[str]:
    return [
        one.address
        for several in psutil.net_if_addrs().values()
        for one in several
        if one.family == socket.AF_INET and not one.address.startswith("127.")
    ]


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True
