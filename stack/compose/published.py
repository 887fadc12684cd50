"""Ports of this machine that somebody else has are found before anything is started.

Design rule: what the stack's own containers hold already is not taken.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from stack.compose.containers import Container
from stack.compose.failure import StackFailure
from stack.compose.project import Project
from stack.ports import LOOPBACK

__all__ = ["refuse_taken_ports"]


def refuse_taken_ports(project: Project, containers: Iterable[Container]) -> None:
    """Raise StackFailure, naming service, port and variable, if a port can't be published."""
    own = {port for each in containers if each.state == "running" for port in each.ports}
    for service in project.services.values():
        for port in service.published.values():
            if port not in own and (why := _obstacle(port)):
                variable = f"{service.name.upper()}_PORT"
                raise StackFailure(
                    f"port {port} of {service.name} {why}; who has it: ss -ltnp 'sport = :{port}'; "
                    f"another one: {variable}=... in stack/.env"
                )


def _obstacle(port: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asked:
        # As the engine's own proxy does: a connection that is still closing is no obstacle.
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((LOOPBACK, port))
            asked.listen(1)
        except OSError as error:
            if error.errno == errno.EACCES:
                return None  # below 1024: the engine may, though this user may not
            return f"is taken ({error.strerror})"
    return None
