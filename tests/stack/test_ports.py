"""A reserved port belongs to the server it is meant for, and to nobody else."""

from __future__ import annotations

import errno
import http.client
import http.server
import os
import signal
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

from stack.ports import LOOPBACK, Reservation, port_is_held, reserve
from stack.processes import Processes
from stack.readiness import NOT_ANSWERING, answers_ready
from stack.tools import ToolSettings, find_tools
from stack.waiting import wait_until

IP_LOCAL_PORT_RANGE = 51  # linux/in.h, Linux 6.3: restricts what bind(0) may choose, per socket


def only_this_port(port: int) -> socket.socket:
    """Return a socket to which the kernel may give no port but this one."""
    asking = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        limits = struct.pack("=I", port << 16 | port)
        asking.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, limits)
    except OSError as error:
        asking.close()
        if error.errno != errno.ENOPROTOOPT:
            raise
        pytest.skip("this kernel cannot restrict bind(0) to one port (Linux 6.3 can)")
    return asking


@pytest.mark.parametrize("reuse", [0, 1], ids=["plain", "SO_REUSEADDR"])
def test_bind_to_port_0_never_gives_a_reserved_port(reuse: int) -> None:
    with reserve() as reservation, only_this_port(reservation.port) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        with pytest.raises(OSError, match="in use"):
            asking.bind((LOOPBACK, 0))
        reservation.close()
        asking.bind((LOOPBACK, 0))
        assert asking.getsockname()[1] == reservation.port


def test_an_outgoing_connection_never_gets_a_reserved_port() -> None:
    with (
        reserve() as reservation,
        socket.create_server((LOOPBACK, 0)) as listening,
        only_this_port(reservation.port) as asking,
    ):
        with pytest.raises(OSError, match="Cannot assign requested address"):
            asking.connect(listening.getsockname())
        reservation.close()
        asking.connect(listening.getsockname())
        assert asking.getsockname()[1] == reservation.port


def test_reservations_are_distinct() -> None:
    held = [reserve() for _ in range(200)]
    assert len({reservation.port for reservation in held}) == len(held)
    for reservation in held:
        reservation.close()


def test_connections_are_refused_while_nothing_listens() -> None:
    with reserve() as reservation, pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, reservation.port), timeout=5)


def test_a_port_is_held_from_reservation_to_close() -> None:
    with reserve() as reservation:
        assert port_is_held(reservation.port)
    assert not port_is_held(reservation.port)
    reservation.close()  # twice does nothing


def serve_once(reservation: Reservation) -> int:
    """Start an HTTPServer on a held port, ask it once, and end it."""
    server = http.server.HTTPServer(
        (LOOPBACK, reservation.port), http.server.SimpleHTTPRequestHandler
    )
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    asking = http.client.HTTPConnection(LOOPBACK, reservation.port, timeout=5)
    asking.request("HEAD", "/nothing-of-this-name")
    status = asking.getresponse().status
    asking.close()
    thread.join()
    server.server_close()
    return status


def test_pythons_http_server_binds_a_held_port_and_binds_it_again_after_a_restart() -> None:
    with reserve() as reservation:
        assert serve_once(reservation) == http.client.NOT_FOUND
        assert serve_once(reservation) == http.client.NOT_FOUND


@pytest.mark.integration
def test_prometheus_binds_a_held_port_and_binds_it_again_after_sigkill(tmp_path: Path) -> None:
    prometheus = find_tools(ToolSettings.from_env(), print).prometheus
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    with reserve() as reservation, Processes() as processes:
        for _ in range(2):
            child = processes.start(
                "prometheus",
                [
                    *prometheus.command,
                    f"--config.file={tmp_path / 'prometheus.yml'}",
                    f"--storage.tsdb.path={tmp_path / 'data'}",
                    f"--web.listen-address={LOOPBACK}:{reservation.port}",
                ],
                log=tmp_path / "log",
            )
            wait_until(
                lambda: answers_ready(reservation.port),
                what="Prometheus",
                timeout_seconds=20,
                retry_on=NOT_ANSWERING,
            )
            os.kill(child.pid, signal.SIGKILL)
            child.wait()


@pytest.mark.integration
def test_gunicorn_binds_a_held_port_and_binds_it_again_after_sigkill(tmp_path: Path) -> None:
    (tmp_path / "ready.py").write_text(
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Length', '0')])\n"
        "    return []\n"
    )
    bind = ["-m", "gunicorn", "--workers=1", "ready:app"]
    with reserve() as reservation, Processes() as processes:
        for _ in range(2):
            child = processes.start(
                "gunicorn",
                [sys.executable, *bind, f"--bind={LOOPBACK}:{reservation.port}"],
                log=tmp_path / "log",
                cwd=tmp_path,
            )
            wait_until(
                lambda: answers_ready(reservation.port),
                what=f"gunicorn ({tmp_path / 'log'})",
                timeout_seconds=20,
                retry_on=NOT_ANSWERING,
            )
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
