"""Everything that a person needs to play with SoftFactory, from one command.

One rule: whatever was started here ends with it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from instrumentation.demo.gateway import Behaviour, GatewayDouble
from instrumentation.demo.serve import address_of

VAR = Path("var")
STOP_SECONDS = 15.0  # longer than the server's own graceful time-out
LOOK_AGAIN_SECONDS = 0.1


def up(listener: socket.socket, *, threads: int) -> int:
    """Start the payment gateway's double and the service; return when they are told to end.

    Args:
        listener: the socket on which the service will answer.
        threads: how many requests it works on at once.

    Returns:
        0 when it was ended from outside, else the service's exit status.
    """
    url = address_of(listener)
    number = listener.fileno()
    with _ended_by_signals(), _gateway(os.environ) as environment:
        service = subprocess.Popen(
            [
                *(sys.executable, "-m", "instrumentation.demo", "serve", "--end-with-parent"),
                *("--listen-fd", str(number), "--threads", str(threads)),
            ],
            env=environment,
            pass_fds=[number],
        )
        try:
            listener.close()
            if _serves(service, url):
                _say(_welcome(url, environment))
            return service.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(service)


@contextlib.contextmanager
def _gateway(given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run the double, unless the environment names a gateway, and yield the service's variables."""
    if given.get("STRIPE_API_KEY_FILE") or given.get("STRIPE_API_BASE"):
        yield dict(given)
        return
    VAR.mkdir(parents=True, exist_ok=True)
    key_file = VAR / "stripe-test-key"
    key = f"sk_test_{secrets.token_hex(16)}"
    key_file.unlink(missing_ok=True)
    key_file.touch(mode=0o600)
    key_file.write_text(f"{key}\n")
    behaviour = VAR / "gateway-behaviour"
    behaviour.write_text(f"{Behaviour.NORMAL}\n")
    double = GatewayDouble(api_key=key, control_file=behaviour, log_file=VAR / "gateway.jsonl")
    with double.serving():
        yield {**given, "STRIPE_API_KEY_FILE": str(key_file), "STRIPE_API_BASE": double.url}


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a request to terminate do what Ctrl-C does."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serves(service: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the service answers; false when it ended instead."""
    while True:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=1.0)
        try:
            connection.request("GET", "/api/metrics/live")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass  # not there yet: its end, or its answer, is what is waited for
        finally:
            connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(LOOK_AGAIN_SECONDS)
            return False


def _stop(service: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # once is enough: what follows is bounded
    service.terminate()
    try:
        service.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _welcome(url: str, environment: Mapping[str, str]) -> str:
    double = ""
    if "STRIPE_API_KEY_FILE" not in os.environ and "STRIPE_API_BASE" not in os.environ:
        double = f"""
  payment gateway (a double)   {environment["STRIPE_API_BASE"]}
    let it fail                echo error500 > {VAR}/gateway-behaviour
    let it work again          echo normal > {VAR}/gateway-behaviour
"""
    return f"""
SoftFactory is up. Ctrl-C ends it.

  service     {url}/api/users
  metrics     {url}/api/metrics/prometheus
  summary     {url}/api/metrics/summary
  readiness   {url}/api/metrics/ready
{double}
  pay         curl -s {url}/api/payments -H 'Content-Type: application/json' \\
                -d '{{"user_id": 1, "amount_cents": 1250, "payment_method": "pm_card_visa"}}'
  back up     python -m instrumentation.demo backup
"""


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
