"""What yields does so as a whole session, and nobody yields with it."""

import os
import subprocess
from pathlib import Path

import pytest

from stack.yielding import yielding

AUTOGROUP = Path("/proc/self/autogroup")
SHOW = ("/bin/sh", "-c", "nice; cat /proc/self/autogroup 2>/dev/null")


def test_the_process_keeps_its_id_and_yields() -> None:
    child = subprocess.Popen(
        [*yielding(10, own_session=True), "/bin/sh", "-c", "echo $$; nice"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    output, _ = child.communicate(timeout=20)
    assert output.split() == [str(child.pid), str(min(19, os.nice(0) + 10))]


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not group by session")
@pytest.mark.parametrize("own_session", [True, False])
def test_its_session_yields_and_the_one_that_started_it_does_not(own_session: bool) -> None:
    before = AUTOGROUP.read_text()
    done = subprocess.run(
        [*yielding(19, own_session=own_session), *SHOW],
        capture_output=True,
        text=True,
        timeout=20,
        start_new_session=own_session,
        check=True,
    )
    assert done.stdout.split()[-2:] == ["nice", "19"]
    assert AUTOGROUP.read_text() == before
