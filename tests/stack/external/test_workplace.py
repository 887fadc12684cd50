"""What an engine of ours leaves behind is taken away, even where its owner was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from stack.external.workplace import workplace

HOLDS = """
import sys, time
from pathlib import Path
from stack.external.workplace import workplace
with workplace(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_workplace_goes_with_its_context(tmp_path: Path) -> None:
    with workplace(tmp_path) as folder:
        (folder / "data").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_one_in_use_stays_and_one_whose_owner_was_killed_goes(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    theirs = Path(owner.stdout.readline().strip())
    with workplace(tmp_path):
        assert theirs.is_dir()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    with workplace(tmp_path) as ours:
        assert list(tmp_path.iterdir()) == [ours]
