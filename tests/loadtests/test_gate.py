"""A gate lets users through while the load flows, and nobody on a slot from before it stopped."""

import subprocess
import sys

SCRIPT = """
import gevent, time
from loadtests.gate import Gate
from loadtests.pacing import Schedule
gate, passed = Gate(Schedule(20)), []
def user():
    while True:
        gate.wait()
        passed.append(time.perf_counter())
users = [gevent.spawn(user) for _ in range(3)]
gevent.sleep(0.1); before = len(passed)
gate.open(); gevent.sleep(0.8); flowing = len(passed)
gate.close(); gevent.sleep(0.4); stopped = len(passed)
gate.open(); gevent.sleep(0.8); again = len(passed)
print(before, flowing > 4, stopped - flowing, again > stopped + 4)
"""


def test_requests_flow_only_while_the_gate_is_open() -> None:
    """In a process of its own: gevent's loop is none of the tests'."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("0 True 0 True", "")
